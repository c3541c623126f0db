//! What text messages cost, counted over the cluster. A message is paid before it is decided on, and paid back if the decision
//! was against it.
//!
//! 1. One partition a day (UTC) holds what is spent, in money and by country. A node takes a block of messages to one country
//!    out of it, one block at a time, by a conditional write ([`SmsPolicy::take`]): one for up to 50 messages, so that the partition is not hot, and one
//!    for each where little is left, so that little is left over.
//! 2. Messages are paid out of the block that the node has in memory, and paid back into it.
//! 3. When the partition cannot be read or written nobody pays, and nothing is sent.
//!
//! A message that no provider took, in the end, is paid back by the node that notes so, if the day is still the same.
//!
//! What a node has in memory when it ends counts as spent, and so does what was paid by a request that went away meanwhile: more
//! than the budget is never spent, rather less. A message that is handed to two providers, because the first did not answer in
//! time, was paid once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use schema::{
    Kind, PartitionKey, Put, Store, StoreError, Timestamp, UserId,
    record::{AuditEvent, SmsSpending, Unknown},
};

use crate::{
    ServicesOptions,
    clock::{Clock, certain},
    domain::{
        context::Attempt,
        phone::Country,
        sms::{SmsPolicy, Unpaid},
    },
    entropy::Entropy,
    shipper::Shipper,
    transact::{Transaction, transact_at},
};

const ITEM: &str = "spending";
const DAY_SECS: i64 = 24 * 60 * 60;
/// A request pays a message no longer than this before it is decided on.
const DECIDED_WITHIN: Duration = Duration::from_mins(1);
/// What is spent is forgotten this long after its day began.
const LIFETIME: Duration = Duration::from_hours(3 * 24);

/// The budget of text messages. Cheap to clone.
#[derive(Clone)]
pub struct SmsBudget {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    shipper: Shipper,
    policy: Arc<SmsPolicy>,
    taken: Arc<Mutex<Taken>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl std::fmt::Debug for SmsBudget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmsBudget").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// What this node has taken and not paid with yet.
#[derive(Default)]
struct Taken {
    day: i64,
    messages: BTreeMap<Country, u32>,
}

impl Taken {
    fn of(&mut self, day: i64, country: Country) -> &mut u32 {
        // Another day's money is not worth anything today.
        if self.day != day {
            *self = Self { day, messages: BTreeMap::new() };
        }
        self.messages.entry(country).or_default()
    }
}

/// One message that is paid.
#[derive(Debug)]
#[must_use = "what is not sent is to be paid back"]
pub struct Paid {
    day: i64,
    country: Country,
}

impl SmsBudget {
    /// With nothing taken yet.
    pub(crate) fn new(options: &ServicesOptions, shipper: &Shipper) -> Self {
        Self {
            store: Arc::clone(&options.store),
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            shipper: shipper.clone(),
            policy: Arc::new(options.sms.clone()),
            taken: Arc::default(),
            turn: Arc::default(),
        }
    }

    /// The rules.
    pub fn policy(&self) -> &SmsPolicy {
        &self.policy
    }

    /// Pays a message to a country, or says why it is not sent; the audit log is told that.
    pub async fn pay(
        &self,
        user: UserId,
        attempt: &Attempt,
        country: Country,
    ) -> Result<Result<Paid, Unpaid>, StoreError> {
        let now = certain(self.clock.as_ref())?;
        let day = day_of(now);
        let paid = self.take(now, day, country).await?.map(|()| Paid { day, country });
        match &paid {
            Ok(_) => count(country, "paid"),
            Err(unpaid) => self.tell(user, attempt, now, (country, *unpaid)),
        }
        Ok(paid)
    }

    /// Tells of a message that is not sent for a reason that was found elsewhere.
    pub fn refuse(&self, user: UserId, attempt: &Attempt, why: (Country, Unpaid)) -> Result<(), StoreError> {
        self.tell(user, attempt, certain(self.clock.as_ref())?, why);
        Ok(())
    }

    /// A paid message that was not sent.
    pub fn pay_back(&self, paid: &Paid) {
        let mut taken = self.taken.lock();
        if taken.day <= paid.day {
            *taken.of(paid.day, paid.country) += 1;
        }
    }

    /// A message that was decided on at that time, paid before, and taken by no provider. One that may have been paid the day before is
    /// not paid back, for that day's money is worth nothing on the next.
    pub(crate) fn pay_back_decided(&self, country: Country, decided_at: Timestamp) {
        let day = day_of(decided_at);
        if day_of(decided_at.before(DECIDED_WITHIN)) == day {
            self.pay_back(&Paid { day, country });
        }
    }

    async fn take(&self, now: Timestamp, day: i64, country: Country) -> Result<Result<(), Unpaid>, StoreError> {
        if self.take_from_block(day, country) {
            return Ok(Ok(()));
        }
        // One of a node takes a block; who waited for it pays out of that.
        let _turn = self.turn.lock().await;
        if self.take_from_block(day, country) {
            return Ok(Ok(()));
        }
        let key = PartitionKey::new(Kind::Handle, format_args!("sms-spending-{day}"));
        let block = transact_at(self.store.as_ref(), self.entropy.as_ref(), &key, now, |partition, now| {
            let spending: Option<SmsSpending> = partition.get(&key, ITEM)?;
            let nothing = || SmsSpending { spent: 0, countries: BTreeMap::new(), unknown: Unknown::default() };
            let (block, after) = match self.policy.take(&spending.unwrap_or_else(nothing), country) {
                Ok(taken) => taken,
                Err(unpaid) => return Ok(Transaction::answer(Err(unpaid))),
            };
            let end = now.after(LIFETIME);
            let mut transaction = Transaction::put(Put::record(ITEM, &after, Some(end)), Ok(block));
            transaction.partition_expires_at = Some(end);
            Ok(transaction)
        })
        .await?;
        Ok(block.map(|block| *self.taken.lock().of(day, country) += block - 1))
    }

    fn take_from_block(&self, day: i64, country: Country) -> bool {
        let mut taken = self.taken.lock();
        let left = taken.of(day, country);
        let some = *left > 0;
        *left = left.saturating_sub(1);
        some
    }

    fn tell(&self, user: UserId, attempt: &Attempt, at: Timestamp, (country, unpaid): (Country, Unpaid)) {
        count(country, unpaid.name());
        let event = AuditEvent {
            kind: "message.refused".to_owned(),
            at,
            user: Some(user),
            actor: attempt.origin.actor.clone().unwrap_or_else(|| "user".to_owned()),
            address: attempt.origin.address.clone(),
            facts: [
                ("channel".to_owned(), "sms".into()),
                ("country".to_owned(), country.as_str().into()),
                ("reason".to_owned(), unpaid.name().into()),
            ]
            .into(),
            unknown: Unknown::default(),
        };
        self.shipper.tell(&format!("sms/{}", attempt.id), &event);
    }
}

const fn day_of(at: Timestamp) -> i64 {
    at.as_secs().div_euclid(DAY_SECS)
}

fn count(country: Country, outcome: &'static str) {
    metrics::counter!("doorward_sms_budget_total", "country" => country.to_string(), "outcome" => outcome).increment(1);
}
