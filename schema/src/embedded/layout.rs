//! How partitions, streams and the expiry index are laid out as keys and values; DESIGN.md of this crate has the table.
//! Every number is big-endian, so that keys sort as what they mean.

use serde_json::value::RawValue;

use crate::{
    AttemptId, Body, Event, Kind, Operation, PartitionKey, RING, Recorded, Revision, StoreError, Stream, Timestamp,
};

/// First byte of every value, so that a later layout can be told apart.
const V1: u8 = 1;

/// Sections of a partition, in key order.
const HEADER: u8 = 0;
const SLOT: u8 = 1;
const ITEM: u8 = 2;

/// What stands once per partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) revision: Revision,
    /// End of the whole partition; `None`: permanent.
    pub(super) expires_at: Option<Timestamp>,
}

/// One row of a partition.
pub(super) enum Row<'a> {
    Header,
    Slot,
    Item(&'a str),
}

/// `<kind><id>`, as the expiry index names a partition.
pub(super) fn address(key: &PartitionKey) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(key.id.len() + 64);
    bytes.push(kind_tag(key.kind));
    bytes.extend_from_slice(key.id.as_bytes());
    bytes
}

/// What all keys of the partition at `address` begin with: the address and the NUL that ends it.
pub(super) fn rows_of(mut address: Vec<u8>) -> Vec<u8> {
    address.push(0);
    address
}

/// The first key behind all rows of the partition at `address`: ids hold no NUL.
pub(super) fn behind(mut address: Vec<u8>) -> Vec<u8> {
    address.push(1);
    address
}

/// The partition that a row belongs to, as kind and id.
pub(super) fn partition_of(key: &[u8]) -> Option<PartitionKey> {
    let (tag, rest) = key.split_first()?;
    let kind = kind_of(*tag)?;
    let id = rest.split(|byte| *byte == 0).next()?;
    Some(PartitionKey { kind, id: std::str::from_utf8(id).ok()?.into() })
}

pub(super) fn header_key(rows: &[u8]) -> Vec<u8> {
    [rows, &[HEADER]].concat()
}

/// Where the operation that made `revision` is kept; the one [`RING`] revisions earlier was there before.
pub(super) fn slot_key(rows: &[u8], revision: Revision) -> Vec<u8> {
    let slot = u8::try_from(revision.as_u64() % RING).unwrap_or(0);
    [rows, &[SLOT, slot]].concat()
}

pub(super) fn item_key(rows: &[u8], item: &str) -> Vec<u8> {
    [rows, &[ITEM], item.as_bytes()].concat()
}

/// The end of the header and ring sections: what comes before the items.
pub(super) fn statics_end(rows: &[u8]) -> Vec<u8> {
    [rows, &[ITEM]].concat()
}

/// What the row at `key` is, for a key that begins with `rows`.
pub(super) fn row<'a>(rows: &[u8], key: &'a [u8]) -> Option<Row<'a>> {
    let (section, rest) = key.strip_prefix(rows)?.split_first()?;
    match *section {
        HEADER => Some(Row::Header),
        SLOT => Some(Row::Slot),
        ITEM => std::str::from_utf8(rest).ok().map(Row::Item),
        _ => None,
    }
}

pub(super) fn encode_header(header: Header) -> Vec<u8> {
    let mut bytes = vec![V1];
    bytes.extend_from_slice(&header.revision.as_u64().to_be_bytes());
    push_end(&mut bytes, header.expires_at);
    bytes
}

pub(super) fn decode_header(mut bytes: &[u8]) -> Option<Header> {
    let bytes = &mut bytes;
    version(bytes)?;
    let revision = Revision::from_u64(u64::from_be_bytes(take(bytes)?));
    Some(Header { revision, expires_at: take_end(bytes).ok()? })
}

pub(super) fn encode_slot(operation: &Operation, revision: Revision, at: Timestamp) -> Vec<u8> {
    let mut bytes = vec![V1];
    bytes.extend_from_slice(&revision.as_u64().to_be_bytes());
    bytes.extend_from_slice(&at.as_millis().to_be_bytes());
    bytes.extend_from_slice(operation.id.as_bytes());
    bytes.extend_from_slice(&operation.digest);
    bytes.extend_from_slice(operation.outcome.get().as_bytes());
    bytes
}

