//! A file of items, read until it ends or somebody gives up.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use tokio_util::sync::CancellationToken;

use super::super::places::Place;

/// A spider can make files of terabytes in no time: each piece asks whether anybody still waits for it.
pub(super) struct Input {
    file: File,
    given_up: CancellationToken,
}

impl Input {
    pub(super) fn open(place: &Place, given_up: &CancellationToken) -> io::Result<Self> {
        Ok(Self { file: place.open()?, given_up: given_up.clone() })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given_up.is_cancelled() {
            return Err(io::Error::other("not read to its end"));
        }
        self.file.read(buffer)
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
pub(super) fn input(path: &std::path::Path) -> Input {
    Input { file: File::open(path).unwrap(), given_up: CancellationToken::new() }
}
