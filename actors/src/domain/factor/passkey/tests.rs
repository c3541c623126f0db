use serde_json::Value;

use super::*;
use crate::testing::{SoftKey, Traits};

const ISSUER: &str = "https://id.example.org";
const USER: UserId = UserId::from_bytes([7; 16]);
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn rp() -> RelyingParty {
    RelyingParty::of(ISSUER).expect("a name")
}

fn challenge(byte: u8) -> Challenge {
    Challenge::new([byte; 32])
}

fn making<'a>(known: &'a [&'a PublicKey]) -> Making<'a> {
    let attestation = &AttestationDemand::None;
    Making { user: USER, user_name: "ada", known, allow_synced: true, attestation }
}

fn options_of<T: Serialize>(options: &T) -> Value {
    serde_json::to_value(options).expect("JSON")["publicKey"].clone()
}

fn read<T: DeserializeOwned>(answer: Value) -> T {
    serde_json::from_value(answer).expect("an answer")
}

fn made(traits: Traits) -> (SoftKey, PublicKey) {
    let options = rp().creation("Doorward", &making(&[]), &challenge(1)).expect("options");
    let (key, answer) = SoftKey::make(&options_of(&options), ISSUER, traits);
    let public = rp().register(&making(&[]), &challenge(1), &read(answer), NOW).expect("a good key");
    (key, public)
}

fn asked(key: &PublicKey) -> Value {
    options_of(&rp().request(&challenge(2), Verification::Preferred, &[key]))
}

/// The verdict on what the key signs for challenge 2.
fn signs(key: &mut SoftKey, public: &PublicKey, verification: Verification) -> Verdict {
    let answer = key.sign(&asked(public));
    rp().check(public, &challenge(2), verification, &read(answer))
}

#[test]
fn a_browser_is_asked_for_a_discoverable_key_that_says_nothing_of_its_user() {
    let (_, known) = made(Traits::WITH_PIN);
    let options = rp().creation("Doorward", &making(&[&known]), &challenge(1)).expect("options");
    let options = options_of(&options);
    assert_eq!(options["rp"], serde_json::json!({ "id": "id.example.org", "name": "Doorward" }));
    assert_eq!(options["challenge"], challenge(1).text());
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["user"]["id"], BASE64URL_NOPAD.encode(USER.as_bytes()));
    let selection = &options["authenticatorSelection"];
    assert_eq!((&selection["residentKey"], &selection["requireResidentKey"]), (&"preferred".into(), &false.into()));
    assert_eq!(selection["userVerification"], "preferred");
    assert_eq!(options["excludeCredentials"][0]["id"], known.id);
}

#[test]
fn what_is_kept_of_a_key_is_what_it_says_of_itself() {
    let (key, public) = made(Traits::SYNCED);
    assert_eq!(public.id, key.id());
    assert_eq!((public.user_verified, public.backup_eligible, public.backed_up), (true, true, true));
    assert_eq!(public.aaguid.as_deref().and_then(aaguid::name), Some("Google Password Manager"));
    assert_eq!(public.transports, ["internal"]);
    let (_, public) = made(Traits::PLAIN);
    assert_eq!((public.user_verified, public.backup_eligible, public.aaguid), (false, false, None));
}

#[test]
fn a_key_that_may_leave_its_device_is_taken_where_that_is_allowed() {
    let bound = Making { allow_synced: false, ..making(&[]) };
    let options = options_of(&rp().creation("Doorward", &bound, &challenge(1)).expect("options"));
    let (_, answer) = SoftKey::make(&options, ISSUER, Traits::SYNCED);
    assert_eq!(rp().register(&bound, &challenge(1), &read(answer), NOW), Err(NotTaken::Synced));
    let (_, answer) = SoftKey::make(&options, ISSUER, Traits::WITH_PIN);
    assert!(rp().register(&bound, &challenge(1), &read(answer), NOW).is_ok());
}

#[test]
fn an_id_is_as_long_as_ids_may_be() {
    let options = options_of(&rp().creation("Doorward", &making(&[]), &challenge(1)).expect("options"));
    for (id_len, taken) in [(16, true), (1023, true), (1024, false)] {
        let (_, answer) = SoftKey::make(&options, ISSUER, Traits { id_len, ..Traits::SYNCED });
        assert_eq!(rp().register(&making(&[]), &challenge(1), &read(answer), NOW).is_ok(), taken, "{id_len}");
    }
}

