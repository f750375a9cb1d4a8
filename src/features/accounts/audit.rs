//! What users did.

use super::{Accounts, Caller, types::AuditEntry};
use crate::{
    error::Result,
    platform::http::{Paging, request_id},
};

impl Accounts {
    /// `detail`: what was done, where method and path do not say it.
    pub(super) async fn note(
        &self,
        caller: &Caller,
        (method, path, detail): (&str, &str, Option<&str>),
        status: u16,
        address: &str,
    ) {
        let noted = self
            .db
            .query(
                "INSERT INTO audit (id, user_id, email, method, path, detail, status, address, request_id, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(crate::id::new())
            .bind(&caller.user_id)
            .bind(&caller.email)
            .bind(method)
            .bind(path)
            .bind(detail.map(|detail| detail.replace('\0', "")))
            .bind(i64::from(status))
            .bind(address)
            .bind(request_id())
            .bind(self.clock.now())
            .execute()
            .await;
        // The deed is done and answered; the log keeps what the table could not.
        if let Err(error) = noted {
            tracing::error!(%error, user = caller.email, method, path, status, "cannot write the audit");
        }
    }

    pub(super) async fn audit(&self, paging: &Paging) -> Result<(Vec<AuditEntry>, i64)> {
        let entries = self
            .db
            .query("SELECT * FROM audit WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2 OFFSET $3")
            .bind(&paging.cursor)
            .bind(paging.page_size)
            .bind(paging.offset())
            .fetch_all()
            .await?;
        let (count,) = self.db.query("SELECT COUNT(*) FROM audit").fetch_one().await?;
        Ok((entries, count))
    }
}
