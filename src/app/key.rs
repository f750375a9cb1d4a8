//! The secret key that a database belongs to: with another one, nothing that is encrypted there can be read, and tokens
//! that one server makes are refused by the next.

use anyhow::ensure;

use crate::platform::{database::Database, secrets::Secrets};

/// What the key signs to be known again; nothing else is ever signed like that.
const SUBJECT: &str = "the secret key of this database";

/// What is encrypted in a database: tables, their columns, and what stands before a row's id in the owner's name.
const SEALED: [(&str, &str, &str); 8] = [
    ("spiders", "env_vars", "spider:"),
    ("notification_channels", "config", "channel:"),
    ("proxies", "password", "proxy:"),
    ("datasources", "password", "datasource:"),
    ("nodes", "token", "node:"),
    ("projects", "git_token", "project:"),
    ("projects", "git_key", "project:"),
    ("instances", "env", ""),
];

/// Fails where the database belongs to another key. The first one that comes has it, where it opens what is encrypted.
pub(super) async fn check(db: &Database, secrets: &Secrets) -> anyhow::Result<()> {
    let of_database = "SELECT key_mark FROM installation";
    let (mut mark,): (Option<String>,) = db.query(of_database).fetch_one().await?;
    if mark.is_none() && opens(db, secrets).await? {
        let first = "UPDATE installation SET key_mark = $1 WHERE one = 1 AND key_mark IS NULL";
        db.query(first).bind(secrets.sign(SUBJECT)).execute().await?;
        (mark,) = db.query(of_database).fetch_one().await?;
    }
    ensure!(
        mark.is_some_and(|mark| secrets.is_signed(SUBJECT, &mark)),
        "the secret key is not the one that this database belongs to. All servers on it need the same one: give this one \
         the others' as server.secret_key (CRAWLHUB_SECRET_KEY), or their <data_dir>/secret.key. Where that key is lost \
         for good, `crawlhub adopt-key` makes the present one the database's; what the lost one has encrypted (passwords, \
         addresses of webhooks, variables) has to be entered again"
    );
    Ok(())
}

/// Whether the key opens anything of what is there. A database from before keys were marked may hold values of former
/// keys beside those of the present one.
async fn opens(db: &Database, secrets: &Secrets) -> anyhow::Result<bool> {
    let mut is_empty = true;
    for (table, column, prefix) in SEALED {
        let last = format!("SELECT id, {column} FROM {table} WHERE length({column}) > 0 ORDER BY id DESC LIMIT 1");
        let Some((id, sealed)) = db.query_text(last).fetch_optional::<(String, Vec<u8>)>().await? else { continue };
        if secrets.open_sealed(&format!("{prefix}{id}"), &sealed).is_ok() {
            return Ok(true);
        }
        is_empty = false;
    }
    Ok(is_empty)
}

/// Makes the key the database's.
pub(super) async fn adopt(db: &Database, secrets: &Secrets) -> anyhow::Result<()> {
    let adopted = "UPDATE installation SET key_mark = $1 WHERE one = 1";
    db.query(adopted).bind(secrets.sign(SUBJECT)).execute().await?;
    Ok(())
}
