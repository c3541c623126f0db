//! Every page in its normal, refused and hostile forms: for the check of templates, for tests, and for the gallery that shows them
//! in a browser.

mod accounts;
mod devices;
pub mod letters;
mod operations;
mod passkeys;
mod passwords;
mod recovery;
mod sent;

use std::collections::BTreeSet;

use actors::domain::command::{Stage, Ways};
use schema::record::PolicyMethod;

use super::{
    AccountPage, AddAddress, AddPasskey, AuthenticatorRow, BackLink, BackupCodePage, BackupCodesPage,
    BackupCodesRegeneratePage, BackupCodesUnsavedPage, CarriedField, Chrome, ClientLine, Concealed, ConsentPage,
    Cooldown, DevNotice, EmailLine, ErrorPage, ForgotPage, FormError, FormPostPage, FrontPage, InboxPage, LetterRow,
    Link, LoggedOutPage, LoginPage, LogoutPage, MfaPage, NextStep, Notice, Page, Pages, PasswordRule, RecommendedPage,
    RecoveryLine, RenderError, ScopeLine, SessionRow, SessionsPage, TotpEnrolPage, TotpPage, TrustBox, TrustedRow,
    WaitingLine, When, describe_user_agent, groups_of_four,
};
use crate::{
    RegistrationBy,
    locale::{Locale, Text, text as say},
    qr::QrSvg,
};

/// Text that would break out of an element or an attribute if it were not escaped.
pub const HOSTILE: &str = r#"</p><script>alert(1)</script>" onfocus="alert(2)' {{ chrome.csrf }}"#;

/// The anti-forgery value of the samples.
pub const CSRF: &str = "csrf-of-the-sample";

const NOW: i64 = 1_780_000_000;
const RULE: PasswordRule = PasswordRule { min: 15, max: 128 };

/// One rendered page.
#[derive(Debug)]
pub struct Sample {
    /// Its name in the gallery, unique.
    pub name: String,
    /// Its template.
    pub template: &'static str,
    /// Its title without the product's name, in the same language.
    pub title: String,
    /// The document, or why it could not be rendered.
    pub html: Result<String, RenderError>,
}

struct Gallery<'a> {
    pages: &'a Pages,
    locale: Locale,
    signed_in: bool,
    samples: Vec<Sample>,
}

impl Gallery<'_> {
    fn add<P: Page>(&mut self, name: &str, page: &P) {
        let mut chrome = Chrome::new(self.locale, "http://localhost:11080", CSRF);
        if self.signed_in {
            chrome = chrome.signed_in_as("amelia");
        }
        chrome = chrome.with_recovery(name.starts_with("backup-code"));
        if name.ends_with("-dev") {
            chrome = chrome.with_dev_notice(DevNotice { text: say("dev-notice") });
        }
        let html = self.pages.render(&chrome, page);
        let title = self.pages.say(self.locale, &page.title()).unwrap_or_default();
        self.samples.push(Sample { name: name.to_owned(), template: P::TEMPLATE, title, html });
    }
}

/// All samples, in one language.
pub fn all(pages: &Pages, locale: Locale) -> Vec<Sample> {
    let mut gallery = Gallery { pages, locale, signed_in: false, samples: Vec::new() };
    for hostile in [false, true] {
        gallery.signed_in = false;
        let text = Texts { hostile };
        accounts::new_accounts(&mut gallery, &text);
        sign_in(&mut gallery, &text);
        passkeys::second_step(&mut gallery, &text);
        second_step(&mut gallery, &text);
        sent::sent_codes(&mut gallery, &text);
        sent::links(&mut gallery, &text);
        recovery::recoveries(&mut gallery, &text);
        endings(&mut gallery, &text);
        gallery.signed_in = true;
        account(&mut gallery, &text);
        policies(&mut gallery, &text);
        factors(&mut gallery, &text);
        sent::addresses(&mut gallery, &text);
        sent::own_address(&mut gallery, &text);
        sent::phones(&mut gallery, &text);
        passkeys::passkeys(&mut gallery, &text);
        passwords::passwords(&mut gallery, &text);
    }
    gallery.samples
}

/// What people sign in with.
const fn names(text: &Texts) -> RegistrationBy {
    if text.hostile { RegistrationBy::Either } else { RegistrationBy::UserName }
}

/// Plain sample texts, or the hostile one in place of each.
struct Texts {
    hostile: bool,
}

