//! How much a spider may have, said in a way that helps whoever has more.

use std::collections::BTreeMap;

use crate::{
    config,
    error::{Error, Result},
    features::spiders::files::{States, check_file},
    text,
};

/// Of what is too much, so many are named.
const NAMED: usize = 3;

/// Files that are counted.
#[derive(Debug, Default)]
pub(super) struct Amount {
    files: usize,
    bytes: u64,
    /// The first ones, largest first.
    largest: Vec<(u64, String)>,
    /// How many are in each folder of the workspace, with what lies deeper.
    folders: BTreeMap<String, usize>,
}

impl Amount {
    pub(super) fn add(&mut self, path: &str, size: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.largest.len() < NAMED || self.largest.last().is_some_and(|(least, _)| *least < size) {
            let at = self.largest.partition_point(|(other, _)| *other >= size);
            self.largest.insert(at, (size, path.to_owned()));
            self.largest.truncate(NAMED);
        }
        let folder = path.split_once('/').map_or("", |(folder, _)| folder);
        match self.folders.get_mut(folder) {
            Some(count) => *count += 1,
            None => drop(self.folders.insert(folder.to_owned(), 1)),
        }
    }

    pub(super) fn files(&self) -> usize {
        self.files
    }

    pub(super) fn check(&self, limits: &config::Spiders) -> Result<()> {
        if let Some((size, path)) = self.largest.first() {
            check_file(limits, path, *size)?;
        }
        if self.files > limits.max_files {
            let (count, limit) = (self.files, limits.max_files);
            let mut folders: Vec<(&String, &usize)> = self.folders.iter().collect();
            folders.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let most: Vec<String> =
                folders.iter().take(NAMED).map(|(folder, count)| format!("{folder}/ ({count})")).collect();
            let most = most.join(", ");
            return Err(Error::too_large(
                "too_many_files",
                text!(
                    "至少 {count} 个文件，每个爬虫最多 {limit} 个，请删除多余的文件: {most}",
                    "there are {count} files or more, and a spider may have {limit}; remove some: {most}"
                ),
            ));
        }
        if self.bytes > limits.max_total_bytes as u64 {
            let limit = limits.max_total_bytes;
            let most: Vec<String> = self.largest.iter().map(|(size, path)| format!("{path} ({size})")).collect();
            let most = most.join(", ");
            return Err(Error::too_large(
                "files_too_large",
                text!(
                    "文件总大小超过上限 {limit} 字节，请删除多余的文件: {most}",
                    "the files are larger than {limit} bytes in all; remove some: {most}"
                ),
            ));
        }
        Ok(())
    }
}

/// The limits for what both had agreed on: it may stay as large as it is where a limit was lowered since.
pub(super) fn allowed(limits: &config::Spiders, agreed: &States) -> config::Spiders {
    let sizes = || agreed.values().map(|state| usize::try_from(state.size).unwrap_or_default());
    config::Spiders {
        max_file_bytes: limits.max_file_bytes.max(sizes().max().unwrap_or_default()),
        max_total_bytes: limits.max_total_bytes.max(sizes().sum()),
        max_files: limits.max_files.max(agreed.len()),
    }
}
