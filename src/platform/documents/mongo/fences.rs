use async_trait::async_trait;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
    options::ReturnDocument,
};

use super::{BOOKS, MongoStore, connection::is_taken, transactions::Failure};
use crate::{
    error::{Error, Result},
    id::TaskId,
    platform::documents::{
        items::Counts,
        store::{Attempts, Batches},
    },
    text,
};

#[async_trait]
impl Attempts for MongoStore {
    async fn open_attempt(&self, task_id: &TaskId, attempt: i64) -> Result<()> {
        let open = async {
            let opened = self
                .collection(BOOKS)
                .update_one(
                    doc! { "_id": task_id.as_str(), "attempt": { "$lte": attempt } },
                    doc! { "$set": { "attempt": attempt, "is_open": true } },
                )
                .upsert(true)
                .await;
            match opened {
                // A later attempt has begun.
                Err(error) if is_taken(&error) => Ok(()),
                opened => Ok(opened.map(drop)?),
            }
        };
        self.call(open).await
    }

    async fn close_attempt(&self, task_id: &TaskId, attempt: i64) -> Result<Counts> {
        let close = async {
            // After what is just being stored here; from elsewhere this attempt stores nothing.
            let _turn = self.turns.take(task_id.as_str()).await;
            let fence = doc! { "_id": task_id.as_str(), "attempt": attempt };
            self.collection(BOOKS).update_one(fence, doc! { "$set": { "is_open": false } }).await?;
            Ok(())
        };
        self.call(close).await?;
        let counts = self.counts(std::slice::from_ref(task_id)).await?;
        Ok(counts.get(task_id).copied().unwrap_or_default())
    }
}

impl MongoStore {
    /// Adds to the task's books, and so holds the attempt open until the transaction ends; an error where it is over. The
    /// books after that.
    pub(super) async fn pass(
        &self,
        session: &mut ClientSession,
        task_id: &TaskId,
        attempt: i64,
        mut added: Document,
    ) -> Result<Document, Failure> {
        // What stays as it is would hold nothing.
        if let Ok(increments) = added.get_document_mut("$inc") {
            increments.insert("turns", 1_i64);
        }
        let passed = self
            .collection(BOOKS)
            .find_one_and_update(doc! { "_id": task_id.as_str(), "attempt": attempt, "is_open": true }, added)
            .return_document(ReturnDocument::After)
            .session(session)
            .await?;
        passed.ok_or_else(|| Failure::Refused(over()))
    }

    /// The books where nothing is to be added; an error where the attempt is over.
    pub(super) async fn check_open(
        &self,
        session: &mut ClientSession,
        task_id: &TaskId,
        attempt: i64,
    ) -> Result<Document, Failure> {
        let fence = doc! { "_id": task_id.as_str(), "attempt": attempt, "is_open": true };
        let found = self.collection(BOOKS).find_one(fence).session(session).await?;
        found.ok_or_else(|| Failure::Refused(over()))
    }
}

fn over() -> Error {
    Error::bad_request("task_not_running", text!("任务不在运行状态", "the task is not running: this attempt is over"))
}