impl Texts {
    fn of(&self, plain: &str) -> String {
        if self.hostile { HOSTILE.to_owned() } else { plain.to_owned() }
    }

    fn name(&self, plain: &str) -> String {
        if self.hostile { format!("{plain}-hostile") } else { plain.to_owned() }
    }

    fn ways(&self) -> Ways {
        let hostile = self.hostile;
        Ways {
            totp: !hostile,
            email: hostile,
            sms: hostile,
            passkey: !hostile,
            backup_code: true,
            recovery: false,
            suspended: hostile,
        }
    }

    /// The only step, or one of several.
    fn next_step(&self, ways: Ways) -> NextStep {
        let asked = if self.hostile { BTreeSet::new() } else { [PolicyMethod::Totp, PolicyMethod::Passkey].into() };
        NextStep::new(ways, Some(&Stage { step: 2, of: 3, asked, raises: self.hostile }))
    }

    fn client(&self) -> ClientLine {
        ClientLine { name: self.of("Photo Album"), origin: self.of("https://photos.example") }
    }
}

/// A browser in words, which are its own where nothing is known of it.
fn browser(text: &Texts, agent: &str) -> Text {
    describe_user_agent(Some(&text.of(agent)))
}

fn when(seconds_ago: i64) -> When {
    When::from_unix_secs(NOW - seconds_ago)
}

fn sign_in(gallery: &mut Gallery<'_>, text: &Texts) {
    gallery.add(&text.name("front"), &FrontPage::default());
    gallery.add(&text.name("forgot"), &ForgotPage { sent: false, names: names(text) });
    gallery.add(&text.name("forgot-sent"), &ForgotPage { sent: true, names: names(text) });
    let letter = LetterRow {
        to: text.of("amelia@mail.example"),
        subject: Some(text.of("Your code to sign in to Doorward")),
        text: Concealed::from(text.of("Hello amelia,\n\nthis code completes your sign-in:\n\n123456\n")),
        at: when(5),
    };
    gallery.add(
        &text.name("inbox-dev"),
        &InboxPage { letters: vec![LetterRow { subject: None, ..letter.clone() }, letter] },
    );
    gallery.add(&text.name("inbox-empty-dev"), &InboxPage { letters: Vec::new() });
    gallery.add(&text.name("front-dev"), &FrontPage::default());
    let login = |client, username: &str, error| LoginPage {
        login: text.of("lgn234"),
        client,
        passkey: Some(passkeys::ask(text)),
        forgot: !text.hostile,
        names: names(text),
        more: text.hostile,
        username: text.of(username),
        error,
    };
    gallery.add(&text.name("login"), &login(None, "", None));
    gallery.add(&text.name("login-client"), &login(Some(text.client()), "amelia", None));
    let wrong = FormError::fields(&["username", "password"], say("login-wrong"));
    gallery.add(&text.name("login-error"), &login(Some(text.client()), "amelia", Some(wrong)));
    gallery.add(&text.name("login-wait"), &login(None, "amelia", Some(FormError::cool_down(NOW, 30))));
    let no_passkeys = LoginPage { passkey: None, names: RegistrationBy::Email, ..login(None, "", None) };
    gallery.add(&text.name("login-no-passkeys"), &no_passkeys);
    let scopes = ["openid", "profile", "email", "offline_access"].map(ScopeLine::new).to_vec();
    let scopes = if text.hostile { vec![ScopeLine::new(HOSTILE)] } else { scopes };
    gallery.add(
        &text.name("consent"),
        &ConsentPage { login: text.of("lgn234"), client: text.client(), user_name: text.of("amelia"), scopes },
    );
    operations::add(gallery, text);
}

fn second_step(gallery: &mut Gallery<'_>, text: &Texts) {
    let trust = |ticked| Some(TrustBox { days: 30, ticked });
    let totp = |error| TotpPage {
        login: text.of("lgn234"),
        client: Some(text.client()),
        ways: text.next_step(text.ways()),
        trust: trust(text.hostile),
        error,
    };
    gallery.add(&text.name("totp"), &totp(None));
    gallery.add(&text.name("totp-error"), &totp(Some(FormError::field("code", say("totp-wrong")))));
    gallery.add(&text.name("totp-wait"), &totp(Some(FormError::cool_down(NOW, 1))));
    let backup =
        |error| BackupCodePage { login: text.of("lgn234"), client: None, ways: text.next_step(text.ways()), error };
    gallery.add(&text.name("backup-code"), &backup(None));
    gallery.add(&text.name("backup-code-error"), &backup(Some(FormError::field("code", say("backup-code-wrong")))));
}

