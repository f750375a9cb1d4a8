//! Compression on the way out. The same pieces give the same bytes.

use std::io::Write;

use flate2::write::GzEncoder;

use super::request::Compression;
use crate::error::{Error, Result};

/// Fast, and not much larger than the best.
const ZSTD_LEVEL: i32 = 3;

pub(super) enum Squeeze {
    None,
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Squeeze {
    pub(super) fn new(compression: Option<Compression>) -> Result<Self> {
        Ok(match compression {
            None => Self::None,
            Some(Compression::Gzip) => Self::Gzip(GzEncoder::new(vec![], flate2::Compression::fast())),
            Some(Compression::Zstd) => {
                Self::Zstd(zstd::stream::write::Encoder::new(vec![], ZSTD_LEVEL).map_err(Error::internal)?)
            }
        })
    }

    /// What comes out while this goes in; often nothing.
    pub(super) fn add(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        match self {
            Self::None => Ok(bytes),
            Self::Gzip(encoder) => {
                encoder.write_all(&bytes).map_err(Error::internal)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zstd(encoder) => {
                encoder.write_all(&bytes).map_err(Error::internal)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    pub(super) fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::None => Ok(vec![]),
            Self::Gzip(encoder) => encoder.finish().map_err(Error::internal),
            Self::Zstd(encoder) => encoder.finish().map_err(Error::internal),
        }
    }
}
