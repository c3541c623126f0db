//! What is taken and what is refused, each refusal with its place and its remedy.

mod cluster;
mod reference;

use std::{ffi::OsString, fs, time::Duration};

use super::{value::Span, *};

/// A master key ring of one key, 32 times the byte 1.
const RING: &str = "one:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// Loads this file and these variables.
fn load(file: &str, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("doorward.toml");
    fs::write(&path, file).expect("a file");
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let place = format!("{}:", path.display());
    Loaded::load(Some(&path), variables).map_err(|problems| problems.to_string().replace(&place, "FILE:"))
}

fn refusal(file: &str, variables: &[(&str, &str)]) -> String {
    load(file, variables).expect_err("refused")
}

#[track_caller]
fn assert_refused(file: &str, expected: &str) {
    let refusal = refusal(file, &[]);
    assert!(refusal.lines().any(|line| line.trim() == expected), "{refusal}\ndoes not say\n  {expected}");
}

#[test]
fn nothing_configured_gives_the_development_defaults() {
    let config = Loaded::load(None, []).expect("accepted").config;
    assert_eq!(config.issuer.as_str(), "http://localhost:11080");
    assert!(config.issuer.is_development());
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:11080");
    assert_eq!(config.management.listen.to_string(), "127.0.0.1:11081");
    assert_eq!(config.store.url.to_string(), "embedded:./doorward-data");
    assert_eq!(config.token.code.get(), Duration::from_mins(1));
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "[http]\nlisten = \"127.0.0.1:1\"\nmax_in_flight = 7\n";
    let config = load(file, &[("DOORWARD__HTTP__LISTEN", "127.0.0.1:2")]).expect("accepted").config;
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:2");
    assert_eq!(config.http.max_in_flight, 7);
}

