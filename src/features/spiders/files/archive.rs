//! Reads an uploaded zip: every entry is judged before one byte of it is kept. Blocking.
//!
//! Sizes are counted while inflating; what headers say of them is not believed. Files that are never part of a spider
//! are left out. Where everything lies in one folder with `scrapy.cfg` or `main.py` right in it, that folder is
//! dropped: people zip the folder as often as its content.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{
    limits::{file_too_large, files_too_large, too_many_files},
    paths::{self, Tree},
};
use crate::{
    config,
    error::{Detail, Error, Result, Text},
    text,
};

/// Left-out entries beside the files that count: a forgotten `node_modules` has about so many.
const MOST_LEFT_OUT: usize = 20_000;
/// Refused entries that are named; the rest is counted.
const MOST_NAMED: usize = 20;
/// The record at a zip's end, less its comment, and the longest comment.
const END: usize = 22;
const LONGEST_COMMENT: usize = 65_535;

/// A zip all of whose files may be kept.
#[derive(Debug)]
pub(super) struct Upload {
    archive: ZipArchive<File>,
    pub entries: Vec<Entry>,
    max_file_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub path: String,
    pub executable: bool,
    pub size: u64,
    index: usize,
}

impl Upload {
    /// Reads and judges the whole archive, and keeps nothing of it.
    pub(super) fn open(mut file: File, limits: &config::Spiders) -> Result<Self> {
        refuse_zip64(&mut file)?;
        let archive = ZipArchive::new(file).map_err(|error| broken(&error))?;
        if archive.len() > limits.max_files + MOST_LEFT_OUT {
            return Err(too_many_files(limits, archive.len()));
        }
        if archive.has_duplicate_names() {
            return Err(refused("zip_collision", text!("压缩包中有同名条目", "the zip has two entries of one name")));
        }
        let entries = judge_names(&archive)?;
        if entries.is_empty() {
            return Err(refused(
                "zip_empty",
                text!("压缩包中没有可用的文件", "the zip holds no file that can be kept"),
            ));
        }
        if entries.len() > limits.max_files {
            return Err(too_many_files(limits, entries.len()));
        }
        let mut upload = Self { archive, entries, max_file_bytes: limits.max_file_bytes as u64 };
        upload.measure(limits)?;
        strip_folder(&mut upload.entries);
        Ok(upload)
    }

    /// The content of one of `entries`, by its place.
    pub(super) fn read(&mut self, at: usize) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        let entry = &self.entries[at];
        let file = self.archive.by_index(entry.index).map_err(|error| broken(&error))?;
        file.take(self.max_file_bytes + 1).read_to_end(&mut content).map_err(|_| damaged(&entry.path))?;
        Ok(content)
    }

    /// Inflates everything once: real sizes against the limits, and checksums.
    fn measure(&mut self, limits: &config::Spiders) -> Result<()> {
        let mut total = 0;
        for entry in &mut self.entries {
            let file = self.archive.by_index(entry.index).map_err(|error| broken(&error))?;
            if !matches!(file.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
                return Err(broken(&ZipError::UnsupportedArchive("compression method")));
            }
            let mut bounded = file.take(self.max_file_bytes + 1);
            entry.size = std::io::copy(&mut bounded, &mut std::io::sink()).map_err(|_| damaged(&entry.path))?;
            if entry.size > self.max_file_bytes {
                return Err(file_too_large(limits, &entry.path));
            }
            total += entry.size;
            if total > limits.max_total_bytes as u64 {
                return Err(files_too_large(limits));
            }
        }
        Ok(())
    }
}

/// The files to keep; all that is wrong with the names is said at once.
fn judge_names(archive: &ZipArchive<File>) -> Result<Vec<Entry>> {
    let (mut entries, mut tree, mut flaws) = (Vec::new(), Tree::default(), Vec::new());
    for index in 0..archive.len() {
        let entry = archive.by_index_data(index).map_err(|error| broken(&error))?;
        let raw = entry.name_raw();
        let name = String::from_utf8_lossy(raw);
        // What Unix says of the entry: its type and permissions; zero where the zip was made elsewhere.
        let mode = entry.external_attributes() >> 16;
        match judge(raw, mode, &mut tree) {
            Ok(None) => {}
            Ok(Some(path)) if entry.encrypted() => {
                return Err(refused(
                    "zip_encrypted",
                    text!(
                        "压缩包已加密（{path}），请上传未加密的压缩包",
                        "the zip is encrypted ({path}); upload one that is not"
                    ),
                ));
            }
            Ok(Some(path)) => entries.push(Entry { path, executable: mode & 0o111 != 0, size: 0, index }),
            Err(flaw) => flaws.push(Detail { loc: format!("file.{}", shortened(&name)), text: flaw, kind: "path" }),
        }
    }
    if flaws.is_empty() {
        return Ok(entries);
    }
    let more = flaws.len().saturating_sub(MOST_NAMED);
    flaws.truncate(MOST_NAMED);
    if more > 0 {
        let text = text!("另有 {more} 个条目不可用", "{more} more entries cannot be kept");
        flaws.push(Detail { loc: "body.file".to_owned(), text, kind: "path" });
    }
    Err(Error::Invalid(flaws))
}

