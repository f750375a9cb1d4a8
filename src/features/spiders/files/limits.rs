//! How much a spider's files may be: each, together, and how many.

use crate::{
    config,
    error::{Error, Result},
    text,
};

/// How many files, and how many bytes in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Amount {
    pub files: usize,
    pub bytes: u64,
}

impl Amount {
    pub(in super::super) fn of(sizes: impl IntoIterator<Item = u64>) -> Self {
        sizes.into_iter().fold(Self::default(), |sum, size| Self { files: sum.files + 1, bytes: sum.bytes + size })
    }
}

/// Whether one file may have that size.
pub fn check_file(limits: &config::Spiders, path: &str, size: u64) -> Result<()> {
    if size > limits.max_file_bytes as u64 { Err(file_too_large(limits, path)) } else { Ok(()) }
}

/// Whether a spider may go from `before` to `after`. One that is over a limit which was lowered may still shrink.
pub(in super::super) fn check_growth(limits: &config::Spiders, before: Amount, after: Amount) -> Result<()> {
    if after.files > limits.max_files && after.files > before.files {
        return Err(too_many_files(limits, after.files));
    }
    if after.bytes > limits.max_total_bytes as u64 && after.bytes > before.bytes {
        return Err(files_too_large(limits));
    }
    Ok(())
}

pub(super) fn file_too_large(limits: &config::Spiders, path: &str) -> Error {
    let limit = limits.max_file_bytes;
    Error::too_large(
        "file_too_large",
        text!("文件 {path} 超过单个文件上限 {limit} 字节", "{path} is larger than the {limit} bytes a file may have"),
    )
}

pub(super) fn too_many_files(limits: &config::Spiders, count: usize) -> Error {
    let limit = limits.max_files;
    Error::too_large(
        "too_many_files",
        text!("共 {count} 个文件，每个爬虫最多 {limit} 个", "{count} files; a spider may have {limit}"),
    )
}

pub(super) fn files_too_large(limits: &config::Spiders) -> Error {
    let limit = limits.max_total_bytes;
    Error::too_large(
        "files_too_large",
        text!(
            "所有文件合计超过上限 {limit} 字节",
            "the files are larger than the {limit} bytes a spider may have in all"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spider_over_a_lowered_limit_may_shrink() {
        let limits = config::Spiders { max_file_bytes: 10, max_total_bytes: 20, max_files: 2 };
        let amount = |files, bytes| Amount { files, bytes };
        assert!(check_growth(&limits, amount(0, 0), amount(2, 20)).is_ok());
        assert!(check_growth(&limits, amount(5, 50), amount(4, 40)).is_ok());
        assert!(check_growth(&limits, amount(5, 50), amount(5, 50)).is_ok());
        assert!(check_growth(&limits, amount(2, 5), amount(3, 5)).is_err());
        assert!(check_growth(&limits, amount(2, 5), amount(2, 21)).is_err());
    }
}
