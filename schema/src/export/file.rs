//! A store as one file, the backup: versioned, streamed, compressed, and checked from its first byte to its last.
//!
//! | part | what |
//! |---|---|
//! | line | `doorward-backup 1`: the format |
//! | line | the [`Head`], JSON |
//! | blocks | length in the file (4 bytes), length unpacked (4), LZ4: [`Entry`] after entry as JSON, each after its length (4) |
//! | end | a block of length 0 |
//! | tail | length (4), the [`Tally`] as JSON |
//! | digest | SHA-256 of everything before it, and nothing behind it |
//!
//! Numbers are big-endian. The key ring is not in a store and so not in a backup (HAZARDS H19).

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{Entry, Tally};
use crate::Timestamp;

/// The format that this build writes and the newest that it reads.
pub const FORMAT: u32 = 1;
const MAGIC: &str = "doorward-backup";
/// A block is closed when it has grown to this.
const BLOCK: usize = 256 * 1024;
/// Longer blocks, heads and tails are not believed.
const LONGEST: usize = 256 * 1024 * 1024;
const LONGEST_LINE: usize = 64 * 1024;

/// What a backup says of itself at its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the program that wrote it.
    pub program: String,
    /// The incarnation of the store (HAZARDS H14); empty where none was drawn yet.
    pub incarnation: String,
    /// The instant that it shows.
    pub created_at: Timestamp,
    /// How many entries follow, for progress.
    pub entries: u64,
}

/// Why a file is no good backup.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("is not a backup")]
    NotABackup,
    /// A newer version wrote it.
    #[error("is of format {0}; this version reads formats up to {FORMAT}: use a newer one")]
    Format(u32),
    /// It was changed, or cut short.
    #[error("is damaged: {0}")]
    Damaged(&'static str),
}

/// Writes a backup into memory, from where it is taken piece by piece.
#[derive(Debug)]
pub struct Writer {
    out: Vec<u8>,
    block: Vec<u8>,
    hash: Sha256,
    tally: Tally,
}

impl Writer {
    /// Begins.
    pub fn new(head: &Head) -> Result<Self, serde_json::Error> {
        let text = format!("{MAGIC} {FORMAT}\n{}\n", serde_json::to_string(head)?);
        let mut writer = Self { out: Vec::new(), block: Vec::new(), hash: Sha256::new(), tally: Tally::default() };
        writer.emit(text.as_bytes());
        Ok(writer)
    }

    /// Adds an entry.
    pub fn add(&mut self, entry: &Entry) -> Result<(), serde_json::Error> {
        let json = serde_json::to_vec(entry)?;
        self.tally.add(entry, &json);
        self.block.extend_from_slice(&length(json.len()));
        self.block.extend_from_slice(&json);
        if self.block.len() >= BLOCK {
            self.close_block();
        }
        Ok(())
    }

    /// How many entries were added.
    pub fn entries(&self) -> u64 {
        self.tally.entries()
    }

    /// What is ready to be written to the file.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Ends. Gives the last piece.
    pub fn finish(mut self) -> Result<Vec<u8>, serde_json::Error> {
        self.close_block();
        let tail = serde_json::to_vec(&self.tally)?;
        self.emit(&length(0));
        self.emit(&length(tail.len()));
        self.emit(&tail);
        let digest = self.hash.clone().finalize();
        self.out.extend_from_slice(&digest);
        Ok(self.out)
    }

    fn close_block(&mut self) {
        if self.block.is_empty() {
            return;
        }
        let block = std::mem::take(&mut self.block);
        let packed = lz4_flex::block::compress(&block);
        self.emit(&length(packed.len()));
        self.emit(&length(block.len()));
        self.emit(&packed);
    }

    fn emit(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.out.extend_from_slice(bytes);
    }
}

/// A length as it stands in the file. What is longer than 4 GiB is not kept by any backend.
fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

