//! The driver, and what it knows of the server at the other end.

use std::time::Duration;

use anyhow::{Context, anyhow};
use mongodb::{
    Client, Database,
    bson::{Document, doc},
    error::{ErrorKind, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR, WriteFailure},
    event::{EventHandler, sdam::SdamEvent},
    options::{ClientOptions, ReadPreference, SelectionCriteria, WriteConcern},
};
use tokio::sync::watch;

use crate::error::{Error, Result};

/// How errors call it.
const WHAT: &str = "MongoDB";
/// Of the URL that names no database.
const DATABASE: &str = "crawlhub";
/// How long a call waits for a server to write to, as while a replica set elects one.
const SELECTION: Duration = Duration::from_secs(3);
const CONNECT: Duration = Duration::from_secs(2);
/// How often the server says that it is there: one that was stopped dead is missed after this and [`CONNECT`].
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How long one call may take in all.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, Clone)]
pub(super) struct Connection {
    client: Client,
    database: String,
    /// Whether there is a server that takes writes.
    there: watch::Receiver<bool>,
}

impl Connection {
    /// Connects when it is first used, and again whenever it was lost. The URL may hold a password and is not repeated.
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        let mut options = ClientOptions::parse(url).await.map_err(|_| {
            anyhow!(
                "MONGODB_URL is not a MongoDB address; one looks like \
                 mongodb://user:password@host:27017/crawlhub?replicaSet=rs0, with % escapes in the password"
            )
        })?;
        options.app_name.get_or_insert_with(|| "crawlhub".to_owned());
        options.server_selection_timeout.get_or_insert(SELECTION);
        options.connect_timeout.get_or_insert(CONNECT);
        options.heartbeat_freq.get_or_insert(HEARTBEAT);
        // What is acknowledged stays, and is seen by whoever reads next.
        options.write_concern = Some(WriteConcern::majority());
        options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        let (says, there) = watch::channel(false);
        options.sdam_event_handler = Some(EventHandler::callback(move |event| {
            if let SdamEvent::TopologyDescriptionChanged(event) = event {
                let is_there = event.new_description.has_writable_server();
                if says.send_replace(is_there) != is_there {
                    let state = if is_there { "is there" } else { "is away" };
                    tracing::info!("MongoDB {state}");
                }
            }
        }));
        let database = options.default_database.clone().unwrap_or_else(|| DATABASE.to_owned());
        let client = Client::with_options(options).context("MONGODB_URL cannot be used")?;
        Ok(Self { client, database, there })
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn database(&self) -> Database {
        self.client.database(&self.database)
    }

    /// What the server says of itself.
    pub(super) async fn hello(&self) -> mongodb::error::Result<Document> {
        self.database().run_command(doc! { "hello": 1 }).await
    }

    /// As far as is known without asking.
    pub(super) fn is_there(&self) -> Result<()> {
        if *self.there.borrow() { Ok(()) } else { Err(away(anyhow!("no server takes writes"))) }
    }

    /// The call, given up soon after the server has gone: what was sent to a machine that was switched off is never
    /// answered.
    pub(super) async fn while_there<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = call => result,
            () = self.lost() => Err(away(anyhow!("the server went away"))),
            () = tokio::time::sleep(PATIENCE) => Err(away(anyhow!("no answer in {PATIENCE:?}"))),
        }
    }

    /// The same of what may take its time.
    pub(super) async fn unless_lost<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = call => result,
            () = self.lost() => Err(away(anyhow!("the server went away"))),
        }
    }

    /// Ends when no server has been there for longer than a call waits for one by itself.
    async fn lost(&self) {
        let mut there = self.there.clone();
        loop {
            if there.wait_for(|there| !there).await.is_err() {
                return std::future::pending().await;
            }
            let back = there.wait_for(|there| *there);
            if tokio::time::timeout(SELECTION + Duration::from_millis(500), back).await.is_err() {
                return;
            }
        }
    }

    pub(super) async fn close(&self) {
        self.client.clone().shutdown().immediate(true).await;
    }
}

pub(super) fn away(source: anyhow::Error) -> Error {
    Error::Unavailable { what: WHAT, source }
}

impl From<mongodb::error::Error> for Error {
    fn from(error: mongodb::error::Error) -> Self {
        // The kind says it; the rest would say it again.
        let said = anyhow!("{}", error.kind);
        if is_passing(&error) { away(said) } else { Self::Internal(said) }
    }
}

pub(super) fn is_passing(error: &mongodb::error::Error) -> bool {
    use ErrorKind as K;
    match error.kind.as_ref() {
        K::Io(_)
        | K::Authentication { .. }
        | K::ServerSelection { .. }
        | K::ConnectionPoolCleared { .. }
        | K::DnsResolve { .. }
        | K::Shutdown => true,
        _ => {
            error.contains_label(RETRYABLE_WRITE_ERROR)
                || error.contains_label(TRANSIENT_TRANSACTION_ERROR)
                || code(error).is_some_and(|code| PASSING.contains(&code))
        }
    }
}

/// Unreachable hosts, timeouts, a step-down or shutdown, no primary, a full disk, too busy.
const PASSING: [i32; 18] =
    [6, 7, 50, 64, 89, 91, 112, 189, 202, 262, 9001, 10107, 11600, 11602, 13388, 13435, 13436, 14031];

/// The server's number for what went wrong.
pub(super) fn code(error: &mongodb::error::Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        ErrorKind::InsertMany(error) => {
            error.write_errors.as_ref().and_then(|errors| errors.first()).map(|error| error.code)
        }
        _ => None,
    }
}

/// Whether the server does not know who asks: at the start that is a mistake in the settings.
pub(super) fn is_signed_out(error: &mongodb::error::Error) -> bool {
    matches!(error.kind.as_ref(), ErrorKind::Authentication { .. })
}

/// Whether a unique index has it already.
pub(super) fn is_taken(error: &mongodb::error::Error) -> bool {
    code(error) == Some(11000)
}
