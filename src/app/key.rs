//! The secret key that a database belongs to: with another one, nothing that is encrypted there can be read, and tokens
//! that one server makes are refused by the next.

use anyhow::ensure;

use crate::platform::{database::Database, secrets::Secrets};

/// What the key signs to be known again; nothing else is ever signed like that.
const SUBJECT: &str = "the secret key of this database";

/// Fails where the database belongs to another key. The first one that comes has it.
pub(super) async fn check(db: &Database, secrets: &Secrets) -> anyhow::Result<()> {
    let first = "UPDATE installation SET key_mark = $1 WHERE one = 1 AND key_mark IS NULL";
    db.query(first).bind(secrets.sign(SUBJECT)).execute().await?;
    let (mark,): (String,) = db.query("SELECT key_mark FROM installation").fetch_one().await?;
    ensure!(
        secrets.is_signed(SUBJECT, &mark),
        "the secret key is not the one that this database belongs to. All servers on it need the same one: give this one \
         the others' as server.secret_key (CRAWLHUB_SECRET_KEY), or their <data_dir>/secret.key. Where that key is lost \
         for good, `crawlhub adopt-key` makes the present one the database's; what the lost one has encrypted (passwords, \
         addresses of webhooks, variables) has to be entered again"
    );
    Ok(())
}

/// Makes the key the database's.
pub(super) async fn adopt(db: &Database, secrets: &Secrets) -> anyhow::Result<()> {
    let adopted = "UPDATE installation SET key_mark = $1 WHERE one = 1";
    db.query(adopted).bind(secrets.sign(SUBJECT)).execute().await?;
    Ok(())
}
