//! Every page in its normal, refused and hostile forms, for the tests here and for the gallery that shows them in a
//! browser.

#[path = "samples_passkeys.rs"]
mod keys;
#[path = "samples_sent.rs"]
mod sent;

use actors::domain::command::Ways;
use api::page::{
    AccountPage, AddAddress, AddPasskey, AuthenticatorRow, BackLink, BackupCodePage, BackupCodesPage,
    BackupCodesRegeneratePage, BackupCodesUnsavedPage, CarriedField, Chrome, ClientLine, Concealed, ConsentPage,
    Cooldown, DevNotice, EmailLine, ErrorPage, ForgotPage, FormError, FrontPage, InboxPage, LetterRow, Link,
    LoggedOutPage, LoginPage, LogoutPage, MfaPage, Notice, Page, Pages, PasswordPage, PasswordRule, ReauthenticatePage,
    RecommendedPage, RegisterPage, RenderError, ResetPage, ScopeLine, SessionRow, SessionsPage, SetupPage,
    TotpEnrolPage, TotpPage, TotpRemovePage, TotpRenamePage, TrustBox, TrustedRow, WaitingLine, When,
    describe_user_agent, groups_of_four,
};
use api::qr::QrSvg;

/// Text that would break out of an element or an attribute if it were not escaped.
pub(crate) const HOSTILE: &str = r#"</p><script>alert(1)</script>" onfocus="alert(2)' {{ chrome.csrf }}"#;

/// The anti-forgery value of the samples.
pub(crate) const CSRF: &str = "csrf-of-the-sample";

const NOW: i64 = 1_780_000_000;
const RULE: PasswordRule = PasswordRule { min: 15, max: 128 };

/// One rendered page.
pub(crate) struct Sample {
    /// Its name in the gallery, unique.
    pub(crate) name: String,
    /// Its title without the product's name.
    pub(crate) title: String,
    /// The document, or why it could not be rendered.
    pub(crate) html: Result<String, RenderError>,
}

struct Gallery<'a> {
    pages: &'a Pages,
    signed_in: bool,
    samples: Vec<Sample>,
}

impl Gallery<'_> {
    fn add<P: Page>(&mut self, name: &str, page: &P) {
        let mut chrome = Chrome::new("http://localhost:11080", CSRF);
        if self.signed_in {
            chrome = chrome.signed_in_as("amelia");
        }
        if name.ends_with("-dev") {
            let text = "Its keys and its store were made for trying things out.".to_owned();
            chrome = chrome.with_dev_notice(DevNotice { text });
        }
        let html = self.pages.render(&chrome, page);
        self.samples.push(Sample { name: name.to_owned(), title: page.title(), html });
    }
}

/// All samples.
pub(crate) fn all(pages: &Pages) -> Vec<Sample> {
    let mut gallery = Gallery { pages, signed_in: false, samples: Vec::new() };
    for hostile in [false, true] {
        gallery.signed_in = false;
        let text = Texts { hostile };
        new_accounts(&mut gallery, &text);
        sign_in(&mut gallery, &text);
        keys::second_step(&mut gallery, &text);
        second_step(&mut gallery, &text);
        sent::sent_codes(&mut gallery, &text);
        endings(&mut gallery, &text);
        gallery.signed_in = true;
        account(&mut gallery, &text);
        policies(&mut gallery, &text);
        factors(&mut gallery, &text);
        sent::addresses(&mut gallery, &text);
        sent::phones(&mut gallery, &text);
        keys::passkeys(&mut gallery, &text);
        passwords(&mut gallery, &text);
    }
    gallery.samples
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
        Ways { totp: !self.hostile, email: self.hostile, sms: self.hostile, passkey: !self.hostile }
    }

    fn client(&self) -> ClientLine {
        ClientLine { name: self.of("Photo Album"), origin: self.of("https://photos.example") }
    }

    fn error(&self, field: &'static str, plain: &str) -> FormError {
        FormError::field(field, self.of(plain))
    }
}

fn when(seconds_ago: i64) -> When {
    When::from_unix_secs(NOW - seconds_ago)
}

