//! Sealing, opening and authenticating, with the ring as it changes.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::entropy::SeededEntropy;

fn id(text: &str) -> KeyId {
    text.parse().expect("an id")
}

/// Keys `k1` and `k2`, or as many of them as `count` says.
fn ring(count: u8) -> MasterKeys {
    let entry = |n: u8| format!("k{n}:{}\n", data_encoding::BASE64.encode(&[n; 32]));
    MasterKeys::parse(&(1..=count).map(entry).collect::<String>()).expect("a ring")
}

fn vault() -> Vault {
    // Derived once: without optimisation it takes longer than the tests do.
    static VAULT: LazyLock<Vault> = LazyLock::new(|| Vault::new(&ring(2), id("k1"), "inc-1").expect("a vault"));
    VAULT.clone()
}

fn sealed(vault: &Vault, purpose: Purpose) -> String {
    vault.seal(purpose, &["user-1", "factor-1"], b"seed", &SeededEntropy::new(1))
}

#[test]
fn what_is_sealed_opens_for_the_same_purpose_and_place_alone() {
    let vault = vault();
    let value = sealed(&vault, Purpose::TotpSeed);
    assert!(value.starts_with("v1.k1."), "{value}");
    assert_eq!(*vault.open(Purpose::TotpSeed, &["user-1", "factor-1"], &value).expect("opens"), b"seed");
    for place in [&["user-2", "factor-1"][..], &["user-1"], &["user-1factor-1"], &["user-1", "factor-1", ""]] {
        assert_eq!(vault.open(Purpose::TotpSeed, place, &value), Err(OpenError::Forged), "{place:?}");
    }
    assert_eq!(vault.open(Purpose::SigningKey, &["user-1", "factor-1"], &value), Err(OpenError::Forged));
}

#[test]
fn sealing_twice_gives_two_texts() {
    let (vault, entropy) = (vault(), SeededEntropy::new(1));
    let seal = || vault.seal(Purpose::TotpSeed, &[], b"seed", &entropy);
    assert_ne!(seal(), seal());
}

#[test]
fn an_unknown_key_is_told_from_a_forgery() {
    let old = Vault::new(&ring(2), id("k2"), "inc-1").expect("a vault");
    let value = sealed(&old, Purpose::SessionCookie);
    let tag = old.mac_tagged(Purpose::Csrf, &[b"browser"]);
    let lost = Vault::new(&ring(1), id("k1"), "inc-1").expect("a vault");
    assert_eq!(lost.open(Purpose::SessionCookie, &[], &value), Err(OpenError::UnknownKey(id("k2"))));
    assert_eq!(lost.verify_mac_tagged(Purpose::Csrf, &[b"browser"], &tag), Err(OpenError::UnknownKey(id("k2"))));
    assert_eq!(Vault::key_of(&value), Some(id("k2")));
}

#[test]
fn rotation_keeps_old_values_readable_and_seals_with_the_new_key() {
    let after = Vault::new(&ring(2), id("k1"), "inc-1").expect("a vault");
    let clone = after.clone();
    let old = sealed(&after, Purpose::TotpSeed);
    let old_tag = after.mac_tagged(Purpose::Csrf, &[b"browser"]);
    clone.activate(&id("k2")).expect("in the ring");
    assert_eq!((after.active(), after.peppers(Purpose::PasswordPepper).active()), (&id("k2"), Some(&id("k2"))));
    assert!(after.open(Purpose::TotpSeed, &["user-1", "factor-1"], &old).is_ok());
    assert_eq!(after.verify_mac_tagged(Purpose::Csrf, &[b"browser"], &old_tag), Ok(()));
    assert!(sealed(&after, Purpose::TotpSeed).starts_with("v1.k2."));
    assert_eq!(after.activate(&id("k9")), Err(KeyRingError::ActiveMissing(id("k9"))));
    assert_eq!(after.active(), &id("k2"));
}

#[test]
fn a_new_incarnation_ends_what_left_the_server_and_nothing_else() {
    let (before, after) = (vault(), Vault::new(&ring(2), id("k1"), "inc-2").expect("a vault"));
    for purpose in Purpose::ALL {
        let opens = after.open(purpose, &["user-1", "factor-1"], &sealed(&before, purpose)).is_ok();
        let agrees = after.mac(purpose, &[b"x"]) == before.mac(purpose, &[b"x"]);
        assert_eq!((opens, agrees), (!purpose.leaves_the_server(), !purpose.leaves_the_server()), "{purpose:?}");
    }
}

