use std::time::Duration;

use schema::AttemptId;

use super::*;
use crate::{
    domain::context::{Attempt, Origin, Settings},
    entropy::SeededEntropy,
    vault::{MasterKeys, Vault},
};

const NOW: Timestamp = Timestamp::from_millis(1_800_000_010_000);

struct House {
    vault: Vault,
    entropy: SeededEntropy,
    settings: Settings,
    attempt: Attempt,
}

impl House {
    fn new() -> Self {
        let entropy = SeededEntropy::new(1);
        let keys = MasterKeys::generate(&entropy, &"k1".parse().expect("a key id")).expect("generates");
        let vault = Vault::new(&keys, keys.first().clone(), "incarnation").expect("the key is there");
        let (id, seed) = (AttemptId::from_bytes([3; 16]), Seed::new([4; 32]));
        let attempt = Attempt { id, seed, origin: Origin::default(), policies: Vec::new() };
        Self { vault, entropy, settings: Settings::default(), attempt }
    }

    fn at(&self, now: Timestamp) -> Context<'_> {
        let Self { vault, entropy, settings, attempt } = self;
        Context { now, attempt, vault, entropy, settings }
    }

    /// The hash of the secret in a token for a login.
    fn hash_in(&self, token: &Token) -> String {
        let locators = Locators { vault: &self.vault, entropy: &self.entropy };
        locators.open_login_link(token.0.expose()).expect("opens").secret_hash
    }
}

fn login(byte: u8) -> Binding {
    Binding::Login(LoginId::from_bytes([byte; 16]))
}

fn to(binding: Binding) -> Recipient {
    Recipient { user: UserId::from_random([1; 16]), factor: FactorId::from_bytes([2; 16]), binding }
}

#[test]
fn a_code_has_six_digits_whatever_the_attempt() {
    for byte in 0..=255 {
        let code = draw(&Seed::new([byte; 32]), false).code;
        assert!(code.digits().iter().all(u8::is_ascii_digit), "{byte}");
    }
    assert_eq!(Code::of_number(9_000_042).digits(), b"000042");
}

#[test]
fn a_code_is_the_same_with_and_without_a_link_and_a_link_is_kept_only_where_one_was_drawn() {
    let (house, to) = (House::new(), to(login(7)));
    let cx = house.at(NOW);
    let [with, without] = [true, false].map(|link| draw(&cx.attempt.seed, link));
    assert_eq!(with.code.digits(), without.code.digits());
    let (kept, kept_without) = (with.keep(&cx, &to), without.keep(&cx, &to));
    assert!(kept.link.is_some() && kept_without.link.is_none() && without.token(&cx, &to).is_none());
    assert_eq!(kept.mac, kept_without.mac);
    let json = serde_json::to_string(&kept_without).expect("encodes");
    assert!(!json.contains("link"), "nodes of an earlier version are not told of a link that is not there: {json}");
}

#[test]
fn a_link_is_good_for_its_login_and_its_user_alone_and_no_longer_than_its_code() {
    let (house, to) = (House::new(), to(login(7)));
    let cx = house.at(NOW);
    let drawn = draw(&cx.attempt.seed, true);
    let (kept, token) = (drawn.keep(&cx, &to), drawn.token(&cx, &to).expect("a token"));
    let hash = house.hash_in(&token);
    assert!(is_link(&cx, to.user, to.binding, &kept, &hash));
    assert!(!is_link(&cx, to.user, login(8), &kept, &hash));
    assert!(!is_link(&cx, to.user, Binding::Enrolment(SessionId::from_bytes([7; 16])), &kept, &hash));
    assert!(!is_link(&cx, UserId::from_random([9; 16]), to.binding, &kept, &hash));
    assert!(!is_link(&cx, to.user, to.binding, &kept, &sha256_b64(b"another")));
    let last = NOW.after(limits::SENT_CODE_LIFETIME);
    assert!(is_link(&house.at(last.before(Duration::from_millis(1))), to.user, to.binding, &kept, &hash));
    assert!(!is_link(&house.at(last), to.user, to.binding, &kept, &hash));
    assert!(!is_right(&house.at(last), to.user, to.binding, &kept, &drawn.code));
}

#[test]
fn neither_code_nor_link_can_stand_in_the_place_of_the_other() {
    let (house, to) = (House::new(), to(login(7)));
    let cx = house.at(NOW);
    let drawn = draw(&cx.attempt.seed, true);
    let kept = drawn.keep(&cx, &to);
    let hash = house.hash_in(&drawn.token(&cx, &to).expect("a token"));
    let swapped = SentCode { mac: kept.link.clone().expect("a link"), link: Some(kept.mac.clone()), ..kept };
    assert!(!is_right(&cx, to.user, to.binding, &swapped, &drawn.code));
    assert!(!is_link(&cx, to.user, to.binding, &swapped, &hash));
    let digits = String::from(drawn.code);
    assert!(!is_link(&cx, to.user, to.binding, &swapped, &digits), "six digits are no secret of a link");
}

#[test]
fn a_token_carries_the_code_for_the_page_and_shows_neither_it_nor_the_secret() {
    let (house, to) = (House::new(), to(login(7)));
    let cx = house.at(NOW);
    let drawn = draw(&cx.attempt.seed, true);
    let token = drawn.token(&cx, &to).expect("a token");
    let locators = Locators { vault: &house.vault, entropy: &house.entropy };
    let opened = locators.open_login_link(token.0.expose()).expect("opens");
    assert_eq!((opened.user, Binding::Login(opened.login)), (to.user, to.binding));
    assert_eq!(opened.code.digits(), drawn.code.digits());
    assert!(locators.open_address_link(token.0.expose()).is_err());
    assert_eq!(format!("{token:?} {drawn:?}").matches("[redacted]").count(), 3);
}