fn new_accounts(gallery: &mut Gallery<'_>, text: &Texts) {
    let register = RegisterPage {
        login: None,
        client: None,
        user_name: String::new(),
        email: String::new(),
        rule: RULE,
        error: None,
    };
    let refused = RegisterPage {
        login: Some(text.of("lgn234")),
        client: Some(text.client()),
        user_name: text.of("amelia"),
        email: text.of("amelia@mail.example"),
        rule: RULE,
        error: Some(text.error("user_name", "This user name is taken. Choose another one.")),
    };
    gallery.add(&text.name("register"), &register);
    gallery.add(&text.name("register-error"), &refused);
    let setup =
        |error| SetupPage { token: text.of("tok").as_str().into(), user_name: text.of("root"), rule: RULE, error };
    gallery.add(&text.name("setup"), &setup(None));
    let weak = "This password is too easy to guess. Choose a longer one.";
    gallery.add(&text.name("setup-error"), &setup(Some(text.error("password", weak))));
}

fn sign_in(gallery: &mut Gallery<'_>, text: &Texts) {
    gallery.add(&text.name("front"), &FrontPage::default());
    gallery.add(&text.name("forgot"), &ForgotPage { sent: false });
    gallery.add(&text.name("forgot-sent"), &ForgotPage { sent: true });
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
        passkey: Some(keys::ask(text)),
        forgot: !text.hostile,
        more: text.hostile,
        username: text.of(username),
        error,
    };
    gallery.add(&text.name("login"), &login(None, "", None));
    gallery.add(&text.name("login-client"), &login(Some(text.client()), "amelia", None));
    let wrong = FormError::fields(&["username", "password"], text.of("The user name or the password is wrong."));
    gallery.add(&text.name("login-error"), &login(Some(text.client()), "amelia", Some(wrong)));
    gallery.add(&text.name("login-wait"), &login(None, "amelia", Some(FormError::cool_down(NOW, 30))));
    let no_passkeys = LoginPage { passkey: None, ..login(None, "", None) };
    gallery.add(&text.name("login-no-passkeys"), &no_passkeys);
    let scopes = ["openid", "profile", "email", "offline_access"].map(ScopeLine::new).to_vec();
    let scopes = if text.hostile { vec![ScopeLine::new(HOSTILE)] } else { scopes };
    gallery.add(
        &text.name("consent"),
        &ConsentPage { login: text.of("lgn234"), client: text.client(), user_name: text.of("amelia"), scopes },
    );
}

fn second_step(gallery: &mut Gallery<'_>, text: &Texts) {
    let trust = |ticked| Some(TrustBox { days: 30, ticked });
    let totp = |error| TotpPage {
        login: text.of("lgn234"),
        client: Some(text.client()),
        ways: text.ways(),
        trust: trust(text.hostile),
        error,
    };
    gallery.add(&text.name("totp"), &totp(None));
    gallery.add(
        &text.name("totp-error"),
        &totp(Some(text.error("code", "This code is not right. Enter the one shown now."))),
    );
    gallery.add(&text.name("totp-wait"), &totp(Some(FormError::cool_down(NOW, 1))));
    let backup = |error| BackupCodePage { login: text.of("lgn234"), client: None, ways: text.ways(), error };
    gallery.add(&text.name("backup-code"), &backup(None));
    gallery.add(&text.name("backup-code-error"), &backup(Some(text.error("code", "This backup code is not right."))));
}

