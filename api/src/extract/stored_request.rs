//! Authorization requests that are too large for a cookie: a `handle` partition each, under the id of its login.

use actors::Services;
use schema::{
    AttemptId, Commit, Kind, LoginId, Operation, PartitionKey, Put, Revision, StoreError, Timestamp, WriteSet,
    record::{StoredRequest, Unknown},
    resolve::commit_resolved,
};
use serde_json::value::RawValue;

use crate::wire::authorization::AuthorizationRequest;

const ITEM: &str = "request";

/// Stores the request of a login that has none yet.
pub(crate) async fn store(
    services: &Services,
    login: LoginId,
    request: &AuthorizationRequest,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let request = serde_json::to_string(request).expect("a request is a plain struct with string keys");
    let record = StoredRequest { request, unknown: Unknown::default() };
    let id = AttemptId::from_bytes(services.entropy.array());
    let write = WriteSet {
        partition: key(login),
        expected: None,
        first: Revision::first(u64::from_be_bytes(services.entropy.array())),
        operation: Operation { id, digest: [0; 32], outcome: RawValue::NULL.to_owned() },
        at: services.certain_now()?,
        puts: vec![Put::record(ITEM, &record, Some(expires_at))],
        deletes: Vec::new(),
        partition_expires_at: Some(expires_at),
        note_dirty: false,
    };
    match commit_resolved(services.store.as_ref(), write).await? {
        Commit::Committed(_) => Ok(()),
        Commit::Conflict => Err(StoreError::Unavailable("a login id was drawn twice".to_owned())),
    }
}

/// The request of a login.
pub(crate) async fn load(services: &Services, login: LoginId) -> Result<Option<AuthorizationRequest>, StoreError> {
    let key = key(login);
    let record: Option<StoredRequest> = services.store.load(&key, &[ITEM]).await?.get(&key, ITEM)?;
    // One that does not read as a request is from another version; the login begins anew.
    Ok(record.and_then(|record| serde_json::from_str(&record.request).ok()))
}

fn key(login: LoginId) -> PartitionKey {
    PartitionKey::new(Kind::Handle, format_args!("request/{login}"))
}
