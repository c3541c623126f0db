//! The pages of new accounts: by user name, by e-mail address, and the first administrator.

use crate::{
    locale::text as say,
    page::{ClientLine, Concealed, ConfirmRegistrationPage, FormError, RegisterByEmailPage, RegisterPage, SetupPage},
};

use super::{Gallery, RULE, Texts};

pub(super) fn new_accounts(gallery: &mut Gallery<'_>, text: &Texts) {
    let register = RegisterPage {
        login: None,
        client: None,
        user_name: String::new(),
        email: String::new(),
        rule: RULE,
        by_email: false,
        error: None,
    };
    let refused = RegisterPage {
        login: Some(text.of("lgn234")),
        client: Some(text.client()),
        user_name: text.of("amelia"),
        email: text.of("amelia@mail.example"),
        rule: RULE,
        by_email: true,
        error: Some(FormError::field("user_name", say("user-name-taken"))),
    };
    gallery.add(&text.name("register"), &register);
    gallery.add(&text.name("register-error"), &refused);
    let setup =
        |error| SetupPage { token: text.of("tok").as_str().into(), user_name: text.of("root"), rule: RULE, error };
    gallery.add(&text.name("setup"), &setup(None));
    gallery.add(&text.name("setup-error"), &setup(Some(weak())));
    by_email(gallery, text);
}

fn weak() -> FormError {
    FormError::field("password", say("weak-short").with_number("min", 15).with_number("len", 8))
}

fn by_email(gallery: &mut Gallery<'_>, text: &Texts) {
    let ask = |sent, client: Option<ClientLine>, error| RegisterByEmailPage {
        login: client.as_ref().map(|_| text.of("lgn234")),
        client,
        email: text.of("amelia@mail.example"),
        sent,
        by_name: !text.hostile,
        error,
    };
    gallery.add(&text.name("register-email"), &ask(false, None, None));
    gallery.add(&text.name("register-email-sent"), &ask(true, Some(text.client()), None));
    let refused = FormError::field("email", say("email-syntax"));
    gallery.add(&text.name("register-email-error"), &ask(false, Some(text.client()), Some(refused)));
    let confirm = |client: Option<ClientLine>, error| ConfirmRegistrationPage {
        login: client.as_ref().map(|_| text.of("lgn234")),
        client,
        token: Concealed::from(text.of("v1.k1.dG9rZW4")),
        address: text.of("amelia@mail.example"),
        rule: RULE,
        error,
    };
    gallery.add(&text.name("register-confirm"), &confirm(Some(text.client()), None));
    gallery.add(&text.name("register-confirm-error"), &confirm(None, Some(weak())));
}
