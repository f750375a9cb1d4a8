use axum::{
    extract::FromRequestParts,
    http::{HeaderName, Method, header, request::Parts},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Format;
use crate::{
    error::{Error, Result},
    features::data::conditions::Wanted,
    platform::http::Params,
    text,
};

/// How an export is written.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::features::data) struct ExportOptions {
    /// Names of fields, by comma: only these, in this order.
    fields: Option<String>,
    /// `gzip` or `zstd`: a compressed file (JSON, JSON Lines, CSV).
    compress: Option<String>,
    /// `1`: begin a CSV with a byte order mark, which spreadsheets need to read it as UTF-8.
    bom: Option<String>,
    /// `1`: put a `'` before cells of a CSV or XLSX that a spreadsheet would run, those that begin with `=`, `+`, `-`, `@`,
    /// a tab or a carriage return. Numbers stay.
    safe: Option<String>,
    /// The `_id` of the last item of the file: what arrives later is left out. The file then stays the same, and
    /// `Range` can be used without `If-Range`.
    upto: Option<String>,
}

/// The same, understood.
#[derive(Debug, Clone)]
pub(super) struct Options {
    pub picked: Option<Vec<String>>,
    pub compress: Option<Compression>,
    pub bom: bool,
    pub safe: bool,
    pub upto: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zstd,
}

impl ExportOptions {
    pub(super) fn check(&self, format: Format) -> Result<Options> {
        let is_on = |flag: &Option<String>| flag.as_deref().is_some_and(|flag| !matches!(flag, "0" | "false"));
        let refused = |sentence| Err(Error::invalid("query.compress", "value_error", sentence));
        let compress = match self.compress.as_deref() {
            None => None,
            Some(_) if matches!(format, Format::Xlsx | Format::Parquet) => {
                return refused(text!("该格式本身已压缩", "files of this format are compressed as they are"));
            }
            Some("gzip") => Some(Compression::Gzip),
            Some("zstd") => Some(Compression::Zstd),
            Some(_) => return refused(text!("须为 gzip 或 zstd", "must be gzip or zstd")),
        };
        Ok(Options {
            picked: self.picked(),
            compress,
            bom: is_on(&self.bom),
            safe: is_on(&self.safe),
            upto: self.upto.clone(),
        })
    }

    fn picked(&self) -> Option<Vec<String>> {
        let listed = self.fields.as_deref()?;
        let mut names: Vec<String> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for name in listed.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if known.insert(name) {
                names.push(name.to_owned());
            }
        }
        if names.is_empty() { None } else { Some(names) }
    }
}

/// Which file, and which part of it.
#[derive(Debug)]
pub(in crate::features::data) struct ExportRequest {
    pub(super) wanted: Wanted,
    pub(super) options: ExportOptions,
    pub(super) is_head: bool,
    pub(super) range: Option<String>,
    pub(super) if_range: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for ExportRequest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let wanted = Wanted::from_request_parts(parts, state).await?;
        let Params(options) = Params::<ExportOptions>::from_request_parts(parts, state).await?;
        let header = |name: HeaderName| Some(parts.headers.get(name)?.to_str().ok()?.to_owned());
        Ok(Self {
            wanted,
            options,
            is_head: parts.method == Method::HEAD,
            range: header(header::RANGE),
            if_range: header(header::IF_RANGE),
        })
    }
}
