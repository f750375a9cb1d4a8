//! The commands.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    agent,
    app::{App, Outside},
    config::{Config, Sources},
    import::{self, Plan},
    lifecycle::{StopSignals, start_logging},
    platform::process::{open_files, supervise},
    runner::contained::keep,
};

#[derive(Debug, Parser)]
#[command(version, about = "Runs crawlers: schedules, logs, items, exports.")]
struct Cli {
    /// A TOML file with settings; see `config show` for their names.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the API and runs spiders.
    Serve,
    /// Runs tasks of a server elsewhere: what a node runs. Takes `AGENT_NODE_NAME`, `AGENT_MASTER_URL` and `AGENT_TOKEN`.
    Worker,
    /// Runs one attempt of a task, in a container of a swarm: what the server has the swarm start.
    #[command(hide = true)]
    Attempt,
    /// Brings the database up to date, and ends.
    Migrate,
    /// Makes the present secret key the database's, where the one that it belonged to is lost for good.
    AdoptKey,
    /// The settings.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Prints the API's description (OpenAPI 3.1).
    Openapi,
    /// Users, for whoever lost their way in.
    #[command(subcommand)]
    User(UserCommand),
    /// Brings over what another system keeps.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Started by the server around each spider.
    #[command(hide = true)]
    Supervise,
    /// Started by a supervisor for each spider that runs in a container.
    #[command(hide = true)]
    Keep { order: PathBuf },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Prints every setting, its value, and where it comes from. Secrets are hidden.
    Show,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Sets a new random password, prints it, and ends the user's sessions.
    ResetPassword { email: String },
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// From the CrawlHub that this one succeeds. Nothing there is changed. It can be stopped and run again: what is here
    /// already is left alone. Ends with 2 where something could not be kept, which is listed then.
    Predecessor {
        /// Where its PostgreSQL is; or `PREDECESSOR_DATABASE_URL` in the environment, which others cannot see.
        #[arg(long, value_name = "URL")]
        postgres: Option<String>,
        /// Where its MongoDB is, with the name of the database; or `PREDECESSOR_MONGODB_URL` in the environment.
        #[arg(long, value_name = "URL")]
        mongo: Option<String>,
        /// Makes spiders active that are active there, so that their schedules run here; also those that a former import
        /// brought and nobody has changed since. Do so when the predecessor runs no more.
        #[arg(long)]
        activate: bool,
        /// Only says how much there is.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Of an import that could not keep all.
const NOT_ALL: u8 = 2;

pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::Supervise) {
        return supervise();
    }
    if let Command::Keep { order } = &cli.command {
        return keep(order);
    }
    match run_command(&cli) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command's complaint")]
fn complain(error: &anyhow::Error) {
    eprintln!("crawlhub: {error:#}");
}

#[tokio::main]
async fn run_command(cli: &Cli) -> anyhow::Result<ExitCode> {
    let sources = Sources::new(cli.config.as_deref(), environment());
    let done = match &cli.command {
        Command::Serve => Box::pin(serve(&Config::load(&sources)?, sources.files())).await,
        Command::Worker => Box::pin(worker(&Config::load(&sources)?, sources.files())).await,
        Command::Attempt => Box::pin(attempt(&Config::load(&sources)?)).await,
        Command::Config(ConfigCommand::Show) => show(&sources),
        Command::Migrate => open(&Config::load(&sources)?).await.map(|_| say("the database is up to date")),
        Command::AdoptKey => {
            App::adopt_key(&Config::load(&sources)?).await?;
            say("the database belongs to this secret key now; what the former one encrypted has to be entered again");
            Ok(())
        }
        Command::Openapi => {
            let app = open(&Config::load(&sources)?).await?;
            say(&app.openapi().to_pretty_json()?);
            Ok(())
        }
        Command::User(UserCommand::ResetPassword { email }) => {
            let app = open(&Config::load(&sources)?).await?;
            let password = app.accounts().reset_password(email).await?;
            say(&format!("new password of {email}: {}", password.reveal()));
            Ok(())
        }
        Command::Import(command) => return Box::pin(import(command, &Config::load(&sources)?)).await,
        Command::Supervise | Command::Keep { .. } => Ok(()),
    };
    done.map(|()| ExitCode::SUCCESS)
}

async fn import(
    ImportCommand::Predecessor { postgres, mongo, activate, dry_run }: &ImportCommand,
    config: &Config,
) -> anyhow::Result<ExitCode> {
    let of_environment = |name: &str| environment().find(|(known, _)| known == name).map(|(_, value)| value);
    let plan = Plan {
        postgres: postgres.clone().or_else(|| of_environment("PREDECESSOR_DATABASE_URL")),
        mongo: mongo.clone().or_else(|| of_environment("PREDECESSOR_MONGODB_URL")),
        own_mongo: Some(config.mongodb.url.reveal().to_owned()).filter(|url| !url.is_empty()),
        activate: *activate,
    };
    if *dry_run {
        return import::count(&plan).await.map(|()| ExitCode::SUCCESS);
    }
    let all = import::run(&plan, &open(config).await?).await?;
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(NOT_ALL) })
}

