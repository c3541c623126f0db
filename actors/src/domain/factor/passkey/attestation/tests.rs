use schema::UserId;
use serde_json::Value as Json;

use super::*;
use crate::{
    domain::factor::passkey::{Challenge, Making, NotTaken, RelyingParty},
    testing::{self, Batch, SoftKey, SoftMaker, Statement, Traits, unattested},
};

const ISSUER: &str = "https://id.example.org";
/// In September 2026.
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const KIND: [u8; 16] = *b"\x2f\xc0\x57\x9f\x81\x13\x47\xea\xb1\x16\xbb\x5a\x8d\xb9\x20\x2a";
const KIND_TEXT: &str = "2fc0579f-8113-47ea-b116-bb5a8db9202a";
const OTHER_KIND: &str = "ee882879-721c-4913-9775-3dfcce97072a";
/// A security key with a PIN that says what it is.
const KEY: Traits = Traits { aaguid: KIND, ..Traits::WITH_PIN };

/// What is said of who made a key.
type Word<'a> = Box<dyn Fn(&testing::Making<'_>) -> Statement + 'a>;

fn trusting(makers: &[&SoftMaker], kinds: &[&str]) -> TrustAnchors {
    let pem: String = makers.iter().map(|maker| maker.root()).collect();
    TrustAnchors::read(pem.as_bytes(), kinds.iter().map(|kind| (*kind).to_owned())).expect("authorities")
}

