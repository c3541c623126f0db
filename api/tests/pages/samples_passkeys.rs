//! The pages of passkeys.

use api::page::{
    FormError, MfaPage, Notice, PasskeyAsk, PasskeyEnrolPage, PasskeyPage, PasskeyRemovePage, PasskeyRenamePage,
    PasskeyRow,
};

use super::{Gallery, Texts, app, mfa_page, when};

pub(super) fn ask(text: &Texts) -> PasskeyAsk {
    PasskeyAsk {
        options: text.of(r#"{"challenge":"AAAA","rpId":"localhost","allowCredentials":[]}"#),
        ceremony: text.of("v1.k1.sealed"),
        unknown: text.hostile.then(|| text.of("")),
    }
}

pub(super) fn passkeys(gallery: &mut Gallery<'_>, text: &Texts) {
    let mfa = |error| mfa_page(text, Vec::new(), 9, error);
    let row = |name: &str, synced: bool, last_used| PasskeyRow {
        id: text.of("fac1"),
        name: text.of(name),
        kind: synced.then(|| text.of("Google Password Manager")),
        synced,
        alone: synced,
        added: when(30 * 86_400),
        last_used,
    };
    let rows = vec![row("Phone", true, Some(when(60))), row("Blue key", false, None)];
    let with_app = mfa_page(text, vec![app(text, "Phone", None)], 9, None);
    gallery.add(&text.name("mfa-passkeys"), &MfaPage { passkeys: rows.clone(), ..mfa(None) });
    let full = MfaPage { passkeys: rows, add_passkey: None, notice: Some(Notice::PasskeyAdded), ..with_app };
    gallery.add(&text.name("mfa-passkeys-and-app"), &full);
    let none = MfaPage { add_passkey: None, signal: None, ..mfa(None) };
    gallery.add(&text.name("mfa-no-passkeys"), &none);
    let refused = text.error("passkey_name", "Give it a name of at most 64 characters.");
    gallery.add(&text.name("mfa-passkey-error"), &mfa(Some(refused)));
    let enrol = |name: &str, error| PasskeyEnrolPage {
        factor: text.of("fac1"),
        name: text.of(name),
        options: text.of(r#"{"challenge":"AAAA","rp":{"id":"localhost"}}"#),
        error,
    };
    gallery.add(&text.name("passkey-enrol"), &enrol("Phone", None));
    let refused = FormError::whole(text.of("This passkey was not accepted. Try again, or with another one."));
    gallery.add(&text.name("passkey-enrol-error"), &enrol("", Some(refused)));
    for last in [true, false] {
        let name = if last { "passkey-remove-last" } else { "passkey-remove" };
        gallery.add(&text.name(name), &PasskeyRemovePage { factor: text.of("fac1"), name: text.of("Phone"), last });
    }
    let rename = |error| PasskeyRenamePage { factor: text.of("fac1"), name: text.of("Phone"), error };
    gallery.add(&text.name("passkey-rename"), &rename(None));
    gallery.add(&text.name("passkey-rename-error"), &rename(Some(text.error("name", "Give the passkey a name."))));
}

pub(super) fn second_step(gallery: &mut Gallery<'_>, text: &Texts) {
    let passkey = |error| PasskeyPage {
        login: text.of("lgn234"),
        client: Some(text.client()),
        ask: ask(text),
        ways: text.ways(),
        error,
    };
    gallery.add(&text.name("passkey"), &passkey(None));
    let refused =
        FormError::whole(text.of("This passkey was not accepted. Use another one, or another way to sign in."));
    gallery.add(&text.name("passkey-error"), &passkey(Some(refused)));
}
