//! What is sent stands nowhere in the clear (HAZARDS H17): the whole store is read after each kind of message, while it waits to be
//! sent and after that.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use actors::{
    domain::{
        command::{BeginOwnAddress, BeginOwnAddressOutcome, BeginRecovery, MailReset, SendOutcome, SendRecoveryCode},
        email,
        letter::{Content, Letter},
    },
    notifier::{Carrier, NotCarried},
};
use async_trait::async_trait;
use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
use parking_lot::Mutex;
use schema::{Cursor, Kind, Store as _, Stream, record::Channel};
use tokio::sync::Notify;

use crate::{
    addresses::{begun, confirm, send},
    postbox::Postbox,
    support::{Person, World, soon},
};

const ADDRESS: &str = "ada.sealed@example.org";
const SECOND: &str = "ada.sealed@work.example";
const OWN: &str = "ada.sealed@home.example";
const STRANGER: &str = "bob.sealed@example.net";
/// The digits of a phone, as they stand in each way of writing its number.
const DIGITS: &str = "15112345678";
const NUMBER: &str = "+4915112345678";
const WAIT: Duration = Duration::from_hours(3 * 24);

/// A provider that reads every letter, and takes none.
#[derive(Default)]
struct Reader {
    read: Mutex<Vec<Letter>>,
    changed: Notify,
}

#[async_trait]
impl Carrier for Reader {
    fn name(&self) -> &'static str {
        "reader"
    }

    fn carries(&self, _: Channel) -> bool {
        true
    }

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        self.read.lock().push(letter.clone());
        self.changed.notify_waiters();
        Err(NotCarried::Later("it is only read".to_owned()))
    }
}

impl Reader {
    /// A letter to this address that says something of this name, once it was read.
    async fn letter(&self, to: &str, name: &str) -> Content {
        let read = async {
            loop {
                let changed = self.changed.notified();
                let found = |letter: &&Letter| letter.to == to && letter.content.name() == name;
                if let Some(letter) = self.read.lock().iter().rev().find(found) {
                    return letter.content.clone();
                }
                changed.await;
            }
        };
        let read = tokio::time::timeout(Duration::from_secs(30), read).await;
        read.unwrap_or_else(|_| panic!("no {name} to {to} among {:?}", self.names()))
    }

    /// The names of what was read.
    fn names(&self) -> BTreeSet<&'static str> {
        self.read.lock().iter().map(|letter| letter.content.name()).collect()
    }

    /// Every code and token that was read.
    fn secrets(&self) -> BTreeSet<String> {
        let of = |letter: &Letter| match &letter.content {
            Content::SignInCode { code, link } | Content::ActivationCode { code, link } => {
                let link = link.as_ref().map(|link| link.0.expose().clone());
                [Some(String::from(code.clone())), link].into_iter().flatten().collect()
            }
            Content::AddressCode { code } => vec![String::from(code.clone())],
            Content::RecoveryCode { code, token } => vec![String::from(code.clone()), token.expose().clone()],
            Content::PasswordReset { token }
            | Content::RecoveryBegun { token, .. }
            | Content::RecoveryDue { token } => vec![token.expose().clone()],
            Content::Registration { token } => vec![token.0.expose().clone()],
            Content::Registered | Content::Notice { .. } => Vec::new(),
        };
        self.read.lock().iter().flat_map(of).collect()
    }
}

