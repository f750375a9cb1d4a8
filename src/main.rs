//! The program.

use std::process::ExitCode;

fn main() -> ExitCode {
    crawlhub::cli::run()
}