#[test]
fn every_key_can_be_set_by_its_environment_variable() {
    let keys = keys::Keys::new();
    let have = |(path, key): &(&str, &keys::Key)| !key.default.is_null() && !path.contains(keys::NAMED);
    for (path, key) in keys.iter().filter(have) {
        let text = match &key.default {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(items) => {
                items.iter().filter_map(serde_json::Value::as_str).collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        let name = keys::environment_name(path);
        let loaded = load("", &[(&name, &text)]).unwrap_or_else(|refusal| panic!("{name}={text}: {refusal}"));
        assert_eq!(loaded.settings.origin(path), report::Origin::Environment { name });
    }
}

#[test]
fn lists_come_from_the_environment_with_commas() {
    let variables = [("DOORWARD__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, ::1")];
    let proxies = load("", &variables).expect("accepted").config.http.trusted_proxies;
    assert_eq!(proxies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "::1/128"]);
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_likely_name() {
    assert_refused(
        "[http]\n\nlisten_ = \"127.0.0.1:1\"",
        "FILE:3: `http.listen_`: unknown key; did you mean `http.listen`?",
    );
    assert_refused(
        "[quorum]\nlisten = \"127.0.0.1:1\"",
        "FILE:1: `quorum`: unknown key; `doorward config schema` lists all",
    );
}

#[test]
fn a_key_given_twice_is_refused_with_its_line() {
    let refusal = refusal("[token]\naccess = \"5m\"\naccess = \"6m\"\n", &[]);
    assert!(refusal.contains("FILE:3: not valid TOML: duplicate key"), "{refusal}");
}

#[test]
fn text_that_is_not_toml_is_refused_with_its_line() {
    let refusal = refusal("issuer = \"https://id.example\"\n[http\n", &[]);
    assert!(refusal.contains("FILE:2: not valid TOML"), "{refusal}");
}

#[test]
fn a_wrong_type_is_refused_with_its_line_and_the_fix() {
    assert_refused(
        "[token]\naccess = 300\n",
        "FILE:2: `token.access`: must be a text in quotes, such as \"5m\", but is integer",
    );
    assert_refused(
        "[oauth]\njson_token_requests = \"yes\"\n",
        "FILE:2: `oauth.json_token_requests`: must be true or false, such as true, but is string",
    );
    assert_refused("http = 3", "FILE:1: `http`: is a section: write [http] and its keys below");
}

#[test]
fn a_number_out_of_bounds_is_refused() {
    assert_refused("password.argon2.p = 17", "FILE:1: `password.argon2.p`: must be at most 16 (and at least 1)");
    let refusal = refusal("", &[("DOORWARD__HTTP__MAX_IN_FLIGHT", "0")]);
    assert!(refusal.contains("DOORWARD__HTTP__MAX_IN_FLIGHT: `http.max_in_flight`: must be at least 1"), "{refusal}");
}

#[test]
fn all_problems_are_told_at_once() {
    let file =
        "issuer = \"http://id.example\"\n[http]\nlisten = \"here\"\nlisen = 1\n[store]\nurl = \"scylla://a/b\"\n";
    let refusal = refusal(file, &[("DOORWARD__TOKEN__ACCES", "5m"), ("DOORWARD__LOG__FORMAT", "xml")]);
    for part in [
        "FILE:1: `issuer`: http is allowed only for localhost, 127.0.0.0/8 and [::1]",
        "FILE:3: `http.listen`: \"here\" is not an address with a port",
        "FILE:4: `http.lisen`: unknown key; did you mean `http.listen`?",
        "FILE:6: `store.url`: \"a\" is not a host with a port",
        "DOORWARD__TOKEN__ACCES: no key has this name; did you mean DOORWARD__TOKEN__ACCESS?",
        "DOORWARD__LOG__FORMAT: `log.format`: ",
    ] {
        assert!(refusal.contains(part), "{refusal}\ndoes not say\n  {part}");
    }
}

#[test]
fn an_issuer_is_exact() {
    for good in ["https://id.example", "http://localhost:11080", "http://127.0.0.9", "http://[::1]:8080"] {
        assert!(load(&format!("issuer = \"{good}\""), &[]).is_ok(), "{good}");
    }
    for bad in [
        "https://id.example/",
        "https://id.example?a=b",
        "https://id.example#a",
        "https://id.example:443",
        "https://ID.example",
        "https://me@id.example",
        "https://id.example/tenant",
        "http://localhost.example",
        "http://192.168.1.1",
        "ftp://id.example",
        "id.example",
    ] {
        assert!(refusal(&format!("issuer = \"{bad}\""), &[]).contains("FILE:1: `issuer`: "), "{bad}");
    }
}

#[test]
fn a_secret_comes_from_a_file_without_its_newline() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ring");
    fs::write(&path, format!("{RING}\n")).expect("a file");
    let path = path.to_str().expect("UTF-8");
    for name in ["DOORWARD_MASTER_KEYS_FILE", "DOORWARD__SECRETS__MASTER_KEYS_FILE"] {
        let ring = load("", &[(name, path)]).expect("accepted").config.secrets.ring().expect("readable");
        assert_eq!(ring.expect("a ring").expose(), RING);
    }
}

#[test]
fn a_secret_both_as_text_and_as_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ring");
    fs::write(&path, format!("{RING}\n")).expect("a file");
    let file = format!("[secrets]\nmaster_keys_file = \"{}\"", path.display());
    let refusal = refusal(&file, &[("DOORWARD_MASTER_KEYS", "two:hunter2")]);
    assert!(refusal.contains("DOORWARD_MASTER_KEYS: `secrets.master_keys`: is set both"), "{refusal}");
    assert!(!refusal.contains("hunter2"), "{refusal}");
}

#[test]
fn one_key_under_two_variable_names_is_refused() {
    let refusal = refusal("", &[("DOORWARD_MASTER_KEYS", "a"), ("DOORWARD__SECRETS__MASTER_KEYS", "b")]);
    assert!(refusal.contains("is set by DOORWARD_MASTER_KEYS as well"), "{refusal}");
}

