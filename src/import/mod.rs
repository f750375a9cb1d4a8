//! Brings over what a predecessor keeps: its tables in PostgreSQL, its items, logs and archives in MongoDB.
//!
//! Nothing there is changed, and what is here already is left alone, by its id: an import can be stopped at any moment,
//! also by `kill -9`, and run again. Rows go page by page; items and lines go in steps whose place is kept, and are
//! known again where the last step was broken off (see [`items`] and [`logs`]).

mod archive;
mod documents;
mod items;
mod logs;
mod patience;
mod place;
mod progress;
mod rows;
mod tables;

use std::fs::File;

use anyhow::{Context, bail};

use self::{
    documents::OldDocuments,
    progress::{Progress, say},
    rows::OldRows,
    tables::Tables,
};
use crate::app::App;

/// What is to be brought, and how.
#[derive(Debug, Default)]
pub struct Plan {
    /// The address of the predecessor's PostgreSQL.
    pub postgres: Option<String>,
    /// The address of its MongoDB.
    pub mongo: Option<String>,
    /// The MongoDB in which documents are kept here, if any.
    pub own_mongo: Option<String>,
    /// Spiders that are active there become active here.
    pub activate: bool,
}

/// Both ends of what there is to bring.
struct Source {
    rows: Option<OldRows>,
    documents: Option<OldDocuments>,
}

impl Source {
    async fn open(plan: &Plan) -> anyhow::Result<Self> {
        let rows = match &plan.postgres {
            Some(url) => Some(OldRows::open(url).await.context("the predecessor's PostgreSQL cannot be read")?),
            None => None,
        };
        let documents = match &plan.mongo {
            Some(url) => Some(OldDocuments::open(url).await.context("the predecessor's MongoDB cannot be read")?),
            None => None,
        };
        if rows.is_none() && documents.is_none() {
            bail!("say where the predecessor is: --postgres, --mongo, or both");
        }
        Ok(Self { rows, documents })
    }
}

/// Says how much there is, and brings nothing.
pub async fn count(plan: &Plan) -> anyhow::Result<()> {
    let source = Source::open(plan).await?;
    if let Some(rows) = &source.rows {
        for table in tables::TABLES {
            match rows.count(table).await? {
                Some(count) => say(&format!("{table}: {count}")),
                None => say(&format!("{table}: there is no such table")),
            }
        }
    }
    if let Some(documents) = &source.documents {
        for collection in documents::COLLECTIONS {
            let count = documents.count(collection).await?;
            say(&format!("{collection}: about {count}"));
        }
    }
    Ok(())
}

/// Brings what there is. False where something of it could not be kept: it has been named.
pub async fn run(plan: &Plan, app: &App) -> anyhow::Result<bool> {
    // Two at once would know nothing of each other.
    let lock = File::create(app.data_dir().join("import.lock")).context("cannot make import.lock")?;
    if lock.try_lock().is_err() {
        bail!("another import is at work on this data directory");
    }
    let source = Source::open(plan).await?;
    let mut progress = Progress::default();
    if let Some(rows) = &source.rows {
        let tables = Tables { rows, documents: source.documents.as_ref(), app, activate: plan.activate };
        tables.bring(&mut progress).await?;
    }
    if let Some(documents) = &source.documents {
        let is_own = match &plan.own_mongo {
            Some(url) => documents.is_at(url).await?,
            None => false,
        };
        if is_own {
            say("items are read where they are");
        } else {
            items::bring(documents, app, &mut progress).await?;
        }
        logs::bring(documents, app).await?;
    }
    Ok(progress.finish())
}
