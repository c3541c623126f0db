//! Text messages whose codes nobody types, counted over the cluster by country and by address prefix. What is thought of a count is
//! [`domain::sms_fraud`](crate::domain::sms_fraud)'s.
//!
//! 1. Before a text message is decided on, [`SmsFraud::count`] asks for it: first in the partition of the client's address prefix, so
//!    that who is closed there costs the country nothing, then in that of the country. Each judges by what is stored, and counts the
//!    message in the same conditional write. Where the country refuses what the address had counted, that is taken back.
//! 2. Where both let it pass, or in `record` mode, the command that sends the message names both counts ([`SmsCount`]), and the decision
//!    keeps them beside what the message is for ([`domain::texts`](crate::domain::texts)). A message that is not decided on after
//!    all is taken back at once ([`SmsFraud::not_sent`]).
//! 3. The commit that accepts the code, completes the login otherwise, or notes that no provider took the message, takes them out
//!    again; then the node that made it tells the counts ([`SmsFraud::settle`]). Nobody waits for that.
//!
//! | step | type | where it stands |
//! |---|---|---|
//! | unverified | [`SmsCount`] | one more in an hour of both partitions |
//! | verified | [`Fate::Verified`] | one less there, one more typed code in the hour and the day of now |
//! | taken back | [`Fate::TakenBack`] | one less there |
//!
//! **Why a write for each message, and no blocks.** The [budget](crate::sms_budget) only ever rises, so a node can hold a part of it. What is
//! allowed here rises with each code that is typed anywhere, and begins at three an hour: blocks of it would be one message each, or
//! allow each node as many again. So counts are exact, whatever the number of nodes, for two conditional writes before a message that costs
//! money and takes seconds, and two after it. No partition is everybody's: one for each country, which holds 24 hours and 14 days, and one for each address
//! prefix, which holds a day. On a node one write is under way for a partition at a time, and takes with it all that came
//! meanwhile, so a busy country is written as often as the store answers, not as often as somebody signs in; nodes conflict with each
//! other alone.
//!
//! **When a count cannot be read or written**, nothing is sent in `enforce` mode; in `record` mode the message is sent and not counted. Who went
//! away in between, and what a process did not live to tell, stays unverified for its 24 hours: the counts are rather too strict.
//!
//! The address is kept as a keyed hash of its prefix (a /64 of IPv6) and for a day after its last message. Nothing is counted before every
//! node knows what the counts in logins mean (data level 4).

mod worker;

use std::{net::IpAddr, sync::Arc, time::Duration};

use ractor::{ActorRef, SpawnErr};
use schema::{
    Store, StoreError, UserId,
    record::{AuditEvent, SmsCount, Unknown},
};
use tokio::sync::oneshot;

use self::worker::{Ask, Order, Place, Shared};
use crate::{
    ServicesOptions,
    clock::Clock,
    domain::{
        context::Attempt,
        phone::Country,
        sms_fraud::{Fate, FraudMode, FraudPolicy, Judged, Suspicion},
        texts::Settled,
    },
    entropy::Entropy,
    feature_level::FeatureLevel,
    shipper::Shipper,
    vault::{Purpose, Vault},
};

/// The level of data from which on messages are counted.
const LEVEL: u32 = 4;

/// What the counts are built from.
pub struct SmsFraudOptions {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// For the attempts of commits.
    pub entropy: Arc<dyn Entropy>,
    /// Hashes addresses.
    pub vault: Arc<Vault>,
    /// Tells the audit log.
    pub shipper: Shipper,
    /// What may be written.
    pub level: FeatureLevel,
    /// The numbers.
    pub policy: FraudPolicy,
}

impl std::fmt::Debug for SmsFraudOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmsFraudOptions").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl SmsFraudOptions {
    /// Out of those of a node.
    pub(crate) fn new(
        options: &ServicesOptions,
        (vault, shipper, level): (&Arc<Vault>, &Shipper, &FeatureLevel),
    ) -> Self {
        Self {
            store: Arc::clone(&options.store),
            clock: Arc::clone(&options.clock),
            entropy: Arc::clone(&options.entropy),
            vault: Arc::clone(vault),
            shipper: shipper.clone(),
            level: level.clone(),
            policy: options.sms.fraud.clone(),
        }
    }
}

/// The counts of text messages that go unanswered. Cheap to clone.
#[derive(Clone)]
pub struct SmsFraud {
    worker: ActorRef<Order>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for SmsFraud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmsFraud").field("policy", &self.shared.options.policy).finish_non_exhaustive()
    }
}

impl SmsFraud {
    /// Starts the actor that writes them.
    pub async fn start(options: SmsFraudOptions) -> Result<Self, SpawnErr> {
        let shared = Arc::new(Shared { options });
        let worker = worker::start(Arc::clone(&shared)).await?;
        Ok(Self { worker, shared })
    }

    /// Counts a message that is about to be decided on, for the client at this address, or says why it is not to be sent. Where there
    /// is no count nothing is counted: nothing has to be taken back.
    pub async fn count(
        &self,
        user: UserId,
        attempt: &Attempt,
        country: Country,
        address: IpAddr,
    ) -> Result<Result<Option<SmsCount>, Suspicion>, StoreError> {
        let options = &self.shared.options;
        if options.policy.mode == FraudMode::Off || options.level.current() < LEVEL {
            return Ok(Ok(None));
        }
        let outcome = match self.count_both(country, address).await {
            Ok(outcome) => outcome,
            Err(error) if options.policy.mode == FraudMode::Enforce => {
                self.measure(country, "unavailable");
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(%error, "a text message is sent without being counted");
                self.measure(country, "unavailable");
                return Ok(Ok(None));
            }
        };
        self.measure(country, outcome.suspicion.map_or("unsuspected", Suspicion::name));
        if let Some(suspicion) = outcome.suspicion {
            self.tell((user, attempt), country, (suspicion, &outcome));
        }
        Ok(match (outcome.count, outcome.suspicion) {
            (None, Some(suspicion)) => Err(suspicion),
            (count, _) => Ok(count),
        })
    }