/// Everything in the store: where it stands, and what.
async fn everything(world: &World) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        let mut after = None;
        loop {
            let page = world.store.scan(kind, after.as_deref(), 100, &[""]).await.expect("the store works");
            for (id, partition) in page.partitions {
                all.push((format!("{kind:?}"), id.to_string()));
                for (key, body) in partition.items {
                    let place = key.split('/').next().unwrap_or_default();
                    all.push((format!("{kind:?}/{place}"), format!("{key} {}", body.json)));
                }
                for done in partition.operations {
                    all.push((format!("{kind:?} operations"), done.outcome.to_string()));
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    for stream in [Stream::Audit, Stream::Outbox, Stream::Dirty] {
        for event in world.store.read(stream, &Cursor::default(), 10_000).await.expect("the store works") {
            all.push((format!("{stream:?}"), format!("{} {}", event.id, event.json)));
        }
    }
    all
}

/// Does a text hold another one, as it is or in Base64?
fn holds(text: &str, secret: &str) -> bool {
    let encoded = |c: char| !c.is_ascii_alphanumeric() && !"+/-_".contains(c);
    let decoded = |part: &str| {
        let whole = &part[..part.len() - usize::from(part.len() % 4 == 1)];
        [BASE64_NOPAD.decode(whole.as_bytes()), BASE64URL_NOPAD.decode(whole.as_bytes())]
    };
    let within = |bytes: Vec<u8>| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
    text.contains(secret) || text.split(encoded).flat_map(decoded).flatten().any(within)
}

/// Reads the whole store for every secret that was sent so far, and for addresses where none belong.
async fn nothing_is_in_the_clear(world: &World, reader: &Reader) {
    world.services.shipper.settled().await;
    let secrets = reader.secrets();
    for (place, text) in everything(world).await {
        for secret in &secrets {
            assert!(!holds(&text, secret), "a secret that was sent stands in {place}: {text}");
        }
        // Whose it is has it among the owner's own things, and who asked for an account under it in what waits for that.
        let own = ["User/account", "User/email", "User/own-address", "User/registration"].contains(&place.as_str());
        for address in [ADDRESS, SECOND, OWN, STRANGER] {
            assert!(own || !holds(&text, address), "{address} stands in {place}: {text}");
        }
        assert!(place == "User/phone" || !holds(&text, DIGITS), "a number stands in {place}: {text}");
    }
}

/// Confirms an address with the code that was read.
async fn enrol(world: &World, reader: &Reader, person: &mut Person, address: &str) {
    let factor = begun(world, person, address).await;
    let Content::ActivationCode { code, .. } = reader.letter(address, "activation_code").await else { unreachable!() };
    nothing_is_in_the_clear(world, reader).await;
    let channel = if address == NUMBER { Channel::Sms } else { Channel::Email };
    confirm(world, person, (channel, factor), code).await;
    // Of several the one that was there first gets the codes.
    world.pass(Duration::from_secs(1));
    nothing_is_in_the_clear(world, reader).await;
}

/// What waits is sent by the next process, and recorded.
async fn sent_by_the_next(world: World, reader: &Reader) {
    let waits = async |world: &World| everything(world).await.iter().any(|(place, _)| place == "User/message");
    assert!(waits(&world).await);
    let postbox = Postbox::new();
    let carrier = Arc::clone(&postbox);
    let world = world.killed_and_restarted_with(move |options| options.carriers.push(carrier)).await;
    let sent = async {
        while waits(&world).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), sent).await.expect("they are sent");
    assert!(postbox.asked() > 0);
    nothing_is_in_the_clear(&world, reader).await;
}

#[tokio::test]
async fn no_code_or_link_stands_in_the_store_and_no_address_where_it_does_not_belong() {
    let reader = Arc::new(Reader::default());
    let carrier = Arc::clone(&reader);
    let world = World::with(move |options| {
        options.carriers.push(carrier);
        options.settings.recovery_wait = WAIT;
    })
    .await;
    let mut person = world.register("ada").await;
    for address in [ADDRESS, SECOND, NUMBER] {
        enrol(&world, &reader, &mut person, address).await;
    }
    let stands = async |at: &str, text: &str| {
        everything(&world).await.iter().any(|(place, all)| place == at && holds(all, text))
    };
    assert!(stands("User/email", ADDRESS).await && stands("User/phone", DIGITS).await, "what is there is found");
    let own = BeginOwnAddress { session: person.session.clone(), address: OWN.to_owned() };
    let begun = world.services.accounts.ask(person.user, &world.attempt(), own, soon()).await.expect("answers");
    assert_eq!(begun, BeginOwnAddressOutcome::Begun);
    reader.letter(OWN, "address_code").await;
    nothing_is_in_the_clear(&world, &reader).await;
    for (channel, to) in [(Channel::Email, ADDRESS), (Channel::Sms, NUMBER)] {
        let login = world.first_proof(&person).await;
        assert!(matches!(send(&world, &person, (channel, &login)).await, SendOutcome::Sent));
        reader.letter(to, "sign_in_code").await;
        nothing_is_in_the_clear(&world, &reader).await;
    }
    let accounts = &world.services.accounts;
    assert!(accounts.ask(person.user, &world.attempt(), MailReset { device: None }, soon()).await.expect("answers"));
    reader.letter(ADDRESS, "password_reset").await;
    nothing_is_in_the_clear(&world, &reader).await;

    let login = world.first_proof(&person).await;
    let begin = BeginRecovery { login, policies: Vec::new() };
    accounts.ask(person.user, &world.attempt(), begin, soon()).await.expect("answers");
    reader.letter(SECOND, "recovery_begun").await;
    nothing_is_in_the_clear(&world, &reader).await;
    world.pass(WAIT);
    let login = world.first_proof(&person).await;
    let due = SendRecoveryCode { login, policies: Vec::new() };
    let sent = accounts.ask(person.user, &world.attempt(), due, soon()).await.expect("answers");
    assert!(matches!(sent, SendOutcome::Sent), "{sent:?}");
    reader.letter(ADDRESS, "recovery_code").await;
    reader.letter(SECOND, "recovery_due").await;
    nothing_is_in_the_clear(&world, &reader).await;

    let address = email::identifier(STRANGER).expect("an address");
    world.services.registration.begin_by_email(&world.attempt(), address, None, soon()).await.expect("answers");
    reader.letter(STRANGER, "registration").await;
    nothing_is_in_the_clear(&world, &reader).await;
    let every = [
        "activation_code",
        "address_code",
        "notice",
        "password_reset",
        "recovery_begun",
        "recovery_code",
        "recovery_due",
        "registration",
        "sign_in_code",
    ];
    assert_eq!(reader.names().into_iter().collect::<Vec<_>>(), every);

    sent_by_the_next(world, &reader).await;
}

#[test]
fn what_is_looked_for_is_found_in_every_form() {
    let encoded = BASE64_NOPAD.encode(b"{\"code\":\"123456\"}");
    for text in ["{\"code\":\"123456\"}", &format!("{{\"sealed\":\"v1.k1.{encoded}\"}}"), "at 123456."] {
        assert!(holds(text, "123456"), "{text}");
    }
    assert!(!holds("{\"code\":\"123457\"}", "123456"));
}