async fn serve(config: &Config, hidden: Vec<PathBuf>) -> anyhow::Result<()> {
    start_logging(&config.log)?;
    // Spiders run as the server's user: its memory and environment are none of their business.
    nix::sys::prctl::set_dumpable(false).context("cannot close the process to others")?;
    open_files::allow_many().context("cannot ask for more open files")?;
    let address = config.server.listen;
    let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
    let listen = listener.local_addr()?;
    let outside = Outside { hidden, ..outside() };
    let app = App::open(config, listen, outside).await?;
    let address =
        if config.server.public_url.is_empty() { format!("http://{listen}") } else { config.server.public_url.clone() };
    say(&format!("CrawlHub  {address}/  (docs: {address}/docs/)"));
    if let Some(password) = &app.accounts().ensure_admin(&config.admin).await? {
        let email = &config.admin.email;
        say(&format!("first administrator, shown once:  {email}  {}", password.reveal()));
    }
    let mut signals = StopSignals::listen()?;
    let stop = CancellationToken::new();
    tokio::select! {
        result = app.serve(listener, stop.clone().cancelled_owned()) => result,
        () = async {
            signals.next().await;
            stop.cancel();
            signals.next().await;
        } => bail!("asked to stop twice: ended at once"),
    }
}

async fn worker(config: &Config, files: Vec<PathBuf>) -> anyhow::Result<()> {
    start_logging(&config.log)?;
    // As of the server.
    nix::sys::prctl::set_dumpable(false).context("cannot close the process to others")?;
    open_files::allow_many().context("cannot ask for more open files")?;
    let hidden = files.into_iter().chain(config.agent.token_file.clone()).collect();
    let mut signals = StopSignals::listen()?;
    let stop = CancellationToken::new();
    tokio::select! {
        result = agent::work(config, Outside { hidden, ..outside() }, stop.clone().cancelled_owned()) => result,
        () = async {
            signals.next().await;
            stop.cancel();
            signals.next().await;
        } => bail!("asked to stop twice: ended at once"),
    }
}

async fn attempt(config: &Config) -> anyhow::Result<()> {
    start_logging(&config.log)?;
    // As of the server: its memory has what its token alone does not.
    nix::sys::prctl::set_dumpable(false).context("cannot close the process to others")?;
    let hidden = config.agent.token_file.clone().into_iter().collect();
    let mut signals = StopSignals::listen()?;
    let stopped = async { signals.next().await };
    agent::attempt(config, Outside { hidden, ..outside() }, stopped).await
}

async fn open(config: &Config) -> anyhow::Result<App> {
    App::open(config, config.server.listen, outside()).await
}

fn outside() -> Outside {
    // The program as it was started, also when a newer one has taken its place on the disk.
    Outside::of(environment(), None, PathBuf::from("/proc/self/exe"))
}

/// What is no UTF-8 is no setting.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn show(sources: &Sources) -> anyhow::Result<()> {
    let settings = sources.show()?;
    let width = settings.iter().map(|setting| setting.key.len()).max().unwrap_or(0);
    for setting in &settings {
        say(&format!("{:width$} = {:?}  ({})", setting.key, setting.value, setting.origin));
    }
    Config::load(sources).map(drop)
}

#[expect(clippy::print_stdout, reason = "what the command was asked to print")]
fn say(text: &str) {
    println!("{text}");
}
