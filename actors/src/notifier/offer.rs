//! One message, once: whose it is, which providers are asked, and the commit of what became of it.

use std::time::Duration;

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use schema::{AttemptId, UserId, record::Channel};

use super::{AVOIDED_FOR, CARRIED_WITHIN, FIRST_PAUSE, NEXT_AFTER, NotCarried, Offered, Owed, Shared};
use crate::{
    account::Accounts,
    call::Deadline,
    domain::{
        address,
        command::{Body, Decide, Delivered, RecordDelivery, TakeMessage, TakeMessageOutcome},
        context::{Attempt, Origin},
        letter::Letter,
        limits,
        phone::PhoneNumber,
        sms::Unpaid,
    },
    secret::Seed,
    sms_budget::Paid,
};

/// How long a commit about a message may take, and how often it is tried.
const COMMITTED_WITHIN: Duration = Duration::from_secs(5);
const COMMITS: usize = 5;

impl Shared {
    /// Must the store be asked whose the message is? Who has committed it has it for itself at first.
    fn is_contested(&self, owed: &Owed) -> bool {
        let own = !owed.found && self.options.clock.now() < owed.message.created_at.after(limits::TAKEN_OVER_AFTER);
        !own && !self.options.authority.is_alone()
    }

    /// Offers a message to the providers and commits what became of it.
    pub(super) async fn offer(&self, owed: Owed) -> Offered {
        // Closed never.
        let _permit = self.permits.of(owed.message.channel).acquire().await;
        let Some(accounts) = self.accounts.get() else {
            return Offered::Later("this process has just begun".to_owned());
        };
        if self.is_contested(&owed) {
            let authority = &self.options.authority;
            let by = format!("{}/{}", authority.me(), authority.generation().0);
            let take = TakeMessage { message: owed.message.message, by };
            match self.commit(accounts, owed.user, take).await {
                Ok(TakeMessageOutcome::Taken) => {}
                Ok(TakeMessageOutcome::Gone) => return Offered::Settled,
                Ok(TakeMessageOutcome::Another { until }) => return Offered::Another(until),
                Err(reason) => return Offered::Later(reason),
            }
        }
        let delivered = match self.open_and_carry(&owed).await {
            Ok(delivered) => delivered,
            Err(reason) => return Offered::Later(reason),
        };
        let outcome = if matches!(delivered, Delivered::Sent { .. }) { "sent" } else { "failed" };
        let channel = address::name(owed.message.channel);
        metrics::counter!("doorward_messages_total", "channel" => channel, "outcome" => outcome).increment(1);
        let record = RecordDelivery { message: owed.message.message, delivered };
        for _ in 0..COMMITS {
            match self.commit(accounts, owed.user, record.clone()).await {
                Ok(waited) => {
                    if waited && matches!(record.delivered, Delivered::Failed { .. }) {
                        self.pay_back(&owed);
                    }
                    return Offered::Settled;
                }
                Err(reason) => tracing::warn!(reason, "what became of a message is not recorded yet"),
            }
            tokio::time::sleep(FIRST_PAUSE).await;
        }
        // Its item stays, so it is found and sent once more: rather twice than never.
        Offered::Settled
    }

    async fn commit<C: Decide + Into<Body>>(
        &self,
        accounts: &Accounts,
        user: UserId,
        command: C,
    ) -> Result<C::Outcome, String> {
        let attempt = self.attempt();
        let asked = accounts.ask(user, &attempt, command, Deadline::after(COMMITTED_WITHIN));
        asked.await.map_err(|error| error.to_string())
    }

    /// An attempt of the system's.
    fn attempt(&self) -> Attempt {
        let entropy = &self.options.entropy;
        Attempt {
            id: AttemptId::from_bytes(entropy.array()),
            seed: Seed::new(entropy.array()),
            origin: Origin { actor: Some("system".to_owned()), ..Origin::default() },
            policies: Vec::new(),
        }
    }

    /// What became of the message; an error if it is to be offered again.
    async fn open_and_carry(&self, owed: &Owed) -> Result<Delivered, String> {
        let failed = |reason: &str| Ok(Delivered::Failed { reason: reason.to_owned() });
        if self.options.clock.now() >= owed.message.expires_at {
            return failed("it expired before a provider took it");
        }
        let Some(letter) = Letter::open(&self.options.vault, owed.user, &owed.message) else {
            // Of a newer version, perhaps, which another node sends.
            return Err("it cannot be read here".to_owned());
        };
        let paid = match self.pay(owed.user, &letter).await? {
            Ok(paid) => paid,
            Err(unpaid) => return failed(&format!("it is not paid: {}", unpaid.name())),
        };
        let carried = self.carry(owed, &letter).await;
        if let (Some(paid), Some(budget)) = (paid, self.budget.get())
            && !matches!(carried, Ok(Delivered::Sent { .. }))
        {
            budget.pay_back(&paid);
        }
        carried
    }