    async fn count_both(&self, country: Country, address: IpAddr) -> Result<Outcome, StoreError> {
        let key = self.shared.options.vault.mac_tagged(Purpose::Ident, &[b"text message", prefix(address).as_bytes()]);
        let at_address = self.ask(Place::Address(key.as_str().into()), country).await?;
        let Some(address_hour) = at_address.counted_in else { return Ok(Outcome::refused(at_address)) };
        let back = |country_hour| SmsCount { country: country.to_string(), country_hour, address: key, address_hour };
        let in_country = match self.ask(Place::Country(country), country).await {
            Ok(judged) => judged,
            Err(error) => {
                self.take_back_at_address(&back(0));
                return Err(error);
            }
        };
        let Some(country_hour) = in_country.counted_in else {
            self.take_back_at_address(&back(0));
            return Ok(Outcome::refused(in_country));
        };
        let suspected = if in_country.suspicion.is_some() { in_country } else { at_address };
        let tell = at_address.tell || in_country.tell;
        Ok(Outcome { count: Some(back(country_hour)), suspicion: suspected.suspicion, tell })
    }

    async fn ask(&self, place: Place, country: Country) -> Result<Judged, StoreError> {
        let (reply, answer) = oneshot::channel();
        let stopped = || StoreError::Unavailable("text messages are not counted any more here".to_owned());
        self.worker.send_message(Order::Ask(place, Ask::Count { country, reply })).map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    fn take_back_at_address(&self, count: &SmsCount) {
        self.order(
            Place::Address(count.address.as_str().into()),
            &count.country,
            (count.address_hour, Fate::TakenBack),
        );
    }

    fn order(&self, place: Place, country: &str, (counted_in, fate): (i64, Fate)) {
        let ask = Ask::Settle { country: country.to_owned(), counted_in, fate };
        // What is not told stays unverified.
        let _ = self.worker.send_message(Order::Ask(place, ask));
    }

    /// A message that counts and was not decided on after all.
    pub fn not_sent(&self, count: SmsCount) {
        self.settle(vec![Settled { count, fate: Fate::TakenBack }]);
    }

    /// What became of messages, by a commit.
    pub(crate) fn settle(&self, settled: Vec<Settled>) {
        for Settled { count, fate } in settled {
            metrics::counter!("doorward_sms_settled_total", "country" => count.country.clone(), "outcome" => fate.name())
                .increment(1);
            if let Ok(country) = count.country.parse() {
                self.order(Place::Country(country), &count.country, (count.country_hour, fate));
            }
            let place = Place::Address(count.address.as_str().into());
            self.order(place, &count.country, (count.address_hour, fate));
        }
    }

    /// Returns when everything that was told before is counted, or has failed.
    pub async fn settled(&self) {
        let (reply, answer) = oneshot::channel();
        if self.worker.send_message(Order::Settled(reply)).is_ok() {
            // Dropped without an answer if the actor stops: then nothing more is counted.
            let _ = answer.await;
        }
    }

    /// Stops after what was told, or when this is over.
    pub async fn stop(&self, within: Duration) {
        // What is left stays unverified.
        let _ = tokio::time::timeout(within, self.settled()).await;
        let _ = self.worker.stop_and_wait(None, Some(within)).await;
    }

    fn measure(&self, country: Country, outcome: &'static str) {
        let mode = self.shared.options.policy.mode.name();
        metrics::counter!("doorward_sms_fraud_total", "country" => country.to_string(), "outcome" => outcome, "mode" => mode)
            .increment(1);
    }

    /// Tells the audit log of a rule, and of a message that is not sent.
    fn tell(&self, (user, attempt): (UserId, &Attempt), country: Country, (suspicion, outcome): (Suspicion, &Outcome)) {
        let options = &self.shared.options;
        let event = |kind: &str, facts: [(&str, &str); 3]| AuditEvent {
            kind: kind.to_owned(),
            at: options.clock.now(),
            user: Some(user),
            actor: attempt.origin.actor.clone().unwrap_or_else(|| "user".to_owned()),
            address: attempt.origin.address.clone(),
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect(),
            unknown: Unknown::default(),
        };
        let (rule, country) = (suspicion.name(), country.as_str());
        if outcome.tell {
            let mode = options.policy.mode.name();
            let suspected = event("sms.fraud_suspected", [("rule", rule), ("country", country), ("mode", mode)]);
            options.shipper.tell(&format!("sms-fraud/{}", attempt.id), &suspected);
        }
        if outcome.count.is_none() {
            let refused = event("message.refused", [("channel", "sms"), ("country", country), ("reason", rule)]);
            options.shipper.tell(&format!("sms/{}", attempt.id), &refused);
        }
    }
}

/// What both partitions said together.
struct Outcome {
    count: Option<SmsCount>,
    suspicion: Option<Suspicion>,
    tell: bool,
}

impl Outcome {
    const fn refused(judged: Judged) -> Self {
        Self { count: None, suspicion: judged.suspicion, tell: judged.tell }
    }
}

/// What an address counts as: alone in IPv4, with its /64 in IPv6.
fn prefix(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("{:016x}/64", address.to_bits() >> 64),
    }
}

#[cfg(test)]
mod tests {
    use super::prefix;

    #[test]
    fn addresses_of_one_customer_count_as_one() {
        let of = |address: &str| prefix(address.parse().expect("an address"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:0:0:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