/// Reads a backup. What it gives is only to be believed once it has come to the end without an error.
#[derive(Debug)]
pub struct Reader<R> {
    from: R,
    head: Head,
    hash: Sha256,
    block: Vec<u8>,
    at: usize,
    tally: Tally,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the head. A newer format is refused before anything else of it is looked at.
    pub fn new(mut from: R) -> Result<Self, FileError> {
        let mut hash = Sha256::new();
        let magic = line(&mut from, &mut hash)?;
        let magic = std::str::from_utf8(&magic).map_err(|_| FileError::NotABackup)?;
        let format = magic.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(' '));
        let format: u32 = format.and_then(|format| format.parse().ok()).ok_or(FileError::NotABackup)?;
        if format > FORMAT {
            return Err(FileError::Format(format));
        }
        let head = line(&mut from, &mut hash)?;
        let head = serde_json::from_slice(&head).map_err(|_| FileError::Damaged("its head is not readable"))?;
        Ok(Self { from, head, hash, block: Vec::new(), at: 0, tally: Tally::default(), ended: false })
    }

    /// What it says of itself.
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// What was read so far; after the end, everything.
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The next entry; `None` once everything was read and found whole.
    pub fn entry(&mut self) -> Result<Option<Entry>, FileError> {
        while self.at == self.block.len() {
            if self.ended || !self.next_block()? {
                return Ok(None);
            }
        }
        let rest = &self.block[self.at..];
        let cut = || FileError::Damaged("an entry is cut short");
        let (bytes, rest) = rest.split_first_chunk().ok_or_else(cut)?;
        let json = rest.get(..u32::from_be_bytes(*bytes) as usize).ok_or_else(cut)?;
        let entry: Entry = serde_json::from_slice(json).map_err(|_| FileError::Damaged("an entry is not readable"))?;
        self.tally.add(&entry, json);
        self.at += bytes.len() + json.len();
        Ok(Some(entry))
    }

    fn next_block(&mut self) -> Result<bool, FileError> {
        let packed = self.number()?;
        if packed == 0 {
            self.end()?;
            return Ok(false);
        }
        let unpacked = self.number()?;
        let packed = self.bytes(packed)?;
        self.block = lz4_flex::block::decompress(&packed, unpacked)
            .ok()
            .filter(|block| block.len() == unpacked)
            .ok_or(FileError::Damaged("a block does not unpack"))?;
        self.at = 0;
        Ok(true)
    }

    fn end(&mut self) -> Result<(), FileError> {
        self.ended = true;
        let tail = self.number()?;
        let tail = self.bytes(tail)?;
        let digest: [u8; 32] = self.hash.clone().finalize().into();
        let mut stored = [0; 32];
        exact(&mut self.from, &mut stored)?;
        if digest != stored {
            return Err(FileError::Damaged("its digest is another one"));
        }
        let told: Tally = serde_json::from_slice(&tail).map_err(|_| FileError::Damaged("its tail is not readable"))?;
        if told != self.tally {
            return Err(FileError::Damaged("it holds something else than it says"));
        }
        match self.from.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(FileError::Damaged("something follows its end")),
        }
    }

    fn number(&mut self) -> Result<usize, FileError> {
        let mut bytes = [0; 4];
        exact(&mut self.from, &mut bytes)?;
        self.hash.update(bytes);
        let number = u32::from_be_bytes(bytes) as usize;
        if number > LONGEST { Err(FileError::Damaged("a length is not believable")) } else { Ok(number) }
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, FileError> {
        let mut bytes = vec![0; count];
        exact(&mut self.from, &mut bytes)?;
        self.hash.update(&bytes);
        Ok(bytes)
    }
}

/// Reads until `bytes` are full; a file that ends before is cut short.
fn exact(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), FileError> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => FileError::Damaged("it is cut short"),
        _ => FileError::Io(error),
    })
}

/// Reads a line without its end.
fn line(from: &mut impl Read, hash: &mut Sha256) -> Result<Vec<u8>, FileError> {
    let mut line = Vec::new();
    loop {
        let mut byte = [0];
        from.read_exact(&mut byte).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => FileError::NotABackup,
            _ => FileError::Io(error),
        })?;
        hash.update(byte);
        match byte {
            [b'\n'] => return Ok(line),
            _ if line.len() == LONGEST_LINE => return Err(FileError::NotABackup),
            [byte] => line.push(byte),
        }
    }
}
