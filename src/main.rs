fn main() -> std::process::ExitCode {
    if std::env::args().nth(1).as_deref() == Some("supervise") {
        return crawlhub::platform::process::supervise();
    }
    std::process::ExitCode::SUCCESS
}
