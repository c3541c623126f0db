//! The keys as `docs/config.md` has them.

use std::fs;

use crate::config::{keys, markdown};

/// Keys without a default.
const UNSET: &[&str] = &[
    "cluster.advertise",
    "cluster.listen",
    "cluster.node",
    "cluster.tls.ca",
    "cluster.tls.cert",
    "cluster.tls.key",
    "http.tls.cert",
    "http.tls.key",
    "mail.fallback.ca",
    "mail.fallback.password",
    "mail.fallback.password_file",
    "mail.fallback.url",
    "mail.fallback.username",
    "mail.from",
    "mail.relays.NAME.ca",
    "mail.relays.NAME.password",
    "mail.relays.NAME.password_file",
    "mail.relays.NAME.url",
    "mail.relays.NAME.username",
    "mail.smtp.ca",
    "mail.smtp.password",
    "mail.smtp.password_file",
    "mail.smtp.url",
    "mail.smtp.username",
    "passkeys.attestation_roots",
    "password.min_length_second_factor",
    "password.threads",
    "secrets.master_keys",
    "secrets.master_keys_file",
    "sms.default_country",
    "sms.fallback.body",
    "sms.fallback.ca",
    "sms.fallback.from",
    "sms.fallback.kind",
    "sms.fallback.password",
    "sms.fallback.password_file",
    "sms.fallback.region",
    "sms.fallback.url",
    "sms.fallback.username",
    "sms.provider.body",
    "sms.provider.ca",
    "sms.provider.from",
    "sms.provider.kind",
    "sms.provider.password",
    "sms.provider.password_file",
    "sms.provider.region",
    "sms.provider.url",
    "sms.provider.username",
    "sms.providers.NAME.body",
    "sms.providers.NAME.ca",
    "sms.providers.NAME.from",
    "sms.providers.NAME.kind",
    "sms.providers.NAME.password",
    "sms.providers.NAME.password_file",
    "sms.providers.NAME.region",
    "sms.providers.NAME.url",
    "sms.providers.NAME.username",
    "store.local_dc",
    "store.password",
    "store.password_file",
    "store.tls.ca",
    "store.tls.cert",
    "store.tls.key",
    "store.username",
    "templates.folder",
];

#[test]
fn every_key_is_documented_and_has_a_default_unless_it_may_be_unset() {
    let secret = [
        "mail.fallback.password",
        "mail.relays.NAME.password",
        "mail.smtp.password",
        "secrets.master_keys",
        "sms.fallback.password",
        "sms.provider.password",
        "sms.providers.NAME.password",
        "store.password",
    ];
    for (path, key) in keys::Keys::new().iter() {
        assert!(key.description.ends_with(['.', '?']), "{path} is not documented");
        assert_eq!(key.default.is_null(), UNSET.contains(&path), "default of {path}");
        assert_eq!(key.secret, secret.contains(&path), "{path}");
    }
}

#[test]
fn the_checked_in_reference_is_the_generated_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/config.md");
    let checked_in = fs::read_to_string(path).unwrap_or_default();
    let generated = markdown::reference(&keys::Keys::new());
    assert!(checked_in == generated, "run `doorward config schema --output markdown > docs/config.md`");
}
