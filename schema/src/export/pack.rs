//! A source becomes a file, piece by piece, for whoever writes it: a command on its own, or a server for a command.

use thiserror::Error;

use super::{
    Place, Source, Walk,
    file::{Head, Writer},
};
use crate::{
    Kind, PartitionKey, StoreError, Timestamp,
    record::{ActiveKey, Standing, StoreStanding},
    standing::{self, NotServing},
};

/// Some bytes of the file.
#[derive(Debug)]
pub struct Piece {
    /// Entries in it and everything before it.
    pub done: u64,
    /// The bytes; perhaps none.
    pub bytes: Vec<u8>,
}

/// Why it became none.
#[derive(Debug, Error)]
pub enum PackError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not whole, or was moved: its backup would be worth nothing.
    #[error(transparent)]
    NotServing(#[from] NotServing),
    /// An entry could not be written as JSON.
    #[error("an entry cannot be written: {0}")]
    Encoding(#[from] serde_json::Error),
}

/// A file in the making.
#[derive(Debug)]
pub struct Packing<S> {
    source: S,
    writer: Option<Writer>,
    place: Place,
    now: Timestamp,
}

impl<S: Source> Packing<S> {
    /// Begins with a source of about this many entries, at the instant `now` that it shows.
    pub async fn begin(source: S, program: &str, entries: u64, now: Timestamp) -> Result<Self, PackError> {
        refuse_unserved(&source).await?;
        let incarnation = incarnation(&source).await?;
        let head = Head { program: program.to_owned(), incarnation, created_at: now, entries };
        Ok(Self { source, writer: Some(Writer::new(&head)?), place: Place::default(), now })
    }

    /// The next piece; `None` after the last.
    pub async fn piece(&mut self) -> Result<Option<Piece>, PackError> {
        let Some(mut writer) = self.writer.take() else { return Ok(None) };
        let page = Walk::new(&self.source, self.now).page(&self.place).await?;
        let Some(page) = page else {
            let done = writer.entries();
            return Ok(Some(Piece { done, bytes: writer.finish()? }));
        };
        for entry in &page.entries {
            writer.add(entry)?;
        }
        self.place = page.next;
        let piece = Piece { done: writer.entries(), bytes: writer.take() };
        self.writer = Some(writer);
        Ok(Some(piece))
    }
}

async fn incarnation(source: &impl Source) -> Result<String, StoreError> {
    let found = source.partitions(Kind::Keyring, None, usize::MAX).await?.partitions;
    let Some((id, partition)) = found.into_iter().find(|(id, _)| &**id == "data") else { return Ok(String::new()) };
    let active: Option<ActiveKey> = partition.get(&PartitionKey { kind: Kind::Keyring, id }, "active")?;
    Ok(active.map_or_else(String::new, |active| active.incarnation))
}

async fn refuse_unserved(source: &impl Source) -> Result<(), PackError> {
    let found = source.partitions(Kind::Cluster, None, usize::MAX).await?.partitions;
    let Some((_, partition)) = found.into_iter().find(|(id, _)| &**id == standing::PARTITION) else { return Ok(()) };
    let said: Option<StoreStanding> = partition.get(&standing::partition(), standing::ITEM)?;
    let standing = said.map_or(Standing::Serving, |said| said.standing);
    Ok(standing::judge(standing)?)
}