fn endings(gallery: &mut Gallery<'_>, text: &Texts) {
    let carried = vec![CarriedField { name: "state", value: text.of("xyz") }];
    let logout = LogoutPage { client: Some(text.client()), user_name: text.of("amelia"), carried };
    gallery.add(&text.name("logout"), &logout);
    gallery.add(&text.name("logged-out"), &LoggedOutPage::default());
    let answer = FormPostPage {
        action: text.of("https://photos.example/cb"),
        origin: text.of("https://photos.example"),
        fields: vec![CarriedField { name: "code", value: text.of("v1.k1.sealed") }],
    };
    gallery.add(&text.name("form-post"), &answer);
    let back = BackLink { client: text.client(), uri: text.of("https://photos.example/") };
    gallery.add(&text.name("logged-out-client"), &LoggedOutPage { back: Some(back) });
    let expired = ErrorPage {
        status: 400,
        heading: say("error-login-ended"),
        message: say("error-login-ended-about"),
        next_step: Some(say("error-login-ended-next")),
        retry: None,
        link: Some(Link { href: text.of("/login"), text: say("start-again") }),
        correlation_id: text.of("7f3k2m9q"),
    };
    gallery.add(&text.name("error"), &expired);
    let busy = ErrorPage {
        status: 503,
        heading: say("error-unavailable"),
        message: say("error-unavailable-about"),
        next_step: None,
        retry: Some(Cooldown::starting(NOW, 5)),
        link: None,
        correlation_id: "7f3k2m9q".to_owned(),
    };
    gallery.add(&text.name("error-retry"), &busy);
}

fn account(gallery: &mut Gallery<'_>, text: &Texts) {
    gallery.add(&text.name("front-signed-in"), &FrontPage::default());
    let page = |(authenticators, emails, phones, passkeys), left, notice| AccountPage {
        user_name: text.of("amelia"),
        email: Some(EmailLine { address: text.of("amelia@mail.example"), verified: false }),
        email_changes: true,
        created: when(90 * 86_400),
        password_set: Some(when(3 * 86_400)),
        authenticators,
        emails,
        phones,
        passkeys,
        backup_codes_left: left,
        sessions: 2,
        recovery: None,
        notice,
    };
    gallery.add(&text.name("account"), &page((0, 0, 0, 0), 0, Some(Notice::Registered)));
    let proved = Some(EmailLine { address: text.of("amelia@mail.example"), verified: true });
    gallery.add(&text.name("account-proved"), &AccountPage { email: proved, ..page((0, 0, 0, 0), 0, None) });
    gallery.add(&text.name("account-no-email"), &AccountPage { email: None, ..page((0, 0, 0, 0), 0, None) });
    gallery.add(&text.name("account-mfa"), &page((1, 0, 0, 0), 3, None));
    gallery.add(&text.name("account-email"), &page((0, 1, 0, 0), 9, None));
    gallery.add(&text.name("account-phone"), &page((1, 1, 2, 0), 9, None));
    gallery.add(&text.name("account-passkey"), &page((0, 0, 0, 2), 9, None));
    let recovery = Some(RecoveryLine { begun: when(86_400), due: when(0) });
    gallery.add(&text.name("account-recovery"), &AccountPage { recovery, ..page((1, 0, 0, 0), 9, None) });

    let linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
    let row = |id: &str, agent: &str, current| SessionRow {
        id: text.of(id),
        browser: browser(text, agent),
        address: Some(text.of("2001:db8:85a3:8d3:1319:8a2e:370:7348")),
        started: when(86_400),
        last_seen: when(60),
        current,
    };
    let phone = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";
    let sessions = vec![row("ses1", linux, true), row("ses2", phone, false)];
    let trusted = TrustedRow {
        id: text.of("fac1"),
        browser: browser(text, phone),
        since: when(20 * 86_400),
        last_used: when(86_400),
        until: when(-10 * 86_400),
    };
    let page = SessionsPage { sessions, trusted: vec![trusted], notice: Some(Notice::SessionEnded) };
    gallery.add(&text.name("sessions"), &page);
}

