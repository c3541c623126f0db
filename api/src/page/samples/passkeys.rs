//! The pages of passkeys.

use crate::{
    locale::text as say,
    page::{
        FormError, MfaPage, Notice, PasskeyAsk, PasskeyEnrolPage, PasskeyPage, PasskeyRemovePage, PasskeyRenamePage,
        PasskeyRow, TrustBox,
    },
};

use super::{Gallery, Texts, app, devices::removals, mfa_page, when};

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
        hardware: !synced,
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
    let refused = FormError::field("passkey_name", say("name-long"));
    gallery.add(&text.name("mfa-passkey-error"), &mfa(Some(refused)));
    let enrol = |name: &str, error| PasskeyEnrolPage {
        factor: text.of("fac1"),
        name: text.of(name),
        options: text.of(r#"{"challenge":"AAAA","rp":{"id":"localhost"}}"#),
        error,
    };
    gallery.add(&text.name("passkey-enrol"), &enrol("Phone", None));
    let refused = FormError::whole(say("passkey-not-accepted"));
    gallery.add(&text.name("passkey-enrol-error"), &enrol("", Some(refused)));
    for (end, removal) in removals() {
        let page = PasskeyRemovePage { factor: text.of("fac1"), name: text.of("Phone"), removal };
        gallery.add(&text.name(&format!("passkey{end}")), &page);
    }
    let rename = |error| PasskeyRenamePage { factor: text.of("fac1"), name: text.of("Phone"), error };
    gallery.add(&text.name("passkey-rename"), &rename(None));
    gallery.add(&text.name("passkey-rename-error"), &rename(Some(FormError::field("name", say("passkey-nameless")))));
}

pub(super) fn second_step(gallery: &mut Gallery<'_>, text: &Texts) {
    let passkey = |error: Option<FormError>| PasskeyPage {
        login: text.of("lgn234"),
        client: Some(text.client()),
        ask: ask(text),
        ways: text.next_step(text.ways()),
        trust: Some(TrustBox { days: 30, ticked: error.is_some() }),
        error,
    };
    gallery.add(&text.name("passkey"), &passkey(None));
    gallery.add(&text.name("passkey-no-trust"), &PasskeyPage { trust: None, ..passkey(None) });
    let refused = FormError::whole(say("passkey-refused"));
    gallery.add(&text.name("passkey-error"), &passkey(Some(refused)));
}