fn endings(gallery: &mut Gallery<'_>, text: &Texts) {
    let carried = vec![CarriedField { name: "state", value: text.of("xyz") }];
    let logout = LogoutPage { client: Some(text.client()), user_name: text.of("amelia"), carried };
    gallery.add(&text.name("logout"), &logout);
    gallery.add(&text.name("logged-out"), &LoggedOutPage::default());
    let back = BackLink { client: text.client(), uri: text.of("https://photos.example/") };
    gallery.add(&text.name("logged-out-client"), &LoggedOutPage { back: Some(back) });
    let expired = ErrorPage {
        status: 400,
        heading: text.of("This sign-in has expired"),
        message: text.of("It was begun more than ten minutes ago, or it was finished in another tab."),
        next_step: Some(text.of("Go back to the application and sign in again.")),
        retry: None,
        link: Some(Link { href: text.of("/login"), text: text.of("Start again") }),
        correlation_id: text.of("7f3k2m9q"),
    };
    gallery.add(&text.name("error"), &expired);
    let busy = ErrorPage {
        status: 503,
        heading: "Too busy at the moment".to_owned(),
        message: "Nothing was changed.".to_owned(),
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
        created: when(90 * 86_400),
        password_set: Some(when(3 * 86_400)),
        authenticators,
        emails,
        phones,
        passkeys,
        backup_codes_left: left,
        sessions: 2,
        notice,
    };
    gallery.add(&text.name("account"), &page((0, 0, 0, 0), 0, Some(Notice::Registered)));
    gallery.add(&text.name("account-mfa"), &page((1, 0, 0, 0), 3, None));
    gallery.add(&text.name("account-email"), &page((0, 1, 0, 0), 9, None));
    gallery.add(&text.name("account-phone"), &page((1, 1, 2, 0), 9, None));
    gallery.add(&text.name("account-passkey"), &page((0, 0, 0, 2), 9, None));

    let linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
    let row = |id: &str, agent: &str, current| SessionRow {
        id: text.of(id),
        browser: text.of(&describe_user_agent(Some(agent))),
        address: Some(text.of("2001:db8:85a3:8d3:1319:8a2e:370:7348")),
        started: when(86_400),
        last_seen: when(60),
        current,
    };
    let phone = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";
    let sessions = vec![row("ses1", linux, true), row("ses2", phone, false)];
    let trusted = TrustedRow {
        id: text.of("fac1"),
        browser: text.of(&describe_user_agent(Some(phone))),
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
        ("mfa-needed", vec!["an authenticator app"]),
        ("mfa-needed-one-of-two", vec!["an authenticator app", "a passkey"]),
        ("mfa-needed-one-of-three", vec!["an authenticator app", "codes by text message", "a passkey"]),
    ] {
        let page = MfaPage { needed, waiting: waiting(), ..mfa_page(text, Vec::new(), 0, None) };
        gallery.add(&text.name(state), &page);
    }
    gallery.add(&text.name("mfa-waiting"), &MfaPage { waiting: waiting(), ..mfa_page(text, Vec::new(), 0, None) });
    gallery.add(&text.name("recommended"), &RecommendedPage { to: text.of("/account") });
}

fn mfa_page(text: &Texts, authenticators: Vec<AuthenticatorRow>, left: usize, error: Option<FormError>) -> MfaPage {
    MfaPage {
        needed: Vec::new(),
        waiting: None,
        authenticators,
        may_add: true,
        passkeys: Vec::new(),
        add_passkey: Some(AddPasskey { name: String::new() }),
        signal: Some(text.of(r#"{"rpId":"localhost","userId":"AAAA","allAcceptedCredentialIds":[]}"#)),
        emails: Vec::new(),
        add_email: Some(AddAddress { address: text.of("amelia@mail.example"), name: String::new() }),
        phones: Vec::new(),
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
    let refused = Some(text.error("name", "Give the authenticator app a name."));
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
    let wrong =
        Some(text.error("code", "This code is not right. Check the clock of your phone and enter the code shown now."));
    gallery.add(&text.name("totp-enrol-error"), &enrol(wrong));
    for last in [true, false] {
        let name = if last { "totp-remove-last" } else { "totp-remove" };
        gallery.add(&text.name(name), &TotpRemovePage { factor: text.of("fac1"), name: text.of("Phone"), last });
    }

    let rename = |error| TotpRenamePage { factor: text.of("fac1"), name: text.of("Phone"), error };
    gallery.add(&text.name("totp-rename"), &rename(None));
    gallery
        .add(&text.name("totp-rename-error"), &rename(Some(text.error("name", "Give the authenticator app a name."))));

    let codes = (0..10).map(|n| Concealed::from(format!("{n}K7M-Q2XB-9R4T-HW6C-ZJ3{n}"))).collect();
    gallery.add(&text.name("backup-codes"), &BackupCodesPage { codes, user_name: text.of("amelia"), created: when(0) });
    gallery.add(&text.name("backup-codes-unsaved"), &BackupCodesUnsavedPage::default());
    gallery.add(&text.name("backup-codes-regenerate"), &BackupCodesRegeneratePage { left: 1 });
}

fn passwords(gallery: &mut Gallery<'_>, text: &Texts) {
    let password = |error| PasswordPage { user_name: text.of("amelia"), rule: RULE, error };
    gallery.add(&text.name("password"), &password(None));
    let wrong = Some(text.error("current_password", "The current password is wrong."));
    gallery.add(&text.name("password-error"), &password(wrong));
    let reset = ResetPage {
        token: text.of("tok").as_str().into(),
        user_name: text.of("amelia"),
        rule: RULE,
        error: Some(text.error("new_password", "This password is on a list of common passwords. Choose another one.")),
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
    let refused = Some(FormError::fields(&["password", "code"], text.of("The password or the code is wrong.")));
    gallery.add(&text.name("reauthenticate-error"), &reauthenticate(true, false, refused));
    gallery.add(&text.name("reauthenticate-password"), &reauthenticate(false, false, None));
}
