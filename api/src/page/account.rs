//! `/account` and `/account/sessions`, trusted browsers included.

use serde::Serialize;

use super::{Cooldown, FormError, Notice, Page, When, form::form_title};
use crate::locale::{Text, text};

/// `/account`: profile, multi-factor state, password, sessions, sign out.
#[derive(Clone, Debug, Serialize)]
pub struct AccountPage {
    /// The user name.
    pub user_name: String,
    /// The e-mail address, if one was given.
    pub email: Option<EmailLine>,
    /// Whether it can be proved, by a form `email` to `/account/email`, and changed.
    pub email_changes: bool,
    /// When the account was made.
    pub created: When,
    /// When the password was last set; none without a password.
    pub password_set: Option<When>,
    /// Authenticator apps in force; multi-factor authentication is on when there is at least one device.
    pub authenticators: usize,
    /// Passkeys.
    pub passkeys: usize,
    /// E-mail addresses that get codes.
    pub emails: usize,
    /// Phone numbers that get codes.
    pub phones: usize,
    /// Unused backup codes; shown when multi-factor authentication is on.
    pub backup_codes_left: usize,
    /// Live sessions, this one included.
    pub sessions: usize,
    /// A recovery that waits, or can be completed; a form to `/account/recovery/cancel`.
    pub recovery: Option<RecoveryLine>,
    /// What the step before did.
    pub notice: Option<Notice>,
}

/// A recovery of the account.
#[derive(Clone, Debug, Serialize)]
pub struct RecoveryLine {
    /// When it was begun.
    pub begun: When,
    /// From when on it can be completed.
    pub due: When,
}

impl Page for AccountPage {
    const TEMPLATE: &'static str = "account.html";

    fn title(&self) -> Text {
        text("account-title")
    }
}

/// An e-mail address of the account.
#[derive(Clone, Debug, Serialize)]
pub struct EmailLine {
    /// The address as typed.
    pub address: String,
    /// Whether its owner proved that it is theirs.
    pub verified: bool,
}

/// `/account/email`: a form (field `email`) that has a code sent to an address that is to be the account's.
#[derive(Clone, Debug, Serialize)]
pub struct OwnAddressPage {
    /// The address of the account, if it has one.
    pub current: Option<String>,
    /// Whether the account signs in with it.
    pub name: bool,
    /// What was typed.
    pub email: String,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for OwnAddressPage {
    const TEMPLATE: &'static str = "own_address.html";

    fn title(&self) -> Text {
        form_title(text("own-address-title"), self.error.as_ref())
    }
}

/// `/account/email/confirm`: the form (field `code`) that proves it, and one (hidden field `email`) to `/account/email` that sends
/// another code.
#[derive(Clone, Debug, Serialize)]
pub struct OwnAddressConfirmPage {
    /// The address.
    pub address: String,
    /// When another code can be asked for, if not yet.
    pub again: Option<Cooldown>,
    /// Why the form is shown again.
    pub error: Option<FormError>,
}

impl Page for OwnAddressConfirmPage {
    const TEMPLATE: &'static str = "own_address_confirm.html";

    fn title(&self) -> Text {
        form_title(text("address-enrol-email"), self.error.as_ref())
    }
}

/// `/account/sessions`: one form `session` per row to `/account/sessions/end`, one to `/account/sessions/end-all`.
#[derive(Clone, Debug, Serialize)]
pub struct SessionsPage {
    /// Live sessions, this browser's first.
    pub sessions: Vec<SessionRow>,
    /// Trusted browsers, the last used first; one form `device` per row to `/account/trusted/forget`.
    pub trusted: Vec<TrustedRow>,
    /// What the step before did.
    pub notice: Option<Notice>,
}

impl Page for SessionsPage {
    const TEMPLATE: &'static str = "sessions.html";

    fn title(&self) -> Text {
        text("sessions")
    }
}

/// One session.
#[derive(Clone, Debug, Serialize)]
pub struct SessionRow {
    /// Its id, sent back as the field `session`.
    pub id: String,
    /// The browser in words, see [`describe_user_agent`].
    pub browser: Text,
    /// The address it was begun from.
    pub address: Option<String>,
    /// Sign-in.
    pub started: When,
    /// Last use.
    pub last_seen: When,
    /// Whether it is the session of this request.
    pub current: bool,
}

/// One trusted browser.
#[derive(Clone, Debug, Serialize)]
pub struct TrustedRow {
    /// Its id, sent back as the field `device`.
    pub id: String,
    /// The browser in words, see [`describe_user_agent`].
    pub browser: Text,
    /// When trust was given.
    pub since: When,
    /// When it last stood in for a second step.
    pub last_used: When,
    /// When it ends.
    pub until: When,
}

/// A `User-Agent` in words such as `Firefox on Windows`. The value is the browser's own claim, good for recognising a
/// session and for nothing else.
pub fn describe_user_agent(user_agent: Option<&str>) -> Text {
    // Order matters: every Chromium relative also says Chrome and Safari, and Chrome says Safari.
    const BROWSERS: [(&str, &str); 8] = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser/", "Samsung Internet"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    // Android says Linux, an iPhone says Mac OS X.
    const SYSTEMS: [(&str, &str); 7] = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let Some(agent) = user_agent.filter(|agent| !agent.is_empty()) else { return text("browser-unknown") };
    let find =
        |table: &[(&str, &'static str)]| table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => text("browser-on").with("browser", browser).with("system", system),
        (Some(browser), None) => text("browser-itself").with("browser", browser),
        (None, Some(system)) => text("browser-unknown-on").with("system", system),
        (None, None) => text("browser-itself").with("browser", agent.chars().take(60).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::describe_user_agent;
    use crate::page::Pages;

    #[test]
    fn browsers_are_told_apart_although_they_claim_to_be_one_another() {
        let pages = Pages::new(crate::page::Branding::default());
        let words = |agent: Option<&str>| {
            pages.say(pages.locales().default(), &describe_user_agent(agent)).expect("there are words for it")
        };
        let linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
        for (agent, expected) in [
            (format!("{linux} Chrome/140.0.0.0 Safari/537.36"), "Chrome on Linux"),
            (format!("{linux} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0"), "Edge on Linux"),
            ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0".to_owned(), "Firefox on Windows"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1".to_owned(), "Safari on iPhone"),
            ("curl/8.1".to_owned(), "curl/8.1"),
        ] {
            assert_eq!(words(Some(&agent)), expected);
        }
        assert_eq!(words(None), "Unknown browser");
    }
}