    /// Pays a text message that nobody has asked for; nothing is to be paid for any other.
    async fn pay(&self, user: UserId, letter: &Letter) -> Result<Result<Option<Paid>, Unpaid>, String> {
        if letter.channel != Channel::Sms || !letter.content.is_unasked() {
            return Ok(Ok(None));
        }
        let budget = self.budget.get().ok_or("this process has just begun")?;
        let Some(country) = PhoneNumber::country_of(&letter.to) else { return Ok(Err(Unpaid::Country)) };
        let attempt = self.attempt();
        let paid = budget.pay(user, &attempt, country).await;
        Ok(paid.map_err(|error| error.to_string())?.map(Some))
    }

    /// Pays back a text message that somebody asked for: it was noted just now, and once, that no provider takes it. What nobody has
    /// asked for was paid back when it was offered.
    fn pay_back(&self, owed: &Owed) {
        let letter = Letter::open(&self.options.vault, owed.user, &owed.message);
        let Some(letter) = letter.filter(|letter| letter.channel == Channel::Sms && !letter.content.is_unasked())
        else {
            return;
        };
        if let (Some(budget), Ok(number)) = (self.budget.get(), PhoneNumber::parse(&letter.to, None)) {
            budget.pay_back_decided(number.country(), owed.message.created_at);
        }
    }

    /// Offers an open letter to the providers.
    async fn carry(&self, owed: &Owed, letter: &Letter) -> Result<Delivered, String> {
        let failed = |reason: &str| Ok(Delivered::Failed { reason: reason.to_owned() });
        let (mut reasons, mut never) = (Vec::new(), 0);
        let (mut under_way, mut next) = (FuturesUnordered::new(), self.order(owed.message.channel).into_iter());
        let mut waited_for = Vec::new();
        loop {
            if let Some(index) = next.next() {
                waited_for.push(index);
                under_way.push(self.ask(index, letter));
            }
            let (index, refusal) = match tokio::time::timeout(NEXT_AFTER, under_way.next()).await {
                Ok(None) => break,
                Ok(Some((index, Ok(())))) => {
                    let by = self.options.carriers[index].name().to_owned();
                    return Ok(Delivered::Sent { by, content: letter.content.name().to_owned() });
                }
                Ok(Some((index, Err(refusal)))) => (index, refusal),
                Err(_) => {
                    // Who takes it instead ends the asking, so this is the moment to remember it.
                    waited_for.drain(..).for_each(|index| self.is_slow(index));
                    continue;
                }
            };
            waited_for.retain(|other| *other != index);
            never += usize::from(matches!(refusal, NotCarried::Never(_)));
            let (NotCarried::Down(why) | NotCarried::Later(why) | NotCarried::Never(why)) = refusal;
            reasons.push(format!("{}: {why}", self.options.carriers[index].name()));
        }
        if reasons.len() == never { failed(&reasons.join("; ")) } else { Err(reasons.join("; ")) }
    }

    /// Offers a letter to one provider.
    async fn ask(&self, index: usize, letter: &Letter) -> (usize, Result<(), NotCarried>) {
        let carrier = &self.options.carriers[index];
        let carried = tokio::time::timeout(CARRIED_WITHIN, carrier.carry(letter)).await;
        let carried = carried.unwrap_or_else(|_| Err(NotCarried::Down("it did not answer in time".to_owned())));
        self.count(index, if carried.is_ok() { "taken" } else { "not_taken" });
        match &carried {
            Ok(()) => self.avoided.lock()[index] = None,
            Err(NotCarried::Down(_)) => self.avoid(index),
            Err(NotCarried::Later(_) | NotCarried::Never(_)) => {}
        }
        (index, carried)
    }

    /// A provider has said nothing for so long that the next one is asked as well.
    fn is_slow(&self, index: usize) {
        self.count(index, "slow");
        self.avoid(index);
    }

    /// For a while this provider comes after the others.
    fn avoid(&self, index: usize) {
        self.avoided.lock()[index] = Some(cluster::now() + AVOIDED_FOR);
    }

    fn count(&self, index: usize, outcome: &'static str) {
        let provider = self.options.carriers[index].name().to_owned();
        metrics::counter!("doorward_messages_offered_total", "provider" => provider, "outcome" => outcome).increment(1);
    }

    /// Carriers of a way by index: those first that work, each in the order of the configuration.
    fn order(&self, channel: Channel) -> Vec<usize> {
        let now = cluster::now();
        let avoided = self.avoided.lock();
        let carries = |index: &usize| self.options.carriers[*index].carries(channel);
        let mut order: Vec<usize> = (0..avoided.len()).filter(carries).collect();
        order.sort_by_key(|index| (avoided[*index].is_some_and(|until| now < until), *index));
        order
    }
}
