//! The pages of codes that are sent, by e-mail and by text message.

use crate::{
    locale::text as say,
    page::{
        AddAddress, AddressChoice, AddressEnrolPage, AddressLinkPage, AddressRemovePage, AddressRenamePage, AddressRow,
        Concealed, Cooldown, FormError, LinkElsewherePage, LoginLinkPage, MfaPage, NextStep, OwnAddressConfirmPage,
        OwnAddressPage, Removal, SentCodePage, SentLine, TrustBox,
    },
};
use actors::domain::command::Ways;

use super::{Gallery, NOW, Texts, app, devices::removals, mfa_page, when};

pub(super) fn sent_codes(gallery: &mut Gallery<'_>, text: &Texts) {
    let address = |hidden: &str| AddressChoice { id: text.of("fac1"), hidden: text.of(hidden) };
    let mailed = |sent, error| SentCodePage {
        way: "email",
        login: text.of("lgn234"),
        client: Some(text.client()),
        sent,
        addresses: vec![address("a•••@m•••.example"), address("a•••@w•••.example")],
        ways: text.next_step(Ways { totp: true, ..text.ways() }),
        trust: Some(TrustBox { days: 30, ticked: false }),
        error,
    };
    let sent = |again| Some(SentLine { to: text.of("a•••@m•••.example"), again, link: true });
    gallery.add(&text.name("email-code-ask"), &mailed(None, None));
    gallery.add(&text.name("email-code"), &mailed(sent(Some(Cooldown::starting(NOW, 60))), None));
    let wrong = FormError::field("code", say("sent-wrong"));
    gallery.add(&text.name("email-code-error"), &mailed(sent(None), Some(wrong)));

    let phones = vec![address("•••• 78"), address("•••• 67")];
    let texted = |sent, error| SentCodePage { way: "sms", addresses: phones.clone(), ..mailed(sent, error) };
    gallery.add(&text.name("sms-code-ask"), &texted(None, None));
    let sent = |again| Some(SentLine { to: text.of("•••• 78"), again, link: false });
    gallery.add(&text.name("sms-code"), &texted(sent(Some(Cooldown::starting(NOW, 60))), None));
    let unpaid = FormError::whole(say("sms-unpaid-budget").and_then(say("sms-unpaid-choose")));
    gallery.add(&text.name("sms-code-refused"), &texted(None, Some(unpaid)));
}

pub(super) fn addresses(gallery: &mut Gallery<'_>, text: &Texts) {
    let mfa = |authenticators, left, error| mfa_page(text, authenticators, left, error);
    let address = |last_used, suspended| AddressRow {
        id: text.of("fac1"),
        name: String::new(),
        address: text.of("amelia@mail.example"),
        added: when(30 * 86_400),
        last_used,
        suspended,
    };
    let by_mail = MfaPage { emails: vec![address(Some(when(60)), false)], add_email: None, ..mfa(Vec::new(), 9, None) };
    gallery.add(&text.name("mfa-email"), &by_mail);
    let both = MfaPage { emails: vec![address(None, true)], ..mfa(vec![app(text, "Phone", None)], 9, None) };
    gallery.add(&text.name("mfa-both"), &both);
    let refused = FormError::field("email", say("email-syntax"));
    gallery.add(&text.name("mfa-email-error"), &mfa(Vec::new(), 0, Some(refused)));
    let confirm = |again, error| AddressEnrolPage {
        way: "email",
        factor: text.of("fac1"),
        address: text.of("amelia@mail.example"),
        again,
        link: true,
        error,
    };
    gallery.add(&text.name("email-enrol"), &confirm(Some(Cooldown::starting(NOW, 60)), None));
    let wrong = FormError::field("code", say("address-wrong"));
    gallery.add(&text.name("email-enrol-error"), &confirm(None, Some(wrong)));
    for (end, removal) in removals() {
        let (way, address) = ("email", text.of("amelia@mail.example"));
        let page = AddressRemovePage { way, factor: text.of("fac1"), address, removal };
        gallery.add(&text.name(&format!("email{end}")), &page);
    }
}

