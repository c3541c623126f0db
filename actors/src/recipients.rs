//! How many messages an address gets that nobody has confirmed, counted over all accounts: many accounts together must not be able
//! to fill a stranger's mailbox.
//!
//! The partition is named by an HMAC of the address, as those of typed names are. Asked after the bounds of the client's
//! address, and before the message is decided on.

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

    /// Counts a message to an address, durably before it returns; or says when one may be sent again.
    pub async fn take(&self, address: &str) -> Result<Result<(), Timestamp>, StoreError> {
        let id = self.vault.mac_tagged(Purpose::Ident, &[b"recipient", mailbox(address).as_bytes()]);
        let key = PartitionKey::new(Kind::Ident, id);
        let now = certain(self.clock.as_ref())?;
        transact_at(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition, now| {
            let stored: Option<Recipient> = partition.get(&key, ITEM)?;
            let sent = stored.map_or_else(Sent::default, |recipient| recipient.sent);
            let sent = match letter::count(&sent, limits::MAX_UNCONFIRMED, now) {
                Ok(sent) => sent,
                Err(until) => return Ok(Transaction::answer(Err(until))),
            };
            let end = now.after(LIFETIME);
            let recipient = Recipient { sent, unknown: Unknown::default() };
            let mut transaction = Transaction::put(Put::record(ITEM, &recipient, Some(end)), Ok(()));
            transaction.partition_expires_at = Some(end);
            Ok(transaction)
        })
        .await
    }
}

/// The mailbox behind an address, as most providers have it: without capitals, and without what follows a `+`.
fn mailbox(address: &str) -> String {
    let address = address.to_lowercase();
    match address.split_once('@') {
        Some((local, domain)) => format!("{}@{domain}", local.split('+').next().unwrap_or(local)),
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use super::mailbox;

    #[test]
    fn spellings_of_one_mailbox_are_counted_together() {
        for spelling in ["ada@example.org", "Ada@Example.ORG", "ada+news@example.org", "ada+1+2@example.org"] {
            assert_eq!(mailbox(spelling), "ada@example.org");
        }
    }
}
