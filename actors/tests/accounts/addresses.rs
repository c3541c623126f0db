//! Addresses that get codes, in either way: what the tests of both do with them.

use std::{sync::Arc, time::Duration};

use actors::{
    Services,
    domain::{
        command::{
            BeginAddress, BeginAddressOutcome, ConfirmAddress, ConfirmOutcome, LoginCodeView, LoginRef, SendLoginCode,
            SendOutcome, ShowLoginCode, SignInOutcome, VerifySentCode, VerifySentCodeOutcome,
        },
        factor::totp::{self, Code},
    },
};
use schema::{FactorId, record::Channel};

use crate::{
    postbox::Postbox,
    support::{Person, World, session_ref, soon},
};

/// The way to an address.
fn channel_of(address: &str) -> Channel {
    if address.starts_with('+') { Channel::Sms } else { Channel::Email }
}

/// A world in which letters arrive.
pub(crate) async fn world() -> (World, Arc<Postbox>) {
    let postbox = Postbox::new();
    let carrier = Arc::clone(&postbox);
    let world = World::with(move |options| options.carriers.push(carrier)).await;
    (world, postbox)
}

/// Begins an enrolment.
pub(crate) async fn begin(services: &Services, world: &World, person: &Person, address: &str) -> BeginAddressOutcome {
    let (session, channel) = (person.session.clone(), channel_of(address));
    let (address, link) = (address.to_owned(), true);
    let command = BeginAddress { session, channel, name: String::new(), address, link, count: None };
    services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")
}

/// The same, where nothing is against it.
pub(crate) async fn begun(world: &World, person: &Person, address: &str) -> FactorId {
    match begin(&world.services, world, person, address).await {
        BeginAddressOutcome::Begun { factor } => factor,
        other => panic!("{other:?}"),
    }
}

/// Types the code that is to activate an address.
pub(crate) async fn confirm(
    world: &World,
    person: &mut Person,
    (channel, factor): (Channel, FactorId),
    code: Code,
) -> ConfirmOutcome {
    let attempt = world.attempt();
    let backup = world.services.hashes.backup_codes(&attempt.seed, soon()).await.expect("hashes");
    let command = ConfirmAddress { session: person.session.clone(), channel, factor, code, backup };
    let outcome = world.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
    if let ConfirmOutcome::Activated { signed_in, .. } = &outcome {
        person.session = session_ref(&attempt, signed_in);
    }
    outcome
}

/// Enrols an address; its letter is number `n`.
pub(crate) async fn enrol(
    world: &World,
    postbox: &Postbox,
    person: &mut Person,
    (address, n): (&str, usize),
) -> FactorId {
    let factor = begun(world, person, address).await;
    let outcome = confirm(world, person, (channel_of(address), factor), postbox.code(n).await).await;
    assert!(matches!(outcome, ConfirmOutcome::Activated { .. }), "{outcome:?}");
    factor
}

/// Has a code sent for a login.
pub(crate) async fn send(world: &World, person: &Person, (channel, login): (Channel, &LoginRef)) -> SendOutcome {
    let command = SendLoginCode { login: login.clone(), channel, factor: None, link: true, count: None };
    world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")
}

/// What the page of a login knows.
pub(crate) async fn shown(world: &World, person: &Person, (channel, login): (Channel, &LoginRef)) -> LoginCodeView {
    let command = ShowLoginCode { login: login.clone(), channel };
    let shown = world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await;
    shown.expect("answers").expect("a login")
}

/// Types a code at a login.
pub(crate) async fn verify(world: &World, person: &Person, login: &LoginRef, code: Code) -> VerifySentCodeOutcome {
    let command = VerifySentCode { login: login.clone(), code };
    world.services.accounts.ask(person.user, &world.attempt(), command, soon()).await.expect("answers")
}

/// Is that a session?
pub(crate) fn signed_in(outcome: &VerifySentCodeOutcome) -> bool {
    matches!(outcome, VerifySentCodeOutcome::Judged(SignInOutcome::SignedIn(_)))
}

pub(crate) const WRONG: VerifySentCodeOutcome = VerifySentCodeOutcome::Judged(SignInOutcome::Wrong);

/// A code that is not this one.
pub(crate) fn other(code: &Code) -> Code {
    let text = String::from(code.clone());
    let last = (text.as_bytes()[5] - b'0' + 1) % 10;
    totp::parse_code(&format!("{}{last}", &text[..5])).expect("six digits")
}

/// A hundred wrong codes in a row, at the app and at an address.
pub(crate) async fn a_hundred_failures(world: &World, postbox: &Postbox, person: &Person, channel: Channel) {
    fail(world, postbox, person, (channel, 100)).await;
}

/// So many of them.
pub(crate) async fn fail(world: &World, postbox: &Postbox, person: &Person, (channel, times): (Channel, usize)) {
    let nothing = totp::parse_code("000000").expect("six digits");
    let mut failures = 0;
    while failures < times {
        world.pass(Duration::from_mins(70));
        let login = world.first_proof(person).await;
        // Half of them at the app, half at the address of this way, each as often as its throttle lets through.
        for _ in 0..5 {
            if failures < times && world.type_totp(person, &login, nothing.clone()).await == SignInOutcome::Wrong {
                failures += 1;
            }
        }
        let sent = postbox.taken();
        if failures < times && matches!(send(world, person, (channel, &login)).await, SendOutcome::Sent) {
            let code = postbox.code(sent + 1).await;
            for _ in 0..5 {
                if failures < times && verify(world, person, &login, other(&code)).await == WRONG {
                    failures += 1;
                }
            }
        }
    }
}