pub(super) fn own_address(gallery: &mut Gallery<'_>, text: &Texts) {
    let address = || text.of("amelia@mail.example");
    let form = |name, email, error| OwnAddressPage { current: Some(address()), name, email, error };
    gallery.add(&text.name("own-address"), &form(false, String::new(), None));
    let taken = FormError::field("email", say("own-address-taken"));
    gallery.add(&text.name("own-address-error"), &form(true, address(), Some(taken)));
    let first = OwnAddressPage { current: None, ..form(false, String::new(), None) };
    gallery.add(&text.name("own-address-first"), &first);
    let confirm = |again, error| OwnAddressConfirmPage { address: address(), again, error };
    gallery.add(&text.name("own-address-confirm"), &confirm(Some(Cooldown::starting(NOW, 60)), None));
    let wrong = FormError::field("code", say("address-wrong"));
    gallery.add(&text.name("own-address-confirm-error"), &confirm(None, Some(wrong)));
}

pub(super) fn phones(gallery: &mut Gallery<'_>, text: &Texts) {
    let mfa = |authenticators, left, error| mfa_page(text, authenticators, left, error);
    let phone = |last_used, suspended| AddressRow {
        id: text.of("fac1"),
        name: if suspended { String::new() } else { text.of("Work phone") },
        address: text.of("+4915112345678"),
        added: when(30 * 86_400),
        last_used,
        suspended,
    };
    let by_phone =
        MfaPage { phones: vec![phone(Some(when(60)), false), phone(None, true)], ..mfa(Vec::new(), 9, None) };
    gallery.add(&text.name("mfa-phone"), &by_phone);
    let both =
        MfaPage { phones: vec![phone(None, false)], add_phone: None, ..mfa(vec![app(text, "Phone", None)], 9, None) };
    gallery.add(&text.name("mfa-phone-and-app"), &both);
    let typed = Some(AddAddress { address: text.of("0151 12345678"), name: text.of("Work phone") });
    let refused = FormError::field("phone", say("phone-no-country"));
    gallery.add(&text.name("mfa-phone-error"), &MfaPage { add_phone: typed, ..mfa(Vec::new(), 0, Some(refused)) });
    let confirm = |again, error| {
        let (factor, address) = (text.of("fac1"), text.of("+4915112345678"));
        AddressEnrolPage { way: "sms", factor, address, again, link: false, error }
    };
    gallery.add(&text.name("sms-enrol"), &confirm(Some(Cooldown::starting(NOW, 60)), None));
    let wrong = FormError::field("code", say("address-wrong"));
    gallery.add(&text.name("sms-enrol-error"), &confirm(None, Some(wrong)));
    let removal = Removal { last: true, needed: None };
    for (way, address, name) in [("sms", "+4915112345678", "Work phone"), ("email", "amelia@mail.example", "")] {
        let rename = |error| {
            let (factor, address, name) = (text.of("fac1"), text.of(address), text.of(name));
            AddressRenamePage { way, factor, address, name, error }
        };
        gallery.add(&text.name(&format!("{way}-rename")), &rename(None));
        let long = FormError::field("name", say("name-long"));
        gallery.add(&text.name(&format!("{way}-rename-error")), &rename(Some(long)));
    }
    let (factor, address) = (text.of("fac1"), text.of("+4915112345678"));
    gallery.add(&text.name("sms-remove-last"), &AddressRemovePage { way: "sms", factor, address, removal });
}

pub(super) fn links(gallery: &mut Gallery<'_>, text: &Texts) {
    let token = || Concealed::from(text.of("v1.k1.dG9rZW4"));
    let login = |client, error| LoginLinkPage {
        login: text.of("lgn234"),
        token: token(),
        client,
        ways: NextStep::new(Ways { totp: true, email: true, ..text.ways() }, None),
        trust: Some(TrustBox { days: 30, ticked: false }),
        error,
    };
    gallery.add(&text.name("login-link"), &login(Some(text.client()), None));
    let wait = FormError::cool_down(NOW, 30);
    gallery.add(&text.name("login-link-wait"), &login(None, Some(wait.clone())));
    let address = |error| AddressLinkPage { token: token(), address: text.of("amelia@mail.example"), error };
    gallery.add(&text.name("address-link"), &address(None));
    gallery.add(&text.name("address-link-wait"), &address(Some(wait)));
    for what in ["login", "address"] {
        let page = LinkElsewherePage { what, code: Concealed::from(text.of("123456")) };
        gallery.add(&text.name(&format!("link-elsewhere-{what}")), &page);
    }
}
