//! A blob that is put does not go at the same moment: those who put hold together what whoever removes holds alone.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};

use crate::{
    error::{Error, Result},
    platform::database::{Database, Transaction},
};

/// Held by this name in a database that servers share.
const BLOBS: &str = "blobs";
/// So many put at a time; the others wait for them.
const CONNECTIONS: u32 = 4;
/// What is held ends by itself where nothing is heard of its server any more: later than a bucket gives up.
const LONGEST: &str = "SET LOCAL idle_in_transaction_session_timeout = '120s'";

#[derive(Debug, Clone)]
pub(super) struct Holding {
    here: Arc<RwLock<()>>,
    elsewhere: Elsewhere,
}

/// What servers that share a store hold besides.
#[derive(Debug, Clone)]
enum Elsewhere {
    /// A file that they lock in the same way.
    File(PathBuf),
    Database(Database, Arc<Semaphore>),
    /// There are none.
    Nobody,
}

/// Both are free when it goes.
pub(super) struct Held<G> {
    _here: G,
    elsewhere: Lock,
}

enum Lock {
    /// None where the folder's disk knows no locks.
    File(#[expect(dead_code, reason = "it is locked as long as it is open")] Option<File>),
    Database(Transaction, OwnedSemaphorePermit),
    Nobody,
}

impl<G> Held<G> {
    /// Whether it was held until now: an error where it may have been lost meanwhile.
    pub(super) async fn release(self) -> Result<()> {
        match self.elsewhere {
            Lock::Database(transaction, _turn) => transaction.commit().await,
            Lock::File(_) | Lock::Nobody => Ok(()),
        }
    }
}

impl Holding {
    pub(super) fn of_folder(root: &Path) -> Self {
        Self { here: Arc::default(), elsewhere: Elsewhere::File(root.join("blobs.lock")) }
    }

    /// Of a store that is shared by those who share the database.
    pub(super) fn of_database(db: &Database) -> Self {
        // Blobs are put in transactions, too.
        let turns = Arc::new(Semaphore::new(CONNECTIONS as usize));
        let elsewhere =
            if db.is_shared() { Elsewhere::Database(db.apart(CONNECTIONS), turns) } else { Elsewhere::Nobody };
        Self { here: Arc::default(), elsewhere }
    }

    pub(super) async fn to_put(&self) -> Result<Held<impl Sized + '_>> {
        let here = self.here.read().await;
        Ok(Held { _here: here, elsewhere: self.lock(false).await? })
    }

    pub(super) async fn to_remove(&self) -> Result<Held<impl Sized + '_>> {
        let here = self.here.write().await;
        Ok(Held { _here: here, elsewhere: self.lock(true).await? })
    }

    async fn lock(&self, alone: bool) -> Result<Lock> {
        match &self.elsewhere {
            Elsewhere::File(path) => lock_file(path.clone(), alone).await.map(Lock::File),
            Elsewhere::Database(db, turns) => {
                let turn = turns.clone().acquire_owned().await.map_err(Error::internal)?;
                let mut transaction = db.begin().await?;
                transaction.query(LONGEST).execute().await?;
                if alone {
                    transaction.take_turn(BLOBS).await?;
                } else {
                    transaction.share_turn(BLOBS).await?;
                }
                Ok(Lock::Database(transaction, turn))
            }
            Elsewhere::Nobody => Ok(Lock::Nobody),
        }
    }
}

async fn lock_file(path: PathBuf, alone: bool) -> Result<Option<File>> {
    let wait = move || {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        match if alone { file.lock() } else { file.lock_shared() } {
            Ok(()) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
            Err(error) => Err(error),
        }
    };
    let locked = tokio::task::spawn_blocking(wait).await.map_err(Error::internal)?;
    locked.map_err(|error| Error::Unavailable { what: "files", source: error.into() })
}
