//! What of a store rests on which master key: TOTP seeds and signing keys are sealed, and can be sealed anew; passwords and
//! backup codes are peppered, and only their users can give them again.

use schema::{
    KeyId, Kind, Partition, PartitionKey, Put, StoreError,
    record::{BackupCodes, Password, SigningKey, Totp},
};
use serde::{Deserialize, Serialize};

use super::{DataKeys, RotationError};
use crate::{
    clock::certain,
    hasher::pepper_of,
    transact::{Transaction, transact},
    vault::{OpenError, Purpose, Vault},
};

/// Users looked at in one call.
const PAGE: usize = 200;
const TOTP: &str = "totp/";
const SIGNING: &str = "key/";
const PASSWORD: &str = "password";
const BACKUP: &str = "backup";

/// What a call did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resealed {
    /// Users and key rings that were looked at.
    pub looked_at: usize,
    /// Secrets that were sealed anew.
    pub resealed: usize,
    /// Where the next call goes on; `None`: nothing is left.
    pub next: Option<Box<str>>,
}

/// What rests on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uses {
    Sealed,
    Password,
    BackupCodes,
}

fn signing() -> PartitionKey {
    PartitionKey::new(Kind::Keyring, "signing")
}

/// Looks at the next page of users; at the signing keys before the first.
pub(super) async fn page(desk: &DataKeys, after: Option<&str>) -> Result<Resealed, RotationError> {
    let mut done = Resealed { looked_at: 0, resealed: 0, next: None };
    if after.is_none() {
        done.looked_at += 1;
        done.resealed += one(desk, &signing(), &desk.store.load(&signing(), &[SIGNING]).await?).await?;
    }
    let page = desk.store.scan(Kind::User, after, PAGE, &[TOTP]).await?;
    for (id, partition) in &page.partitions {
        done.looked_at += 1;
        done.resealed += one(desk, &PartitionKey::new(Kind::User, id), partition).await?;
    }
    done.next = page.next;
    Ok(done)
}

/// Seals anew what of one partition is sealed under another key than the active one. `seen` says whether there is anything.
async fn one(desk: &DataKeys, key: &PartitionKey, seen: &Partition) -> Result<usize, RotationError> {
    if anew(desk, key, seen)?.is_ok_and(|puts| puts.is_empty()) {
        return Ok(0);
    }
    let now = certain(desk.clock.as_ref())?;
    transact(desk.store.as_ref(), desk.entropy.as_ref(), key, now, |partition| {
        Ok(match anew(desk, key, partition)? {
            Ok(puts) => Transaction { answer: Ok(puts.len()), puts, ..Transaction::answer(Ok(0)) },
            Err(error) => Transaction::answer(Err(error)),
        })
    })
    .await?
    .map_err(|error| RotationError::Store(StoreError::Unavailable(format!("{key}: {error}"))))
}

/// The items of a partition, sealed anew where that is needed.
fn anew(desk: &DataKeys, key: &PartitionKey, partition: &Partition) -> Result<Result<Vec<Put>, OpenError>, StoreError> {
    let seal = |purpose: Purpose, aad: &[&str], sealed: &str| -> Result<Option<String>, OpenError> {
        if Vault::key_of(sealed).as_ref() == Some(desk.vault.active()) {
            return Ok(None);
        }
        let plain = desk.vault.open(purpose, aad, sealed)?;
        Ok(Some(desk.vault.seal(purpose, aad, &plain, desk.entropy.as_ref())))
    };
    let mut puts = Vec::new();
    for (item, totp) in partition.list::<Totp>(key, TOTP)? {
        match seal(Purpose::TotpSeed, &[&key.id, &totp.factor.to_string()], &totp.seed) {
            Ok(None) => {}
            Ok(Some(seed)) => puts.push(Put::record(item, &Totp { seed, ..totp }, end_of(partition, item))),
            Err(error) => return Ok(Err(error)),
        }
    }
    for (item, signing) in partition.list::<SigningKey>(key, SIGNING)? {
        match seal(Purpose::SigningKey, &[signing.kid.as_str()], &signing.private) {
            Ok(None) => {}
            Ok(Some(private)) => puts.push(Put::record(item, &SigningKey { private, ..signing }, None)),
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(puts))
}

fn end_of(partition: &Partition, item: &str) -> Option<schema::Timestamp> {
    partition.items.get(item).and_then(|body| body.expires_at)
}

/// Looks for something that rests on a key, at everything that is stored.
pub(super) async fn uses(desk: &DataKeys, id: &KeyId) -> Result<Option<Uses>, StoreError> {
    let (key, mut after) = (signing(), None::<Box<str>>);
    if let Some(found) = of(&key, &desk.store.load(&key, &[SIGNING]).await?, id)? {
        return Ok(Some(found));
    }
    loop {
        let page = desk.store.scan(Kind::User, after.as_deref(), PAGE, &[TOTP, PASSWORD, BACKUP]).await?;
        for (user, partition) in &page.partitions {
            if let Some(found) = of(&PartitionKey::new(Kind::User, user), partition, id)? {
                return Ok(Some(found));
            }
        }
        let Some(next) = page.next else { return Ok(None) };
        after = Some(next);
    }
}

fn of(key: &PartitionKey, partition: &Partition, id: &KeyId) -> Result<Option<Uses>, StoreError> {
    let seeds = partition.list::<Totp>(key, TOTP)?.into_iter().map(|(_, totp)| totp.seed);
    let keys = partition.list::<SigningKey>(key, SIGNING)?.into_iter().map(|(_, key)| key.private);
    if seeds.chain(keys).any(|sealed| Vault::key_of(&sealed).as_ref() == Some(id)) {
        return Ok(Some(Uses::Sealed));
    }
    let peppered = |hash: &str| pepper_of(hash).as_ref() == Some(id);
    if partition.get::<Password>(key, PASSWORD)?.is_some_and(|password| peppered(&password.hash)) {
        return Ok(Some(Uses::Password));
    }
    let codes: Option<BackupCodes> = partition.get(key, BACKUP)?;
    let left = |codes: BackupCodes| codes.codes.iter().any(|code| code.used_at.is_none() && peppered(&code.hash));
    Ok(codes.is_some_and(left).then_some(Uses::BackupCodes))
}
