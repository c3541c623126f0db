//! The pages that ask for a password of a known user.

use crate::{
    locale::text as say,
    page::{FormError, PasswordPage, ReauthenticatePage, ResetPage},
};

use super::{Gallery, RULE, Texts};

pub(super) fn passwords(gallery: &mut Gallery<'_>, text: &Texts) {
    let password = |compromised, error| PasswordPage { user_name: text.of("amelia"), compromised, rule: RULE, error };
    gallery.add(&text.name("password"), &password(false, None));
    let wrong = Some(FormError::field("current_password", say("password-current-wrong")));
    gallery.add(&text.name("password-error"), &password(false, wrong));
    gallery.add(&text.name("password-compromised"), &password(true, None));
    let reset = ResetPage {
        token: text.of("tok").as_str().into(),
        user_name: text.of("amelia"),
        rule: RULE,
        error: Some(FormError::field("new_password", say("weak-input"))),
    };
    gallery.add(&text.name("reset-error"), &reset);
    gallery.add(&text.name("reset"), &ResetPage { error: None, ..reset });
    let reauthenticate = |wants_code, takes_backup_code, error| ReauthenticatePage {
        passkey: takes_backup_code,
        to: text.of("/account/password"),
        user_name: text.of("amelia"),
        wants_code,
        takes_backup_code,
        error,
    };
    gallery.add(&text.name("reauthenticate"), &reauthenticate(true, false, None));
    gallery.add(&text.name("reauthenticate-backup"), &reauthenticate(true, true, None));
    let refused = Some(FormError::fields(&["password", "code"], say("reauthenticate-code-wrong")));
    gallery.add(&text.name("reauthenticate-error"), &reauthenticate(true, false, refused));
    gallery.add(&text.name("reauthenticate-password"), &reauthenticate(false, false, None));
}