#[test]
fn what_is_not_a_sealed_value_is_malformed() {
    let vault = vault();
    let good = sealed(&vault, Purpose::TotpSeed);
    let odd = good.replacen("v1", "v2", 1);
    for bad in
        ["", "v1", "v1.k1", "v1.k1.AAAA.AAAA", "v1.k/1.AAAA.AAAA", &odd, &format!("{good}."), &format!("{good}=")]
    {
        assert_eq!(vault.open(Purpose::TotpSeed, &[], bad), Err(OpenError::Malformed), "{bad}");
    }
}

#[test]
fn a_mac_depends_on_purpose_key_and_the_cut_of_its_parts() {
    let vault = vault();
    let mac = vault.mac(Purpose::Ident, &[b"ab", b"c"]);
    assert_eq!(mac, vault.mac(Purpose::Ident, &[b"ab", b"c"]));
    assert_ne!(mac, vault.mac(Purpose::Ident, &[b"a", b"bc"]));
    assert_ne!(mac, vault.mac(Purpose::Outbox, &[b"ab", b"c"]));
    let under_k2 = Vault::new(&ring(2), id("k2"), "inc-1").expect("a vault");
    assert_ne!(mac, under_k2.mac(Purpose::Ident, &[b"ab", b"c"]));
    let tag = vault.mac_tagged(Purpose::Ident, &[b"ab", b"c"]);
    assert_eq!(vault.verify_mac_tagged(Purpose::Ident, &[b"a", b"bc"], &tag), Err(OpenError::Forged));
    assert_eq!(vault.verify_mac_tagged(Purpose::Ident, &[b"ab", b"c"], &tag[..11]), Err(OpenError::Forged));
    assert_eq!(vault.verify_mac_tagged(Purpose::Ident, &[b"ab", b"c"], "no tag"), Err(OpenError::Malformed));
}

#[test]
fn a_canary_opens_under_its_own_key_alone() {
    let (vault, entropy) = (vault(), SeededEntropy::new(1));
    let canary = vault.make_canary(&id("k2"), &entropy).expect("in the ring");
    assert_eq!(vault.check_canary(&id("k2"), &canary), Ok(()));
    assert_eq!(vault.check_canary(&id("k1"), &canary), Err(OpenError::Malformed));
    let impostor = MasterKeys::parse(&format!("k2:{}", data_encoding::BASE64.encode(&[9; 32]))).expect("a ring");
    let impostor = Vault::new(&impostor, id("k2"), "inc-1").expect("a vault");
    assert_eq!(impostor.check_canary(&id("k2"), &canary), Err(OpenError::Forged));
    assert_eq!(vault.make_canary(&id("k9"), &entropy), Err(OpenError::UnknownKey(id("k9"))));
}

#[test]
fn each_master_key_has_a_pepper_of_its_own_per_purpose() {
    let (passwords, codes) = (vault().peppers(Purpose::PasswordPepper), vault().peppers(Purpose::BackupPepper));
    let key = |peppers: &Peppers, name: &str| peppers.of(&id(name)).expect("in the ring").clone();
    assert_eq!(passwords.active(), Some(&id("k1")));
    assert!(!key(&passwords, "k1").ct_eq(&key(&passwords, "k2")));
    assert!(!key(&passwords, "k1").ct_eq(&key(&codes, "k1")));
}

#[test]
fn nothing_of_the_keys_shows() {
    assert_eq!(format!("{:?}", vault()), r#"Vault { keys: [KeyId("k1"), KeyId("k2")], active: KeyId("k1"), .. }"#);
    assert!(!format!("{:?}", ring(1)).contains("1, 1"));
}

proptest! {
    #[test]
    fn every_text_opens_to_what_was_sealed(text in any::<Vec<u8>>(), place in any::<[String; 2]>(), seed in any::<u64>()) {
        let vault = vault();
        let place = [place[0].as_str(), place[1].as_str()];
        let value = vault.seal(Purpose::HiddenField, &place, &text, &SeededEntropy::new(seed));
        prop_assert_eq!(&*vault.open(Purpose::HiddenField, &place, &value).expect("opens"), &text);
    }

    #[test]
    fn no_changed_character_goes_unnoticed(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]") {
        let vault = vault();
        let value = sealed(&vault, Purpose::TotpSeed);
        let at = at.index(value.len());
        let mut changed = value.clone();
        changed.replace_range(at..=at, &to);
        prop_assume!(changed != value);
        prop_assert!(vault.open(Purpose::TotpSeed, &["user-1", "factor-1"], &changed).is_err());
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in any::<String>()) {
        let _ = vault().open(Purpose::Code, &[], &text);
        let _ = vault().verify_mac_tagged(Purpose::Code, &[], &text);
        let _ = MasterKeys::parse(&text);
    }
}
