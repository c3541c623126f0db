//! How many messages an address gets, counted over all accounts: many accounts together must not be able to fill the mailbox of a
//! stranger who confirmed nothing, nor to have texts sent all day to a number that whoever confirmed it earns by.
//!
//! The partition is named by an HMAC of the address, as those of typed names are. Asked after the bounds of the client's
//! address, and before the message is decided on; what is not sent then is given back.

use std::{sync::Arc, time::Duration};

use schema::{
    Kind, PartitionKey, Put, Store, StoreError, Timestamp,
    record::{Recipient, Sent, Unknown},
};

use crate::{
    clock::{Clock, certain},
    domain::{letter, limits},
    entropy::Entropy,
    transact::{Transaction, transact_at},
    vault::{Purpose, Vault},
};

const ITEM: &str = "recipient";
/// A count is forgotten this long after its last message.
const LIFETIME: Duration = Duration::from_hours(2 * 24);

/// The counts of addresses. Cheap to clone.
#[derive(Clone)]
pub struct Recipients {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    vault: Arc<Vault>,
}

impl std::fmt::Debug for Recipients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recipients").finish_non_exhaustive()
    }
}

impl Recipients {
    /// Counts in this store.
    pub(crate) fn new(
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
        vault: &Arc<Vault>,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
            vault: Arc::clone(vault),
        }
    }

    /// Counts a message to an address that nobody has confirmed, durably before it returns; or says when one may be sent again.
    pub async fn take(&self, address: &str) -> Result<Result<Counted, Timestamp>, StoreError> {
        let id = self.vault.mac_tagged(Purpose::Ident, &[b"recipient", mailbox(address).as_bytes()]);
        self.count(id, limits::MAX_UNCONFIRMED).await
    }

    /// The same for a text message to a number that is confirmed, by the name of its count, as the page of the login has it.
    pub async fn take_confirmed(&self, number: &str) -> Result<Result<Counted, Timestamp>, StoreError> {
        self.count(number.to_owned(), limits::MAX_TEXTS_PER_NUMBER).await
    }

    async fn count(&self, id: String, bound: (u32, u32)) -> Result<Result<Counted, Timestamp>, StoreError> {
        let key = PartitionKey::new(Kind::Ident, id);
        let now = certain(self.clock.as_ref())?;
        let counted = transact_at(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition, now| {
            let stored: Option<Recipient> = partition.get(&key, ITEM)?;
            let sent = stored.map_or_else(Sent::default, |recipient| recipient.sent);
            Ok(match letter::count(&sent, bound, now) {
                Ok(sent) => put(sent.clone(), now, Ok(sent)),
                Err(until) => Transaction::answer(Err(until)),
            })
        })
        .await?;
        Ok(counted.map(|sent| Counted { key, sent }))
    }

    /// Takes back a message that was not sent. One whose hour or day is over is not in the count any more.
    pub async fn give_back(&self, counted: Counted) -> Result<(), StoreError> {
        let Counted { key, sent: counted } = counted;
        let now = certain(self.clock.as_ref())?;
        transact_at(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition, now| {
            let stored: Option<Recipient> = partition.get(&key, ITEM)?;
            let Some(Recipient { mut sent, .. }) = stored else { return Ok(Transaction::answer(())) };
            if sent.hour == counted.hour {
                sent.in_hour = sent.in_hour.saturating_sub(1);
            }
            if sent.day == counted.day {
                sent.in_day = sent.in_day.saturating_sub(1);
            }
            Ok(put(sent, now, ()))
        })
        .await
    }
}

/// A message that is counted.
#[derive(Debug)]
#[must_use = "what is not sent is to be given back"]
pub struct Counted {
    key: PartitionKey,
    sent: Sent,
}

fn put<T>(sent: Sent, now: Timestamp, answer: T) -> Transaction<T> {
    let end = now.after(LIFETIME);
    let recipient = Recipient { sent, unknown: Unknown::default() };
    let mut transaction = Transaction::put(Put::record(ITEM, &recipient, Some(end)), answer);
    transaction.partition_expires_at = Some(end);
    transaction
}

/// The mailbox behind an address, as most providers have it: without capitals, without what follows a `+`, and without full stops
/// before the `@`. Where those tell people apart, they share a count.
fn mailbox(address: &str) -> String {
    let address = address.to_lowercase();
    match address.split_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local.split('+').next().unwrap_or(local).replace('.', "")),
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use super::mailbox;

    #[test]
    fn spellings_of_one_mailbox_are_counted_together() {
        for spelling in [
            "ada@example.org",
            "Ada@Example.ORG",
            "ada+news@example.org",
            "a.d.a@example.org",
            "a.da+1.2+3@example.org",
        ] {
            assert_eq!(mailbox(spelling), "ada@example.org");
        }
        assert_ne!(mailbox("ada@mail.example"), mailbox("ada@mailexample"));
        assert_eq!(mailbox("+4915112345678"), "+4915112345678");
    }
}