fn policies(gallery: &mut Gallery<'_>, text: &Texts) {
    let waiting = || Some(WaitingLine { client: text.client(), login: text.of("lgn234") });
    for (state, needed) in [
        ("mfa-needed", vec![say("needed-app")]),
        ("mfa-needed-hardware", vec![say("needed-passkey-hardware")]),
        ("mfa-needed-one-of-two", vec![say("needed-app"), say("needed-passkey")]),
        ("mfa-needed-one-of-three", vec![say("needed-app"), say("needed-sms"), say("needed-passkey")]),
    ] {
        let needed = Text::one_of(needed);
        let page = MfaPage { needed, waiting: waiting(), ..mfa_page(text, Vec::new(), 0, None) };
        gallery.add(&text.name(state), &page);
    }
    gallery.add(&text.name("mfa-waiting"), &MfaPage { waiting: waiting(), ..mfa_page(text, Vec::new(), 0, None) });
    let recommended = |until, left| RecommendedPage { to: text.of("/account"), until, left };
    gallery.add(&text.name("recommended"), &recommended(None, None));
    gallery.add(&text.name("recommended-until"), &recommended(Some(when(1)), Some(3)));
    gallery.add(&text.name("recommended-once-more"), &recommended(None, Some(1)));
}

fn mfa_page(text: &Texts, authenticators: Vec<AuthenticatorRow>, left: usize, error: Option<FormError>) -> MfaPage {
    MfaPage {
        needed: None,
        waiting: None,
        authenticators,
        may_add: true,
        passkeys: Vec::new(),
        add_passkey: Some(AddPasskey { name: String::new() }),
        signal: Some(text.of(r#"{"rpId":"localhost","userId":"AAAA","allAcceptedCredentialIds":[]}"#)),
        emails: Vec::new(),
        add_email: Some(AddAddress { address: text.of("amelia@mail.example"), name: String::new() }),
        phones: Vec::new(),
        may_rename: !text.hostile,
        add_phone: Some(AddAddress { address: String::new(), name: String::new() }),
        backup_codes_left: left,
        backup_codes_unsaved: false,
        name: text.of("Authenticator app"),
        notice: None,
        error,
    }
}

fn app(text: &Texts, name: &str, last_used: Option<When>) -> AuthenticatorRow {
    AuthenticatorRow { id: text.of("fac1"), name: text.of(name), added: when(30 * 86_400), last_used, suspended: false }
}

fn factors(gallery: &mut Gallery<'_>, text: &Texts) {
    let mfa = |authenticators, left, error| mfa_page(text, authenticators, left, error);
    gallery.add(&text.name("mfa-off"), &mfa(Vec::new(), 0, None));
    let refused = Some(FormError::field("name", say("totp-nameless")));
    gallery.add(&text.name("mfa-off-error"), &mfa(Vec::new(), 0, refused));
    let device = |name: &str, last_used| app(text, name, last_used);
    gallery
        .add(&text.name("mfa-on"), &mfa(vec![device("Phone", Some(when(3600))), device("Work laptop", None)], 2, None));

    let suspended = AuthenticatorRow { suspended: true, ..device("Old phone", Some(when(86_400))) };
    gallery.add(&text.name("mfa-suspended"), &mfa(vec![suspended, device("Phone", None)], 8, None));

    let unsaved = MfaPage { backup_codes_unsaved: true, ..mfa(vec![device("Phone", None)], 10, None) };
    gallery.add(&text.name("mfa-unsaved"), &unsaved);

    let key = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let uri = format!("otpauth://totp/Doorward:amelia?secret={key}&issuer=Doorward");
    let enrol = |error| TotpEnrolPage {
        factor: text.of("fac1"),
        name: text.of("Phone"),
        qr: QrSvg::new(&uri, "QR code for your authenticator app").expect("a short text fits"),
        key_groups: groups_of_four(key),
        uri: Concealed::from(uri.clone()),
        error,
    };
    gallery.add(&text.name("totp-enrol"), &enrol(None));
    let wrong = Some(FormError::field("code", say("totp-confirm-wrong")));
    gallery.add(&text.name("totp-enrol-error"), &enrol(wrong));
    devices::apps(gallery, text);

    let codes = (0..10).map(|n| Concealed::from(format!("{n}K7M-Q2XB-9R4T-HW6C-ZJ3{n}"))).collect();
    gallery.add(&text.name("backup-codes"), &BackupCodesPage { codes, user_name: text.of("amelia"), created: when(0) });
    gallery.add(&text.name("backup-codes-unsaved"), &BackupCodesUnsavedPage::default());
    gallery.add(&text.name("backup-codes-regenerate"), &BackupCodesRegeneratePage { left: 1 });
}