#[test]
fn a_secret_file_that_is_missing_or_empty_is_refused() {
    let refusal = refusal("[secrets]\nmaster_keys_file = \"/nowhere/ring\"", &[]);
    assert!(refusal.contains("FILE:2: `secrets.master_keys_file`: /nowhere/ring cannot be read"), "{refusal}");
}

#[test]
fn a_ring_that_cannot_be_one_is_refused_and_not_repeated() {
    let refusal = refusal("", &[("DOORWARD_MASTER_KEYS", "one:hunter2!")]);
    assert!(refusal.contains("DOORWARD_MASTER_KEYS: `secrets.master_keys`: key `one` is not base64"), "{refusal}");
    assert!(!refusal.contains("hunter2"), "{refusal}");
}

#[test]
fn sections_refuse_what_does_not_fit_together() {
    assert_refused("[http.tls]\ncert = \"a.pem\"", "FILE:2: `http.tls.cert`: has no key; set http.tls.key as well");
    assert!(
        refusal("[http.tls]\nkey = \"/nowhere\"", &[]).contains("FILE:2: `http.tls.key`: names a file that cannot be")
    );
    assert_refused("[session]\nidle = \"25h\"", "FILE:2: `session.idle`: must not be longer than session.absolute");
    assert_refused("[token]\ncode = \"11m\"", "FILE:2: `token.code`: must be at most 10m");
    assert_refused(
        "[management]\nlisten = \"127.0.0.1:11080\"",
        "FILE:2: `management.listen`: is the address of http.listen; the two listeners need their own",
    );
    assert!(refusal("[log]\nlevel = \"loud\"", &[]).contains("FILE:2: `log.level`: is not understood"));
    let by_address = refusal("issuer = \"https://id.example\"\n[registration]\nby = \"email\"", &[]);
    assert!(by_address.contains("FILE:3: `registration.by`: needs messages by e-mail; set mail.smtp.url as well"));
    assert!(load("[registration]\nby = \"either\"", &[]).is_ok(), "a development server shows its messages");
    let mute = refusal("issuer = \"https://id.example\"\n[recovery]\nwaiting_days = 7", &[]);
    assert!(
        mute.contains("FILE:3: `recovery.waiting_days`: needs messages by e-mail; set mail.smtp.url as well"),
        "{mute}"
    );
}

#[test]
fn a_password_beside_a_second_factor_is_never_longer_than_one_that_stands_alone_nor_shorter_than_8() {
    let lengths = |file: &str| {
        let password = load(file, &[]).expect("accepted").config.password;
        (password.min_length_single_factor, password.min_length_second_factor())
    };
    let both = |alone: u8, beside: u8| {
        format!("[password]\nmin_length_single_factor = {alone}\nmin_length_second_factor = {beside}")
    };
    assert_eq!(lengths(""), (15, 8));
    assert_eq!(lengths("[password]\nmin_length_single_factor = 6"), (6, 6), "as before there was the other key");
    assert_eq!(lengths(&both(12, 10)), (12, 10));
    assert_eq!(lengths(&both(20, 20)), (20, 20));
    assert_refused(
        &both(12, 13),
        "FILE:3: `password.min_length_second_factor`: must not be more than password.min_length_single_factor",
    );
    assert_refused(&both(15, 7), "FILE:3: `password.min_length_second_factor`: must be at least 8 (and at most 64)");
}

#[test]
fn languages_are_tags_each_once_and_the_default_is_one_of_them() {
    for (lines, expected) in [
        (
            "offered = [\"en\", \"no tag\"]",
            "FILE:2: `locale.offered`: \"no tag\" is no language tag, such as en or zh-Hans",
        ),
        ("offered = [\"en\", \"DE-at\"]", "FILE:2: `locale.offered`: write \"DE-at\" as \"de-AT\""),
        ("offered = [\"en\", \"zh-CN\"]", "FILE:2: `locale.offered`: write \"zh-CN\" as \"zh-Hans-CN\""),
        ("offered = [\"en\", \"de\", \"en\"]", "FILE:2: `locale.offered`: has \"en\" twice"),
        ("default = \"fr\"", "FILE:2: `locale.default`: is none of locale.offered"),
        ("offered = []", "`locale.default`: is none of locale.offered"),
    ] {
        assert_refused(&format!("[locale]\n{lines}\n"), expected);
    }
    assert_refused(
        "[templates]\nfolder = \"/nowhere/at/all\"\n",
        "FILE:2: `templates.folder`: is not a folder that can be read",
    );
    let loaded = load("[locale]\ndefault = \"de\"\noffered = [\"de\", \"en\"]\n", &[]).expect("good");
    assert_eq!(loaded.config.locale.offer().tags, ["de", "en"]);
}

