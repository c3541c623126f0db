//! Reminders of recoveries that wait: their owners are told once more before one can be completed.
//!
//! Nobody need come to an account meanwhile, so its actor would not know when it is time, and a timer would not outlive its process.
//!
//! 1. Before a recovery is begun its user is noted in the partition of the day of the reminder ([`Reminders::note`]). A note of which no
//!    recovery comes, or whose recovery ends, does no harm.
//! 2. Each node looks now and then at the notes of the last days ([`Reminders::run`]), and has the owner of each account decide
//!    ([`RemindRecovery`]). The commit that holds the letters says that they were written, so they are written once, however many look.
//! 3. Then the note is removed, if it is still the one that was read.
//!
//! Without recoveries (`recovery_wait` is zero) nothing is read.

use std::{sync::Arc, time::Duration};

use schema::{
    Kind, PartitionKey, Put, Store, StoreError, Timestamp, UserId,
    record::{RecoveryReminder, Unknown},
};

use crate::{
    account::Accounts,
    call::Deadline,
    clock::{Clock, certain},
    domain::{
        command::RemindRecovery,
        context::{Attempt, Origin, Settings},
        recovery,
    },
    entropy::Entropy,
    secret::Seed,
    transact::{Transaction, transact},
};

/// How often a node looks.
const EVERY: Duration = Duration::from_mins(30);
/// How long one reminder may take.
const WITHIN: Duration = Duration::from_secs(10);
/// Notes of so many days are looked at, this one included: longer than a request that is due can be completed.
const DAYS: i64 = 9;
const DAY_SECS: i64 = 24 * 60 * 60;
/// Notes are forgotten this long after they were written: the longest wait, and those days.
const LIFETIME: Duration = Duration::from_hours(45 * 24);
const ITEM: &str = "user/";

/// The notes. Cheap to clone.
#[derive(Clone)]
pub struct Reminders {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    settings: Arc<Settings>,
    accounts: Accounts,
}

impl std::fmt::Debug for Reminders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reminders").finish_non_exhaustive()
    }
}

impl Reminders {
    pub(crate) fn new(
        store: &Arc<dyn Store>,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
        settings: &Arc<Settings>,
        accounts: &Accounts,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
            settings: Arc::clone(settings),
            accounts: accounts.clone(),
        }
    }

    /// Notes a user whose recovery is about to be begun.
    pub async fn note(&self, user: UserId) -> Result<(), StoreError> {
        let now = certain(self.clock.as_ref())?;
        let at = recovery::remind_at(now, now.after(self.settings.recovery_wait));
        let (key, item) = (partition(day_of(at)), format!("{ITEM}{user}"));
        let end = now.after(LIFETIME);
        transact(self.store.as_ref(), self.entropy.as_ref(), &key, now, |_| {
            let reminder = RecoveryReminder { at, unknown: Unknown::default() };
            let put = Put::record(item.as_str(), &reminder, Some(end));
            Ok(Transaction { partition_expires_at: Some(end), ..Transaction::put(put, ()) })
        })
        .await
    }

    /// Looks at the notes and has everybody reminded whose time has come. Says how many were.
    pub async fn run(&self) -> Result<usize, StoreError> {
        if self.settings.recovery_wait.is_zero() {
            return Ok(0);
        }
        let now = certain(self.clock.as_ref())?;
        let (today, mut reminded) = (day_of(now), 0);
        for day in today - DAYS + 1..=today {
            let key = partition(day);
            let found = self.store.load(&key, &[ITEM]).await?;
            for (item, note) in found.list::<RecoveryReminder>(&key, ITEM)? {
                let user: Option<UserId> = item.strip_prefix(ITEM).and_then(|id| id.parse().ok());
                if let Some(user) = user.filter(|_| note.at <= now) {
                    match self.remind_and_remove(user, (&key, item, note.at), now).await {
                        Ok(told) => reminded += usize::from(told),
                        // The note stays. One account that cannot be reached holds up no other.
                        Err(error) => tracing::warn!(%user, %error, "the owner of a recovery is reminded later"),
                    }
                }
            }
        }
        Ok(reminded)
    }

    /// Looks for as long as it lives.
    pub(crate) async fn follow(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            match self.run().await {
                Ok(0) => {}
                Ok(reminded) => tracing::info!(reminded, "owners were reminded of recoveries that wait"),
                Err(error) => tracing::warn!(%error, "recoveries that wait are looked at later"),
            }
        }
    }

    async fn remind(&self, user: UserId) -> Result<bool, StoreError> {
        let (id, seed) = (schema::AttemptId::from_bytes(self.entropy.array()), Seed::new(self.entropy.array()));
        let origin = Origin { actor: Some("server".to_owned()), ..Origin::default() };
        let attempt = Attempt { id, seed, origin, policies: Vec::new() };
        let asked = self.accounts.ask(user, &attempt, RemindRecovery, Deadline::after(WITHIN)).await;
        asked.map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    async fn remind_and_remove(
        &self,
        user: UserId,
        (key, item, at): (&PartitionKey, &str, Timestamp),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let told = self.remind(user).await?;
        self.remove(key, item, at, now).await?;
        Ok(told)
    }

    async fn remove(&self, key: &PartitionKey, item: &str, at: Timestamp, now: Timestamp) -> Result<(), StoreError> {
        transact(self.store.as_ref(), self.entropy.as_ref(), key, now, |partition| {
            let note: Option<RecoveryReminder> = partition.get(key, item)?;
            let deletes = note.filter(|note| note.at == at).map(|_| item.into()).into_iter().collect();
            Ok(Transaction { deletes, partition_expires_at: Some(now.after(LIFETIME)), ..Transaction::answer(()) })
        })
        .await
    }
}

fn day_of(at: Timestamp) -> i64 {
    at.as_secs().div_euclid(DAY_SECS)
}

fn partition(day: i64) -> PartitionKey {
    PartitionKey::new(Kind::Handle, format_args!("recovery-reminders-{day}"))
}
