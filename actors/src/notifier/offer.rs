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
    },
    secret::Seed,
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
        let _permit = self.permits.acquire().await;
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
        let delivered = match self.carry(&owed).await {
            Ok(delivered) => delivered,
            Err(reason) => return Offered::Later(reason),
        };
        let outcome = if matches!(delivered, Delivered::Sent { .. }) { "sent" } else { "failed" };
        let channel = address::name(owed.message.channel);
        metrics::counter!("doorward_messages_total", "channel" => channel, "outcome" => outcome).increment(1);
        let record = RecordDelivery { message: owed.message.message, delivered };
        for _ in 0..COMMITS {
            match self.commit(accounts, owed.user, record.clone()).await {
                Ok(_) => return Offered::Settled,
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
        let entropy = &self.options.entropy;
        let origin = Origin { actor: Some("system".to_owned()), ..Origin::default() };
        let attempt = Attempt { id: AttemptId::from_bytes(entropy.array()), seed: Seed::new(entropy.array()), origin };
        let asked = accounts.ask(user, &attempt, command, Deadline::after(COMMITTED_WITHIN));
        asked.await.map_err(|error| error.to_string())
    }

    /// What became of the message; an error if it is to be offered again.
    async fn carry(&self, owed: &Owed) -> Result<Delivered, String> {
        let failed = |reason: &str| Ok(Delivered::Failed { reason: reason.to_owned() });
        if self.options.clock.now() >= owed.message.expires_at {
            return failed("it expired before a provider took it");
        }
        let Some(letter) = Letter::open(&self.options.vault, owed.user, &owed.message) else {
            // Of a newer version, perhaps, which another node sends.
            return Err("it cannot be read here".to_owned());
        };
        let (mut reasons, mut never) = (Vec::new(), 0);
        let (mut under_way, mut next) = (FuturesUnordered::new(), self.order(owed.message.channel).into_iter());
        loop {
            under_way.extend(next.next().map(|index| self.ask(index, &letter)));
            let (name, refusal) = match tokio::time::timeout(NEXT_AFTER, under_way.next()).await {
                Ok(None) => break,
                Ok(Some((name, Ok(())))) => {
                    return Ok(Delivered::Sent { by: name, content: letter.content.name().to_owned() });
                }
                Ok(Some((name, Err(refusal)))) => (name, refusal),
                Err(_) => continue,
            };
            never += usize::from(matches!(refusal, NotCarried::Never(_)));
            let (NotCarried::Down(why) | NotCarried::Later(why) | NotCarried::Never(why)) = refusal;
            reasons.push(format!("{name}: {why}"));
        }
        if reasons.len() == never { failed(&reasons.join("; ")) } else { Err(reasons.join("; ")) }
    }

    /// Offers a letter to one provider.
    async fn ask(&self, index: usize, letter: &Letter) -> (String, Result<(), NotCarried>) {
        let carrier = &self.options.carriers[index];
        let carried = tokio::time::timeout(CARRIED_WITHIN, carrier.carry(letter)).await;
        let carried = carried.unwrap_or_else(|_| Err(NotCarried::Down("it did not answer in time".to_owned())));
        let outcome = if carried.is_ok() { "taken" } else { "not_taken" };
        let name = carrier.name().to_owned();
        metrics::counter!("doorward_messages_offered_total", "provider" => name.clone(), "outcome" => outcome)
            .increment(1);
        match &carried {
            Ok(()) => self.avoided.lock()[index] = None,
            Err(NotCarried::Down(_)) => self.avoided.lock()[index] = Some(cluster::now() + AVOIDED_FOR),
            Err(NotCarried::Later(_) | NotCarried::Never(_)) => {}
        }
        (name, carried)
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
