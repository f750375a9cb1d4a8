//! Several changes, all or none. Where two transactions change the same document the later one fails at once and is
//! tried again; nobody waits for a lock.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use mongodb::{
    ClientSession,
    error::{TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT},
};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use super::{MongoStore, connection::is_taken};
use crate::error::{Error, Result};

/// For so long a transaction is tried again.
const PATIENCE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Writers of the same task, or of the same keys, queue here in this process, so that they do not make each other try
/// again.
#[derive(Debug)]
pub(super) struct Turns {
    locks: [Mutex<()>; 64],
    hasher: RandomState,
}

impl Default for Turns {
    fn default() -> Self {
        Self { locks: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl Turns {
    pub(super) async fn take(&self, whose: &str) -> MutexGuard<'_, ()> {
        let place = self.hasher.hash_one(whose) % 64;
        // Below 64.
        self.locks[usize::try_from(place).unwrap_or_default()].lock().await
    }
}

/// What a step of a transaction can end with.
#[derive(Debug)]
pub(super) enum Failure {
    Mongo(mongodb::error::Error),
    /// Ours: not tried again.
    Refused(Error),
}

impl From<mongodb::error::Error> for Failure {
    fn from(error: mongodb::error::Error) -> Self {
        Self::Mongo(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Mongo(error) => error.into(),
            Failure::Refused(error) => error,
        }
    }
}

/// How one transaction fares, from its first try on.
pub(super) struct Tries {
    begun: Instant,
    pause: Duration,
}

impl Tries {
    pub(super) fn new() -> Self {
        Self { begun: Instant::now(), pause: FIRST_PAUSE }
    }

    /// Commits what went well and undoes what did not. `None`: it must be tried again.
    pub(super) async fn end<T>(&mut self, mut session: ClientSession, result: Result<T, Failure>) -> Result<Option<T>> {
        let failure = match result {
            Ok(done) => match self.commit(&mut session).await {
                Ok(()) => return Ok(Some(done)),
                Err(error) => Failure::Mongo(error),
            },
            Err(failure) => {
                // Should that fail, the server forgets the transaction by itself.
                let _ = session.abort_transaction().await;
                failure
            }
        };
        match &failure {
            // Two that are the first to write a document collide in its id.
            Failure::Mongo(error)
                if (error.contains_label(TRANSIENT_TRANSACTION_ERROR) || is_taken(error)) && self.has_time() =>
            {
                self.rest().await;
                Ok(None)
            }
            _ => Err(failure.into()),
        }
    }

    /// Until it is known what became of it.
    async fn commit(&mut self, session: &mut ClientSession) -> mongodb::error::Result<()> {
        loop {
            match session.commit_transaction().await {
                Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) && self.has_time() => {
                    self.rest().await;
                }
                result => return result,
            }
        }
    }

    fn has_time(&self) -> bool {
        self.begun.elapsed() < PATIENCE
    }

    async fn rest(&mut self) {
        tokio::time::sleep(self.pause.mul_f64(rand::random_range(0.5..1.0))).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

impl MongoStore {
    pub(super) async fn begin(&self) -> Result<ClientSession> {
        let mut session = self.connection.client().start_session().await?;
        session.start_transaction().await?;
        Ok(session)
    }
}
