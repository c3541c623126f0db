//! The pages of codes that are sent, by e-mail and by text message.

use actors::domain::command::Ways;
use api::page::{
    AddAddress, AddressChoice, AddressEnrolPage, AddressRemovePage, AddressRow, Cooldown, FormError, MfaPage,
    SentCodePage, SentLine, TrustBox,
};

use super::{Gallery, NOW, Texts, app, mfa_page, when};

pub(super) fn sent_codes(gallery: &mut Gallery<'_>, text: &Texts) {
    let address = |hidden: &str| AddressChoice { id: text.of("fac1"), hidden: text.of(hidden) };
    let mailed = |sent, error| SentCodePage {
        way: "email",
        login: text.of("lgn234"),
        client: Some(text.client()),
        sent,
        addresses: vec![address("a•••@m•••.example"), address("a•••@w•••.example")],
        ways: Ways { totp: true, ..text.ways() },
        trust: Some(TrustBox { days: 30, ticked: false }),
        error,
    };
    let sent = |again| Some(SentLine { to: text.of("a•••@m•••.example"), again });
    gallery.add(&text.name("email-code-ask"), &mailed(None, None));
    gallery.add(&text.name("email-code"), &mailed(sent(Some(Cooldown::starting(NOW, 60))), None));
    let wrong = text.error("code", "This code is not right. Enter the one from the newest message.");
    gallery.add(&text.name("email-code-error"), &mailed(sent(None), Some(wrong)));

    let phones = vec![address("•••• 78"), address("•••• 67")];
    let texted = |sent, error| SentCodePage { way: "sms", addresses: phones.clone(), ..mailed(sent, error) };
    gallery.add(&text.name("sms-code-ask"), &texted(None, None));
    let sent = |again| Some(SentLine { to: text.of("•••• 78"), again });
    gallery.add(&text.name("sms-code"), &texted(sent(Some(Cooldown::starting(NOW, 60))), None));
    let unpaid = FormError::whole(text.of("No more text messages are sent today. Choose another way below."));
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
    let refused = text.error("email", "Enter an e-mail address such as name@example.org.");
    gallery.add(&text.name("mfa-email-error"), &mfa(Vec::new(), 0, Some(refused)));
    let confirm = |again, error| AddressEnrolPage {
        way: "email",
        factor: text.of("fac1"),
        address: text.of("amelia@mail.example"),
        again,
        error,
    };
    gallery.add(&text.name("email-enrol"), &confirm(Some(Cooldown::starting(NOW, 60)), None));
    let wrong = text.error("code", "This code is not right, or not good any more. Enter the newest one.");
    gallery.add(&text.name("email-enrol-error"), &confirm(None, Some(wrong)));
    for last in [true, false] {
        let name = if last { "email-remove-last" } else { "email-remove" };
        let (way, address) = ("email", text.of("amelia@mail.example"));
        let page = AddressRemovePage { way, factor: text.of("fac1"), address, last };
        gallery.add(&text.name(name), &page);
    }
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
    let refused = text.error("phone", "Begin with + and the calling code of the country, such as +49.");
    gallery.add(&text.name("mfa-phone-error"), &MfaPage { add_phone: typed, ..mfa(Vec::new(), 0, Some(refused)) });
    let confirm = |again, error| {
        let (factor, address) = (text.of("fac1"), text.of("+4915112345678"));
        AddressEnrolPage { way: "sms", factor, address, again, error }
    };
    gallery.add(&text.name("sms-enrol"), &confirm(Some(Cooldown::starting(NOW, 60)), None));
    let wrong = text.error("code", "This code is not right, or not good any more. Enter the newest one.");
    gallery.add(&text.name("sms-enrol-error"), &confirm(None, Some(wrong)));
    let (factor, address) = (text.of("fac1"), text.of("+4915112345678"));
    gallery.add(&text.name("sms-remove-last"), &AddressRemovePage { way: "sms", factor, address, last: true });
}