#[test]
fn spans_of_time_read_back_as_they_are_written() {
    for text in ["500ms", "60s", "5m", "1h", "24h", "30d", "90s", "2m30s", "1h30m", "0s"] {
        assert_eq!(text.parse::<Span>().expect("a span").to_string(), text);
    }
    assert_eq!("1h30m".parse::<Span>().map(Span::get), Ok(Duration::from_mins(90)));
    for bad in ["", "5", "m", "5 m", "-5m", "1.5h", "5x", "99999999999999999999d"] {
        assert!(bad.parse::<Span>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_dump_masks_secrets_and_names_origins() {
    let loaded = load("[token]\naccess = \"10m\"", &[("DOORWARD_MASTER_KEYS", RING)]).expect("accepted");
    let keys = keys::Keys::new();
    let lines = dump::lines(&keys, &loaded.settings);
    let text = format!("{}{}{loaded:?}", dump::toml(&lines), dump::json(&lines));
    assert!(!text.contains("AQEB"), "{text}");
    assert!(text.contains("master_keys = \"********\" # DOORWARD_MASTER_KEYS"), "{text}");
    assert!(text.contains("doorward.toml:2"), "{text}");
    assert!(text.contains("id = \"5m\" # default"), "{text}");
}

#[test]
fn a_dump_is_a_configuration_that_is_accepted() {
    let keys = keys::Keys::new();
    let defaults = Loaded::load(None, []).expect("accepted");
    load(&dump::toml(&dump::lines(&keys, &defaults.settings)), &[]).expect("accepted");
}

#[test]
fn there_are_as_many_relays_and_providers_as_have_a_section() {
    let file = "[mail]\nfrom = \"a@b.example\"\n[mail.smtp]\nurl = \"smtps://one\"\n[mail.fallback]\nurl = \"smtps://two\"\n\
                [mail.relays.west]\nurl = \"smtps://four\"\nusername = \"me\"\npassword = \"hunter2\"\n";
    let variables = [
        ("DOORWARD__MAIL__RELAYS__EAST__URL", "smtps://three"),
        ("DOORWARD__SMS__COUNTRIES", "DE"),
        ("DOORWARD__SMS__PROVIDER__KIND", "sns"),
        ("DOORWARD__SMS__PROVIDER__USERNAME", "me"),
        ("DOORWARD__SMS__PROVIDER__PASSWORD", "hunter2"),
        ("DOORWARD__SMS__PROVIDER__REGION", "eu-central-1"),
        ("DOORWARD__SMS__PROVIDERS__X2__KIND", "http"),
        ("DOORWARD__SMS__PROVIDERS__X2__URL", "https://sms.example"),
        ("DOORWARD__SMS__PROVIDERS__X2__BODY", "{{ text }}"),
        ("DOORWARD__SMS__PROVIDERS__X2__HEADERS", "A: b, C: d"),
    ];
    let loaded = load(file, &variables).expect("accepted");
    let hosts: Vec<_> =
        loaded.config.mail.sections().map(|(_, relay)| relay.url.clone().expect("a URL").host).collect();
    assert_eq!(hosts, ["one", "two", "three", "four"]);
    let more: Vec<_> = loaded.config.sms.sections().map(|(section, one)| (section, one.headers.len())).collect();
    assert_eq!(more[2], ("sms.providers.x2".to_owned(), 2));
    let dumped = dump::toml(&dump::lines(&keys::Keys::new(), &loaded.settings));
    assert!(!dumped.contains("hunter2") && !dumped.contains(".NAME"), "{dumped}");
    assert!(dumped.contains("[mail.relays.east]\n") && dumped.contains("[mail.relays.west]\n"), "{dumped}");
    let dumped = dumped.replace("********", "hunter2");
    let again = load(&dumped, &[]).expect("a dump is a configuration").config.mail;
    assert_eq!(again.relays.keys().collect::<Vec<_>>(), ["east", "west"]);

    let first = "[mail]\nfrom = \"a@b.example\"\n[mail.smtp]\nurl = \"smtps://one\"\n";
    assert_refused(
        &format!("{first}[mail.relays.west]\nusername = \"me\"\npassword = \"x\"\n"),
        "`mail.relays.west.url`: is unset; without one nothing is sent to this relay",
    );
    assert_refused(
        "[mail]\nfrom = \"a@b.example\"\n[mail.relays.west]\nurl = \"smtps://one\"\n",
        "FILE:4: `mail.relays.west.url`: comes after mail.smtp.url, which is unset",
    );
    for name in ["West", "\"a.b\"", "a_b", "NAME", "2nd"] {
        let refusal = refusal(&format!("{first}[mail.relays.{name}]\nurl = \"smtps://two\"\n"), &[]);
        assert!(refusal.contains("FILE:5: `mail.relays."), "{refusal}");
    }
    let unknown = refusal(first, &[("DOORWARD__MAIL__RELAYS__NAME__COLOUR", "red")]);
    assert!(unknown.contains("no key has this name"), "{unknown}");
}

#[test]
fn a_country_has_one_price() {
    assert_refused("[sms]\nprices = [\"CH:0.05\", \"JM:0.45\", \"CH:0.06\"]\n", "FILE:2: `sms.prices`: names CH twice");
}

#[test]
fn who_vouches_for_passkeys_is_named_where_somebody_is_asked_and_only_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (maker, roots) = (actors::testing::SoftMaker::new("Maker"), folder.path().join("roots.pem"));
    fs::write(&roots, maker.root()).expect("a file");
    let keys = |attestation: &str, more: &str| format!("[passkeys]\nattestation = \"{attestation}\"\n{more}");
    let named = format!("attestation_roots = \"{}\"\n", roots.display());
    let kind = "attestation_aaguids = [\"2FC0579F-8113-47EA-B116-BB5A8DB9202A\"]\n";
    for attestation in ["direct", "require"] {
        let config = load(&keys(attestation, &format!("{named}{kind}")), &[]).expect("accepted").config;
        let demand = config.passkeys.demand().expect("reads");
        assert!(format!("{demand:?}").contains(&maker.fingerprint()), "{demand:?}");
        assert!(format!("{demand:?}").contains("2fc0579f-8113-47ea-b116-bb5a8db9202a"), "{demand:?}");
        assert_refused(
            &keys(attestation, ""),
            "`passkeys.attestation_roots`: is unset; passkeys.attestation needs a PEM file with the authorities that are trusted",
        );
    }
    assert!(load("", &[]).expect("accepted").config.passkeys.demand().expect("reads").anchors().is_none());
    assert_refused(
        &keys("none", &named),
        "FILE:2: `passkeys.attestation`: is none, so nobody is asked and passkeys.attestation_roots has no effect; write direct or \
         require, or unset that",
    );
    let wrong = refusal(&keys("direct", "attestation_aaguids = [\"00000000-0000-0000-0000-000000000000\"]"), &[]);
    assert!(wrong.contains("names no kind of authenticator"), "{wrong}");
    fs::write(&roots, "no certificate").expect("a file");
    let empty = refusal(&keys("direct", &named), &[]);
    assert!(
        empty.contains("FILE:3: `passkeys.attestation_roots`: ") && empty.contains("has no certificate"),
        "{empty}"
    );
    fs::remove_file(&roots).expect("it was there");
    let gone = refusal(&keys("direct", &named), &[]);
    assert!(gone.contains("cannot be read"), "{gone}");
}