pub(super) fn decode_slot(mut bytes: &[u8]) -> Option<Recorded> {
    let bytes = &mut bytes;
    version(bytes)?;
    let revision = Revision::from_u64(u64::from_be_bytes(take(bytes)?));
    let at = Timestamp::from_millis(i64::from_be_bytes(take(bytes)?));
    let id = AttemptId::from_bytes(take(bytes)?);
    Some(Recorded { id, digest: take(bytes)?, revision, at, outcome: json(bytes)? })
}

pub(super) fn encode_body(body: &Body) -> Vec<u8> {
    let mut bytes = vec![V1];
    push_end(&mut bytes, body.expires_at);
    bytes.extend_from_slice(body.json.get().as_bytes());
    bytes
}

pub(super) fn decode_body(mut bytes: &[u8]) -> Option<Body> {
    let bytes = &mut bytes;
    version(bytes)?;
    let expires_at = take_end(bytes).ok()?;
    Some(Body { json: json(bytes)?, expires_at })
}

/// `<stream>`: what all keys of a stream begin with.
pub(super) fn stream_tag(stream: Stream) -> u8 {
    match stream {
        Stream::Audit => 1,
        Stream::Outbox => 2,
        Stream::Dirty => 3,
    }
}

/// `<stream><at><id>`: sorts by time, then id.
pub(super) fn event_key(stream: Stream, at: Timestamp, id: &str) -> Vec<u8> {
    [&[stream_tag(stream)], &sortable(at)[..], id.as_bytes()].concat()
}

pub(super) fn encode_event(event: &Event) -> Vec<u8> {
    [&[V1], event.json.get().as_bytes()].concat()
}

pub(super) fn decode_event(key: &[u8], mut value: &[u8]) -> Option<Event> {
    let (at, id) = key.get(1..)?.split_first_chunk()?;
    version(&mut value)?;
    Some(Event { at: unsortable(*at), id: std::str::from_utf8(id).ok()?.into(), json: json(value)? })
}

/// `<at><kind><id>`: the partitions that expire, soonest first.
pub(super) fn expiry_key(at: Timestamp, address: &[u8]) -> Vec<u8> {
    [&sortable(at)[..], address].concat()
}

/// What an entry of the expiry index says: the end, and the partition's address.
pub(super) fn decode_expiry(key: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (at, address) = key.split_first_chunk()?;
    Some((unsortable(*at), address))
}

/// A value that cannot be right, at `place`.
pub(super) fn corrupt(place: &(impl std::fmt::Display + ?Sized), what: &str) -> StoreError {
    StoreError::Corrupt { place: place.to_string(), reason: format!("not a well-formed {what}") }
}

fn kind_tag(kind: Kind) -> u8 {
    let place = Kind::ALL.iter().position(|known| *known == kind).unwrap_or_default();
    u8::try_from(place + 1).unwrap_or(0)
}

/// The first byte of all rows of this kind.
pub(super) fn kind_prefix(kind: Kind) -> Vec<u8> {
    vec![kind_tag(kind)]
}

fn kind_of(tag: u8) -> Option<Kind> {
    Kind::ALL.get(usize::from(tag).checked_sub(1)?).copied()
}

/// Signed milliseconds so that their bytes sort as the numbers do.
fn sortable(at: Timestamp) -> [u8; 8] {
    (at.as_millis().cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

fn unsortable(bytes: [u8; 8]) -> Timestamp {
    Timestamp::from_millis((u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed())
}

fn push_end(bytes: &mut Vec<u8>, end: Option<Timestamp>) {
    bytes.push(u8::from(end.is_some()));
    bytes.extend_from_slice(&end.unwrap_or_default().as_millis().to_be_bytes());
}

/// Fails on what [`push_end`] does not write.
fn take_end(bytes: &mut &[u8]) -> Result<Option<Timestamp>, IllFormed> {
    let [present] = take(bytes).ok_or(IllFormed)?;
    let end = Timestamp::from_millis(i64::from_be_bytes(take(bytes).ok_or(IllFormed)?));
    match present {
        0 => Ok(None),
        1 => Ok(Some(end)),
        _ => Err(IllFormed),
    }
}

struct IllFormed;

fn version(bytes: &mut &[u8]) -> Option<()> {
    (take(bytes)? == [V1]).then_some(())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

fn json(bytes: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(bytes).ok()
}
