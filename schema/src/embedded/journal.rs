//! The end of a journal after a power cut. The database syncs one batch before it writes the next, so only the last one
//! can be torn; but its pages may reach the disk in any order, and the database refuses a journal whose last batch has a
//! hole in the middle. Nothing of that batch was acknowledged, so it may be cut off: if it is the last.
//!
//! This reads the database's own format (version 3):
//!
//! | entry | bytes |
//! |---|---|
//! | start | `1`, count of entries (4), sequence number (8) |
//! | item | `2`, type (1), compression (1, `0`), keyspace (8), lengths of key (2) and value (4, 4), key, value |
//! | clear | `4`, keyspace (8) |
//! | end | `3`, XXH3 of the entries between start and end (8), [`TRAILER`] |
//!
//! Numbers are little-endian. Behind the last batch the file is filled up with zeros.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64;

/// What a batch ends with.
const TRAILER: &[u8] = b"FJL\x03";

/// Cuts a torn batch off the newest journal in `store`; `false` if there is none, or if anything follows it. Then the
/// journal is damaged where it was acknowledged, and must not be touched.
pub(super) fn cut_torn_end(store: &Path) -> io::Result<bool> {
    let Some(path) = newest(store)? else { return Ok(false) };
    let bytes = std::fs::read(&path)?;
    let Some(end) = torn_at(&bytes) else { return Ok(false) };
    let file = OpenOptions::new().write(true).open(&path)?;
    file.set_len(u64::try_from(end).map_err(io::Error::other)?)?;
    file.sync_all()?;
    Ok(true)
}

/// The journal with the highest number.
fn newest(store: &Path) -> io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for entry in std::fs::read_dir(store)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".jnl")?.parse().ok());
        if let Some(number) = number.filter(|number| newest.as_ref().is_none_or(|(known, _)| known < number)) {
            newest = Some((number, path));
        }
    }
    Ok(newest.map(|(_, path)| path))
}

/// Where the torn last batch begins.
fn torn_at(bytes: &[u8]) -> Option<usize> {
    let used = bytes.iter().rposition(|byte| *byte != 0)? + 1;
    let mut rest = bytes.get(..used)?;
    while let Some(behind) = batch(rest) {
        rest = behind;
    }
    // The torn batch may have its own end. A trailer before that means that another batch came after it.
    let inner = rest.strip_suffix(TRAILER).unwrap_or(rest);
    let alone = !inner.windows(TRAILER.len()).any(|window| window == TRAILER);
    (!rest.is_empty() && alone).then(|| used - rest.len())
}

/// What follows the whole batch that `bytes` begins with.
fn batch(bytes: &[u8]) -> Option<&[u8]> {
    let (count, rest) = bytes.strip_prefix(&[1])?.split_first_chunk()?;
    let entries = rest.get(8..)?;
    let mut rest = entries;
    for _ in 0..u32::from_le_bytes(*count) {
        rest = entry(rest)?;
    }
    let whole = entries.get(..entries.len() - rest.len())?;
    let (sum, rest) = rest.strip_prefix(&[3])?.split_first_chunk()?;
    (u64::from_le_bytes(*sum) == xxh3_64(whole)).then_some(rest)?.strip_prefix(TRAILER)
}

/// What follows the item or clear entry that `bytes` begins with.
fn entry(bytes: &[u8]) -> Option<&[u8]> {
    match bytes.split_first()? {
        (2, rest) => {
            let (key, rest) = rest.get(10..)?.split_first_chunk()?;
            let (value, rest) = rest.get(4..)?.split_first_chunk()?;
            let value = usize::try_from(u32::from_le_bytes(*value)).ok()?;
            rest.get(usize::from(u16::from_le_bytes(*key)).checked_add(value)?..)
        }
        (4, rest) => rest.get(8..),
        _ => None,
    }
}
