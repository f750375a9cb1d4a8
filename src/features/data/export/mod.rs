//! Exports: files of any size, made step by step as the client takes them.
//!
//! A file follows from its plan alone, byte for byte: so it can be made once more, to know how long it is and to go on
//! where a transfer broke off.

mod answer;
mod columns;
mod parquet;
mod part;
mod pipe;
mod request;
mod squeeze;
mod text;
mod xlsx;

use std::sync::Arc;

use axum::{http::StatusCode, response::Response};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

pub(super) use request::{ExportOptions, ExportRequest};

use self::{
    columns::{Columns, Names},
    part::Mark,
    request::Options,
};
use super::{Data, conditions::Wanted, reader::Reader};
use crate::{
    error::{Error, Result},
    platform::documents::ItemFilter,
};

/// What is written for each item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Items,
    /// With task, spider and time.
    Rows,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    NdJson,
    Csv,
    Xlsx,
    Parquet,
}

/// All that a file is made from.
#[derive(Debug, Clone)]
struct Plan {
    format: Format,
    of: Of,
    options: Options,
    reader: Reader,
    /// Of tables.
    columns: Arc<Columns>,
}

impl Data {
    pub(super) async fn export(&self, request: ExportRequest, format: Format, of: Of) -> Result<Response> {
        let options = request.options.check(format)?;
        let wanted = request.wanted.clone();
        let signature = self.signature(&wanted, &options, format, of).await?;
        // Where the client wants the rest of a file, that file; else one of what there is now.
        let again = match request.if_range.as_deref().map(Mark::parse) {
            Some(Some(mark)) if request.range.is_some() => self.still_is(&wanted, mark, &signature).await?,
            _ => None,
        };
        let is_other = request.if_range.is_some() && again.is_none();
        let range = request.range.as_deref().filter(|_| !is_other);
        let mark = match again {
            Some(mark) => mark,
            None => self.freeze(&wanted, options.upto.clone(), signature).await?,
        };
        let reader = Reader::new(self, wanted, mark.upto.clone());
        let mut plan = Plan { format, of, options, reader, columns: Arc::default() };
        if request.is_head {
            return Ok(answer::head(&plan, &mark));
        }
        plan.columns = Arc::new(plan.columns().await?);
        let answer = match format {
            Format::Xlsx => {
                let file = xlsx::file(&plan, &self.documents, &self.tmp).await?;
                answer::file(&plan, &mark, range, file)
            }
            _ => answer::stream(plan.clone(), &mark, range).await,
        }?;
        // It was read in several passes: where items of it went meanwhile, a part of it fits to nothing.
        if answer.status() != StatusCode::OK && !plan.is_still(&mark).await? {
            let whole = ExportRequest { range: None, if_range: None, ..request };
            return Box::pin(self.export(whole, format, of)).await;
        }
        Ok(answer)
    }

    /// Stays the same as long as the same items would give the same file.
    async fn signature(&self, wanted: &Wanted, options: &Options, format: Format, of: Of) -> Result<String> {
        let held = self.documents.held(&wanted.items).await?;
        let version = env!("CARGO_PKG_VERSION");
        let options = Options { upto: None, ..options.clone() };
        let text = format!("{version} {format:?} {of:?} {options:?} {wanted:?} {}", held.altered);
        Ok(URL_SAFE_NO_PAD.encode(&Sha256::digest(text.as_bytes())[..15]))
    }

    async fn freeze(&self, wanted: &Wanted, upto: Option<String>, signature: String) -> Result<Mark> {
        let scope = ItemFilter { q: None, ..wanted.items.clone() };
        if let Some(upto) = upto {
            let items = self.count_upto(wanted, &upto).await?;
            return Ok(Mark { upto: Some(upto), items, signature });
        }
        // In this order: what arrives in between makes the file one that cannot be gone on with, not a wrong one.
        let items = self.documents.held(&scope).await?.items;
        Ok(Mark { upto: self.documents.last_item_id(&scope).await?, items, signature })
    }

    /// The mark, if it still stands for the same file: nothing of it has gone since, and nothing has come late.
    async fn still_is(&self, wanted: &Wanted, mark: Mark, signature: &str) -> Result<Option<Mark>> {
        if mark.signature != signature {
            return Ok(None);
        }
        let items = match &mark.upto {
            Some(upto) => self.count_upto(wanted, upto).await?,
            None => 0,
        };
        Ok(if items == mark.items { Some(mark) } else { None })
    }

    async fn count_upto(&self, wanted: &Wanted, upto: &str) -> Result<i64> {
        let scope = ItemFilter { q: None, upto: Some(upto.to_owned()), ..wanted.items.clone() };
        self.documents.count_items(&scope).await
    }
}

impl Plan {
    /// Whether the same items give the same file as when the mark was made.
    async fn is_still(&self, mark: &Mark) -> Result<bool> {
        let Reader { data, wanted, .. } = &self.reader;
        let signature = data.signature(wanted, &self.options, self.format, self.of).await?;
        Ok(data.still_is(wanted, mark.clone(), &signature).await?.is_some())
    }

    /// Reads everything once where the columns are not given, or their types matter.
    async fn columns(&self) -> Result<Columns> {
        let picked = self.options.picked.clone();
        match (self.format, picked) {
            (Format::Json | Format::NdJson, _) => Ok(Columns::default()),
            (Format::Csv | Format::Xlsx, Some(picked)) => Ok(Columns::picked(picked)),
            (Format::Parquet, Some(picked)) => {
                Columns::picked_typed(self.names(Names::only(picked)).await?).at_most(parquet::MOST_COLUMNS)
            }
            (Format::Parquet, None) => Columns::all(self.names(Names::default()).await?).at_most(parquet::MOST_COLUMNS),
            (_, None) => Ok(Columns::all(self.names(Names::default()).await?)),
        }
    }

    async fn names(&self, mut names: Names) -> Result<Names> {
        let mut reader = self.reader.clone();
        loop {
            let items = reader.next().await?;
            if items.is_empty() {
                return Ok(names);
            }
            names = off_thread(move || {
                items.iter().try_for_each(|item| names.add(&item.data))?;
                Ok(names)
            })
            .await?;
        }
    }
}

/// Work that takes milliseconds, off the threads that serve.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
