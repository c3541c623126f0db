//! Text messages of a user that count as unverified ([`sms_fraud`](super::sms_fraud)), from the decision that sends one to the
//! decision that tells what became of it.
//!
//! 1. The node that takes the request has the message counted, and names the count in the command that sends it.
//! 2. The decision keeps it in what the message is for: a login, or an address that awaits its code ([`with`]). It stays there when
//!    another message takes the place of the code.
//! 3. The decision that accepts a code takes it out again ([`verified`]), and so do the ones that complete the login by another proof
//!    ([`taken_back`]) or note that no provider took the message ([`not_sent`]). The count is told of that after the commit.
//!
//! What is taken out of the item is told once, for its commit is made once. If the process dies in between it is not told, and the
//! message stays unverified: rather too strict than too mild. An enrolment that ends without its code stays so, for whatever else was
//! proved says nothing of that number.

use schema::{
    MessageId,
    record::{Address, Channel, CountedText, Login, Method, SmsCount},
};

use super::{
    change::{Change, Item},
    sms_fraud::Fate,
    user::User,
};

/// What became of a message that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Where it counts.
    pub count: SmsCount,
    /// What became of it.
    pub fate: Fate,
}

/// Those before, and this one if it counts.
pub(super) fn with(before: &[CountedText], message: MessageId, count: Option<&SmsCount>) -> Vec<CountedText> {
    let this = count.map(|count| CountedText { message, count: count.clone() });
    before.iter().cloned().chain(this).collect()
}

/// A code was accepted, that of the last message: the person who got it has the others as well.
pub(super) fn verified(change: &mut Change, texts: &[CountedText]) {
    if let Some((last, others)) = texts.split_last() {
        taken_back(change, others);
        change.settle(Settled { count: last.count.clone(), fate: Fate::Verified });
    }
}

/// Those that stay with a login after this proof, if it goes on: all but those that it verifies.
pub(super) fn after(change: &mut Change, login: Option<&Login>, proved: Method) -> Vec<CountedText> {
    let texts = login.map(|login| login.texts.clone()).unwrap_or_default();
    if proved == Method::SmsCode {
        verified(change, &texts);
        return Vec::new();
    }
    texts
}

/// The login was completed by another proof.
pub(super) fn taken_back(change: &mut Change, texts: &[CountedText]) {
    for text in texts {
        change.settle(Settled { count: text.count.clone(), fate: Fate::TakenBack });
    }
}

/// No provider took the message.
pub(super) fn not_sent(user: &User, change: &mut Change, message: MessageId) {
    let has = |texts: &[CountedText]| texts.iter().any(|text| text.message == message);
    let without = |texts: &[CountedText]| {
        texts.iter().filter(|text| text.message != message).cloned().collect::<Vec<CountedText>>()
    };
    let login = user.logins.values().find(|login| has(&login.texts));
    let address = user.addresses(Channel::Sms).values().find(|address| has(&address.texts));
    let found = login.map(|login| &login.texts).or(address.map(|address| &address.texts));
    let texts: Vec<CountedText> = found.into_iter().flatten().filter(|text| text.message == message).cloned().collect();
    taken_back(change, &texts);
    if let Some(login) = login {
        change.put(Item::Login(Login { texts: without(&login.texts), ..login.clone() }));
    } else if let Some(address) = address {
        change.put(Item::Phone(Address { texts: without(&address.texts), ..address.clone() }));
    }
}