/// What comes of an answer with this statement, at this time.
fn made_at(
    demand: &AttestationDemand,
    traits: Traits,
    statement: impl FnOnce(&testing::Making<'_>) -> Statement,
    now: Timestamp,
) -> Result<PublicKey, NotTaken> {
    let rp = RelyingParty::of(ISSUER).expect("a name");
    let user = UserId::from_bytes([7; 16]);
    let making = Making { user, user_name: "ada", known: &[], allow_synced: true, attestation: demand };
    let challenge = Challenge::new([1; 32]);
    let options = rp.creation("Doorward", &making, &challenge).expect("options");
    let options = serde_json::to_value(&options).expect("JSON")["publicKey"].clone();
    assert_eq!(options["attestation"], if demand.anchors().is_some() { "direct" } else { "none" });
    let (_, answer) = SoftKey::make_attested(&options, ISSUER, traits, statement);
    rp.register(&making, &challenge, &serde_json::from_value(answer).expect("an answer"), now)
}

fn made(
    demand: &AttestationDemand,
    traits: Traits,
    statement: impl FnOnce(&testing::Making<'_>) -> Statement,
) -> Result<PublicKey, NotTaken> {
    made_at(demand, traits, statement, NOW)
}

#[test]
fn a_chain_that_ends_in_an_anchor_vouches_for_the_key_and_names_the_anchor() {
    let (maker, bystander) = (SoftMaker::new("Maker"), SoftMaker::new("Bystander"));
    let demand = AttestationDemand::Require(trusting(&[&bystander, &maker], &[]));
    let root = maker.fingerprint();
    for batch in [maker.batch(Some(KIND), 2030), maker.batch(None, 2030), maker.batch_by_subsidiary(Some(KIND), 2030)] {
        let key = made(&demand, KEY, |making| batch.packed(making)).expect("it is vouched for");
        let expected = Attestation { root: root.clone(), format: "packed".to_owned() };
        assert_eq!((key.attestation.as_ref(), key.aaguid.as_deref()), (Some(&expected), Some(KIND_TEXT)));
        assert!(demand.vouches(&key) && demand.is_hardware(&key));
    }
    let plain = Traits { user_verified: false, aaguid: [0; 16], ..KEY };
    let key = made(&demand, plain, |making| maker.batch(None, 2030).u2f(making)).expect("it is vouched for");
    assert_eq!(key.attestation.as_ref().map(|by| by.format.as_str()), Some("fido-u2f"));
    assert!(demand.is_hardware(&key));
}

#[test]
fn makers_of_one_name_are_told_apart() {
    let (one, other) = (SoftMaker::new("Keys & Co"), SoftMaker::new("Keys & Co"));
    let demand = AttestationDemand::Require(trusting(&[&one, &other], &[]));
    for maker in [&one, &other] {
        let key = made(&demand, KEY, |making| maker.batch(Some(KIND), 2030).packed(making)).expect("one of two");
        assert_eq!(key.attestation.expect("vouched for").root, maker.fingerprint());
    }
}

/// Nobody who is trusted vouches for these: taken without a word where that is allowed, refused where it is not.
#[test]
fn what_nobody_vouches_for_is_never_attested() {
    let (maker, stranger) = (SoftMaker::new("Maker"), SoftMaker::new("Stranger"));
    // Whoever takes the name of a maker has not the maker's key.
    let impostor = SoftMaker::new("Maker");
    let anchors = trusting(&[&maker], &[]);
    let by = |batch: Batch| move |making: &testing::Making<'_>| batch.packed(making);
    let unknown = |making: &testing::Making<'_>| ("compound", maker.batch(Some(KIND), 2030).packed(making).1);
    let statements: [(&str, Word<'_>); 8] = [
        ("none", Box::new(unattested)),
        ("itself", Box::new(SoftKey::itself)),
        ("another maker", Box::new(by(stranger.batch(Some(KIND), 2030)))),
        ("another maker, whose root stands in the chain", Box::new(by(stranger.batch_by_subsidiary(Some(KIND), 2030)))),
        ("an impostor", Box::new(by(impostor.batch(Some(KIND), 2030)))),
        ("an impostor, with a chain", Box::new(by(impostor.batch_by_subsidiary(Some(KIND), 2030)))),
        ("a certificate that has ended", Box::new(by(maker.batch(Some(KIND), 2025)))),
        ("a format that nobody knows", Box::new(unknown)),
    ];
    for (what, statement) in statements {
        let direct = AttestationDemand::Direct(anchors.clone());
        let key = made(&direct, KEY, |making| statement(making)).expect("it is taken");
        assert_eq!(key.attestation, None, "{what}");
        assert!(!direct.vouches(&key) && !direct.is_hardware(&key), "{what}");
        let required = AttestationDemand::Require(anchors.clone());
        assert_eq!(made(&required, KEY, |making| statement(making)), Err(NotTaken::Unattested), "{what}");
    }
}

#[test]
fn a_certificate_counts_in_its_time() {
    let maker = SoftMaker::new("Maker");
    let demand = AttestationDemand::Require(trusting(&[&maker], &[]));
    let batch = maker.batch(Some(KIND), 2026);
    let at = |year_day: i64| Timestamp::from_millis((20_454 + year_day) * 86_400_000);
    let taken = |now| made_at(&demand, KEY, |making| batch.packed(making), now).is_ok();
    // 2026 begins 20,454 days after the epoch; the certificate ends at its last midnight.
    assert!(taken(at(0)) && taken(at(363)));
    assert!(!taken(at(365)), "it has ended");
    assert!(!taken(Timestamp::from_millis(0)), "it has not begun");
}

/// Who says something false is refused, whatever is demanded.
#[test]
fn a_false_statement_is_refused() {
    let (maker, stranger) = (SoftMaker::new("Maker"), SoftMaker::new("Stranger"));
    let (batch, other) = (maker.batch(Some(KIND), 2030), stranger.batch(Some(KIND), 2030));
    let forged = |making: &testing::Making<'_>| {
        let (Value::Map(mut right), Value::Map(wrong)) = (batch.packed(making).1, other.packed(making).1) else {
            panic!("maps")
        };
        let name = Value::Text("sig".to_owned());
        right.insert(name.clone(), wrong[&name].clone());
        ("packed", Value::Map(right))
    };
    let of_another_answer =
        |making: &testing::Making<'_>| batch.packed(&testing::Making { client_data_hash: [9; 32], ..*making });
    let wrong = Err(NotTaken::Wrong("attestation"));
    for demand in [
        AttestationDemand::None,
        AttestationDemand::Direct(trusting(&[&maker], &[])),
        AttestationDemand::Require(trusting(&[&maker], &[])),
    ] {
        assert_eq!(made(&demand, KEY, forged), wrong, "another key signed");
        assert_eq!(made(&demand, KEY, of_another_answer), wrong, "it is about another answer");
        let posing = Traits { aaguid: [3; 16], ..KEY };
        assert_eq!(made(&demand, posing, |making| batch.packed(making)), wrong, "the certificate is of another kind");
    }
}

#[test]
fn a_key_that_may_leave_its_authenticator_is_in_no_hardware_whoever_vouches() {
    let maker = SoftMaker::new("Maker");
    let demand = AttestationDemand::Require(trusting(&[&maker], &[]));
    let synced = Traits { aaguid: KIND, ..Traits::SYNCED };
    let key = made(&demand, synced, |making| maker.batch(Some(KIND), 2030).packed(making)).expect("it is vouched for");
    assert!(demand.vouches(&key) && !demand.is_hardware(&key));
}

#[test]
fn only_kinds_that_are_named_are_vouched_for_if_some_are() {
    let maker = SoftMaker::new("Maker");
    let batch = maker.batch(None, 2030);
    let required = |kinds: &[&str]| AttestationDemand::Require(trusting(&[&maker], kinds));
    assert!(made(&required(&[OTHER_KIND, KIND_TEXT]), KEY, |making| batch.packed(making)).is_ok());
    let refused = Err(NotTaken::Unattested);
    assert_eq!(made(&required(&[OTHER_KIND]), KEY, |making| batch.packed(making)), refused);
    assert_eq!(
        made(&required(&[KIND_TEXT]), Traits::WITH_PIN, |making| batch.packed(making)),
        refused,
        "it names none"
    );
    assert_eq!(made(&required(&[KIND_TEXT]), KEY, |making| batch.u2f(making)), refused, "nobody signed its AAGUID");
    assert!(made(&required(&[]), KEY, |making| batch.u2f(making)).is_ok());
}

#[test]
fn who_is_trusted_no_more_vouches_for_nothing_from_then_on() {
    let (maker, successor) = (SoftMaker::new("Maker"), SoftMaker::new("Successor"));
    let before = AttestationDemand::Direct(trusting(&[&maker], &[]));
    let key = made(&before, KEY, |making| maker.batch(Some(KIND), 2030).packed(making)).expect("it is vouched for");
    assert!(before.is_hardware(&key));
    for after in [
        AttestationDemand::None,
        AttestationDemand::Direct(trusting(&[&successor], &[])),
        AttestationDemand::Direct(trusting(&[&maker], &[OTHER_KIND])),
    ] {
        assert!(!after.vouches(&key) && !after.is_hardware(&key), "{after:?}");
    }
    assert!(AttestationDemand::Direct(trusting(&[&successor, &maker], &[KIND_TEXT])).is_hardware(&key));
}

#[test]
fn anchors_are_certificates_of_authorities() {
    let maker = SoftMaker::new("Maker");
    let read = |pem: &str| TrustAnchors::read(pem.as_bytes(), []).map(|anchors| anchors.anchors.len());
    assert_eq!(read(""), Err(AnchorError::Empty));
    assert_eq!(read("no certificate"), Err(AnchorError::Empty));
    assert_eq!(read(&format!("Maker\n{}\n{}", maker.root(), SoftMaker::new("Other").root())), Ok(2));
    let broken = maker.root().replacen("MII", "AAA", 1);
    assert_eq!(read(&format!("{}{broken}", maker.root())), Err(AnchorError::Unreadable(2)));
    let key = maker.root().replace(" CERTIFICATE-", " PRIVATE KEY-");
    assert_eq!(read(&key), Err(AnchorError::Unreadable(1)));
    let leaf = maker.batch(Some(KIND), 2030).pem();
    assert_eq!(read(&format!("{}{leaf}", maker.root())), Err(AnchorError::NoAuthority(2)));
    assert_eq!(read(&maker.root().repeat(MAX + 1)), Err(AnchorError::TooMany));
}

/// A node of an earlier version wrote no such field, and reads what has none.
#[test]
fn a_key_is_stored_as_before_where_nobody_vouches_for_it() {
    let key = made(&AttestationDemand::None, KEY, unattested).expect("it is taken");
    let stored = serde_json::to_value(&key).expect("JSON");
    assert_eq!(stored.get("attestation"), None);
    assert_eq!(serde_json::from_value::<PublicKey>(stored).expect("reads"), key);
    let method = schema::record::Method::Passkey { user_verified: true, backup_eligible: false, attested: false };
    let before: Json = serde_json::json!({ "passkey": { "user_verified": true, "backup_eligible": false } });
    assert_eq!(serde_json::to_value(method).expect("JSON"), before);
    assert_eq!(serde_json::from_value::<schema::record::Method>(before).expect("reads"), method);
}
