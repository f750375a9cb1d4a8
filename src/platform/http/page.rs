//! Lists: by page for people, by cursor for programs.

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Params;
use crate::{
    error::{Checks, Error, Result},
    text,
};

/// Which part of a list. `cursor` (a former page's `next_cursor`) goes before `page`.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// From 1.
    #[serde(default = "one")]
    #[param(default = 1, minimum = 1)]
    pub page: i64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    #[param(default = 20, minimum = 1, maximum = 100)]
    pub page_size: i64,
    /// Costs the same however far down the list.
    pub cursor: Option<String>,
}

fn one() -> i64 {
    1
}

fn twenty() -> i64 {
    20
}

impl Paging {
    pub fn offset(&self) -> i64 {
        if self.cursor.is_some() { 0 } else { (self.page - 1).saturating_mul(self.page_size) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Params(paging) = Params::<Self>::from_request_parts(parts, state).await?;
        let mut checks = Checks::default();
        checks.require(paging.page >= 1, "query.page", "value_error", || text!("从 1 开始", "starts at 1"));
        checks.require((1..=100).contains(&paging.page_size), "query.page_size", "value_error", || {
            text!("须在 1 到 100 之间", "must be between 1 and 100")
        });
        checks.finish()?;
        Ok(paging)
    }
}

/// One page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// How many there are in all; left out (null) when a cursor is followed, since counting is what costs.
    pub total: Option<i64>,
    pub page: i64,
    pub page_size: i64,
    pub total_pages: Option<i64>,
    /// For `?cursor=`; null where there is no further page. (A last page that is exactly full still has one: what follows it
    /// is empty.)
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// `items` holds one page at most, and is read after `total` is counted: what comes meanwhile is not counted and missing.
    /// `cursor_of` names the place of an item in the order of the list.
    pub fn new(paging: &Paging, items: Vec<T>, total: Option<i64>, cursor_of: impl Fn(&T) -> String) -> Self {
        let full = i64::try_from(items.len()).is_ok_and(|count| count == paging.page_size);
        // Whatever `total` says: by what came meanwhile another one has moved to the next page.
        let next_cursor = if full { items.last().map(cursor_of) } else { None };
        Self::found(paging, items, total, next_cursor)
    }

    /// A page of which it is known what follows.
    pub fn found(paging: &Paging, items: Vec<T>, total: Option<i64>, next_cursor: Option<String>) -> Self {
        let total_pages = total.map(|total| (total + paging.page_size - 1) / paging.page_size);
        Self { items, total, page: paging.page, page_size: paging.page_size, total_pages, next_cursor }
    }
}