/// The path to keep a file under; `None` for folders and what is left out.
fn judge(raw: &[u8], mode: u32, tree: &mut Tree) -> Result<Option<String>, Text> {
    const TYPE: u32 = 0o170_000;
    const FILE: u32 = 0o100_000;
    const FOLDER: u32 = 0o040_000;
    let name = std::str::from_utf8(raw).map_err(|_| {
        text!(
            "文件名不是 UTF-8 编码（可能是 GBK），请用支持 UTF-8 文件名的工具重新压缩",
            "the name is not UTF-8 (GBK, perhaps); zip it with a tool that writes UTF-8 names"
        )
    })?;
    let is_folder = name.ends_with('/') || mode & TYPE == FOLDER;
    let name = name.strip_suffix('/').unwrap_or(name);
    let path = match paths::clean(name) {
        // Deep below a left-out folder, where it does not matter.
        Err(flaw) if flaw.is_of_length() && paths::is_left_out(name) => return Ok(None),
        cleaned => cleaned.map_err(paths::Flaw::text)?,
    };
    if paths::is_left_out(&path) {
        return Ok(None);
    }
    let in_the_way = |other: String| text!("与 {other} 冲突", "cannot lie beside {other}");
    if is_folder {
        // An empty folder `env/` may be left out as well, and is not kept in any case.
        return tree.insert_folder(&path).map_err(in_the_way).map(|()| None);
    }
    if mode & TYPE != 0 && mode & TYPE != FILE {
        return Err(text!("是链接或特殊文件", "is a link or a special file"));
    }
    tree.insert(&path).map_err(in_the_way)?;
    Ok(Some(path))
}

fn strip_folder(entries: &mut [Entry]) {
    let Some((folder, _)) = entries.first().and_then(|entry| entry.path.split_once('/')) else { return };
    let prefix = format!("{folder}/");
    let inside: Vec<&str> = entries.iter().filter_map(|entry| entry.path.strip_prefix(&prefix)).collect();
    if inside.len() == entries.len() && (inside.contains(&"scrapy.cfg") || inside.contains(&"main.py")) {
        for entry in entries {
            entry.path.drain(..prefix.len());
        }
    }
}

/// ZIP64 is for archives far beyond our limits, and its headers may claim any number of entries, all of which would
/// be read before they can be counted; without it there are 65,534 at most.
fn refuse_zip64(file: &mut File) -> Result<()> {
    let unreadable = |error: std::io::Error| Error::internal(anyhow::Error::new(error).context("uploaded zip"));
    let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    if size == 0 {
        return Err(refused("zip_broken", text!("文件为空", "the file is empty")));
    }
    let tail = size.min((END + 4 + LONGEST_COMMENT) as u64);
    file.seek(SeekFrom::Start(size - tail)).map_err(unreadable)?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).map_err(unreadable)?;
    let is_zip64 = end.windows(END).any(|record| {
        record.starts_with(b"PK\x05\x06")
            && (record[10..12] == [0xff; 2] || record[12..16] == [0xff; 4] || record[16..20] == [0xff; 4])
    });
    if is_zip64 {
        return Err(refused(
            "zip_unsupported",
            text!("不支持 ZIP64 格式，请重新压缩为普通 zip", "ZIP64 is not supported; make a plain zip"),
        ));
    }
    Ok(())
}

fn broken(error: &ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => refused(
            "zip_encrypted",
            text!("压缩包已加密，请上传未加密的压缩包", "the zip is encrypted; upload one that is not"),
        ),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => refused(
            "zip_unsupported",
            text!(
                "不支持该压缩格式（{error}），请使用 Deflate 重新压缩",
                "this kind of zip is not supported ({error}); compress it with Deflate"
            ),
        ),
        _ => refused(
            "zip_broken",
            text!("不是 zip 文件，或文件已损坏（{error}）", "not a zip file, or a damaged one ({error})"),
        ),
    }
}

fn damaged(path: &str) -> Error {
    refused("zip_broken", text!("压缩包已损坏：{path} 无法解压", "the zip is damaged: {path} cannot be unpacked"))
}

fn refused(kind: &'static str, text: Text) -> Error {
    Error::invalid("body.file", kind, text)
}

fn shortened(name: &str) -> String {
    const MOST: usize = 120;
    if name.chars().count() <= MOST { name.to_owned() } else { name.chars().take(MOST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests;