#[test]
fn a_key_is_made_for_this_challenge_at_this_origin_and_once() {
    let options = options_of(&rp().creation("Doorward", &making(&[]), &challenge(1)).expect("options"));
    let (_, answer) = SoftKey::make(&options, ISSUER, Traits::WITH_PIN);
    let other = rp().register(&making(&[]), &challenge(3), &read(answer.clone()), NOW);
    assert_eq!(other, Err(NotTaken::Wrong("another_challenge")));
    let known = rp().register(&making(&[]), &challenge(1), &read(answer.clone()), NOW).expect("good");
    assert!(rp().register(&making(&[&known]), &challenge(1), &read(answer), NOW).is_err(), "it is known");
    for origin in
        ["https://badid.example.org", "https://x.id.example.org", "https://id.example.org:444", "http://id.example.org"]
    {
        let (_, answer) = SoftKey::make(&options, origin, Traits::WITH_PIN);
        let refused = rp().register(&making(&[]), &challenge(1), &read(answer), NOW);
        assert_eq!(refused, Err(NotTaken::Wrong("another_origin")), "{origin}");
    }
}

#[test]
fn a_signature_counts_for_its_challenge_origin_party_and_key() {
    let (mut key, public) = made(Traits::WITH_PIN);
    let right = Verdict::Right { user_verified: true, counter: 0, backed_up: false };
    assert_eq!(signs(&mut key, &public, Verification::Required), right);

    let answer: PublicKeyCredential = read(key.sign(&asked(&public)));
    let late = rp().check(&public, &challenge(3), Verification::Preferred, &answer);
    assert_eq!(late, Verdict::Wrong("another_challenge"));
    let elsewhere = RelyingParty::of("https://other.example.org").expect("a name");
    let strange = elsewhere.check(&public, &challenge(2), Verification::Preferred, &answer);
    assert_eq!(strange, Verdict::Wrong("another_origin"));

    let mut forged = answer.clone();
    forged.response.signature[9] ^= 1;
    assert!(matches!(rp().check(&public, &challenge(2), Verification::Preferred, &forged), Verdict::Wrong(_)));
    let (_, another) = made(Traits::WITH_PIN);
    let same_id = PublicKey { id: public.id.clone(), ..another };
    let verdict = rp().check(&same_id, &challenge(2), Verification::Preferred, &answer);
    assert_eq!(verdict, Verdict::Wrong("signature"));

    key.origin = "https://badid.example.org".to_owned();
    assert_eq!(signs(&mut key, &public, Verification::Preferred), Verdict::Wrong("another_origin"));
}

#[test]
fn a_user_is_verified_where_that_is_demanded_or_was_shown_to_be_possible() {
    let (mut plain, public) = made(Traits::PLAIN);
    let right = Verdict::Right { user_verified: false, counter: 0, backed_up: false };
    assert_eq!(signs(&mut plain, &public, Verification::Preferred), right);
    assert_eq!(signs(&mut plain, &public, Verification::Required), Verdict::Wrong("user_not_verified"));
    // A key that got its PIN later says so.
    plain.traits.user_verified = true;
    let verified = Verdict::Right { user_verified: true, counter: 0, backed_up: false };
    assert_eq!(signs(&mut plain, &public, Verification::Required), verified);

    let (mut with_pin, public) = made(Traits::WITH_PIN);
    with_pin.traits.user_verified = false;
    assert_eq!(signs(&mut with_pin, &public, Verification::Preferred), Verdict::Wrong("user_not_verified"));
}

#[test]
fn a_counter_that_does_not_rise_is_seen_and_one_that_stays_0_is_none() {
    let (mut key, public) = made(Traits::WITH_PIN);
    key.counter = 5;
    let counted = |at| PublicKey { counter: at, ..public.clone() };
    assert!(matches!(signs(&mut key, &counted(4), Verification::Preferred), Verdict::Right { counter: 5, .. }));
    for at in [6, 7, u32::MAX] {
        key.counter = 6;
        assert_eq!(signs(&mut key, &counted(at), Verification::Preferred), Verdict::Counted, "{at}");
    }
    key.counter = 0;
    assert_eq!(signs(&mut key, &counted(1), Verification::Preferred), Verdict::Counted, "it counted before");
    assert!(matches!(signs(&mut key, &counted(0), Verification::Preferred), Verdict::Right { counter: 0, .. }));
}

#[test]
fn a_key_never_becomes_one_that_may_leave_its_device() {
    let (mut key, public) = made(Traits::WITH_PIN);
    key.traits.backup_eligible = true;
    assert_eq!(signs(&mut key, &public, Verification::Preferred), Verdict::Wrong("backup_flags"));
}

#[test]
fn an_issuer_at_an_address_has_no_passkeys() {
    assert!(RelyingParty::of("http://127.0.0.1:11080").is_none());
    assert!(RelyingParty::of("http://[::1]:11080").is_none());
    assert_eq!(RelyingParty::of("http://localhost:11080").expect("a name").id(), "localhost");
}

#[test]
fn a_challenge_is_read_as_it_was_written() {
    assert_eq!(Challenge::read(&challenge(9).text()), Some(challenge(9)));
    assert_eq!(Challenge::read("AAAA"), None);
    assert_ne!(challenge(9).hash(), challenge(9).text());
}
