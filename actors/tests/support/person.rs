//! A person with a browser and, perhaps, an authenticator app.

use actors::{
    Services,
    account::{ChangePasswordRequest, CheckBackupCode, Request},
    call::CallError,
    domain::{
        command::{
            BeginTotp, BeginTotpOutcome, ChangePasswordOutcome, ConfirmOutcome, ConfirmTotp, LoginRef, ShowTotp,
            SignIn, SignInOutcome, SignedIn, VerifyTotp,
        },
        context::Attempt,
        factor::{backup_code, password::Lengths, totp},
        policy::Asks,
        trusted_device::Trust,
        user::SessionRef,
    },
    locator::DeviceLocator,
    registration::NewAccount,
    sign_in::PasswordTry,
    vault::Purpose,
};
use schema::{BrowserId, DeviceId, FactorId, LoginId, Timestamp, UserId};

use super::{World, code_at, random, soon};

/// Good enough for everybody here.
pub(crate) const PASSWORD: &str = "eleven purple umbrellas walking";

/// Somebody with an account, signed in in one browser.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) user: UserId,
    pub(crate) name: String,
    pub(crate) browser: BrowserId,
    pub(crate) session: SessionRef,
    pub(crate) device: DeviceId,
}

/// An authenticator app, and the codes on paper.
#[derive(Clone, Debug)]
pub(crate) struct Authenticator {
    pub(crate) factor: FactorId,
    pub(crate) seed: Vec<u8>,
    pub(crate) backup: Vec<String>,
}

impl Authenticator {
    /// What it shows at `now`.
    pub(crate) fn code(&self, now: Timestamp) -> totp::Code {
        code_at(&self.seed, now)
    }
}

impl World {
    /// Somebody registers.
    pub(crate) async fn register(&self, name: &str) -> Person {
        let attempt = self.attempt();
        let browser = BrowserId::from_bytes(random(self));
        let new = new_account(name, browser);
        let registered = self.services.registration.register(&attempt, new, soon()).await;
        let (user, signed_in) = registered.expect("registers");
        let session = session_ref(&attempt, &signed_in);
        Person { user, name: name.to_owned(), browser, session, device: signed_in.device }
    }

    /// Somebody registers and enrols an authenticator app.
    pub(crate) async fn register_with_totp(&self, name: &str) -> (Person, Authenticator) {
        let mut person = self.register(name).await;
        let app = self.enrol(&mut person).await;
        (person, app)
    }

    /// Enrols an authenticator app; the enrolment's step is used up.
    pub(crate) async fn enrol(&self, person: &mut Person) -> Authenticator {
        let (factor, seed) = self.begin_totp(person).await;
        let attempt = self.attempt();
        let backup = self.services.hashes.backup_codes(&attempt.seed, soon()).await.expect("hashes");
        let code = code_at(&seed, self.now());
        let confirm = ConfirmTotp { session: person.session.clone(), factor, code, backup };
        let outcome = self.services.accounts.ask(person.user, &attempt, confirm, soon()).await;
        let ConfirmOutcome::Activated { signed_in, .. } = outcome.expect("answers") else {
            panic!("the code is right")
        };
        person.session = session_ref(&attempt, &signed_in);
        let backup = backup_code::draw(&attempt.seed).iter().map(|code| code.expose().to_owned()).collect();
        Authenticator { factor, seed, backup }
    }

    /// Begins an enrolment and reads the seed off the page.
    pub(crate) async fn begin_totp(&self, person: &Person) -> (FactorId, Vec<u8>) {
        let begin = BeginTotp { session: person.session.clone(), name: "Phone".to_owned() };
        let begun = self.services.accounts.ask(person.user, &self.attempt(), begin, soon()).await.expect("answers");
        let BeginTotpOutcome::Begun { factor } = begun else { panic!("{begun:?}") };
        let show = ShowTotp { session: person.session.clone(), factor };
        let shown = self.services.accounts.ask(person.user, &self.attempt(), show, soon()).await.expect("answers");
        let sealed = shown.expect("it awaits its code").sealed_seed;
        let aad = [person.user.to_string(), factor.to_string()];
        let seed = self.services.vault.open(Purpose::TotpSeed, &[&aad[0], &aad[1]], &sealed).expect("opens");
        (factor, seed.to_vec())
    }

    /// A login in a browser that nobody knows.
    pub(crate) fn login(&self) -> LoginRef {
        let (login, browser) = (LoginId::from_bytes(random(self)), BrowserId::from_bytes(random(self)));
        LoginRef { login, browser, device: None, renews: None, trust: Trust::None, asks: Asks::default() }
    }

    /// A login in this person's browser.
    pub(crate) fn login_of(&self, person: &Person) -> LoginRef {
        LoginRef { browser: person.browser, device: Some(person.device), ..self.login() }
    }

    /// A name and a password are typed; a login that names a device shows its cookie.
    pub(crate) async fn type_password(
        &self,
        name: &str,
        password: &str,
        login: &LoginRef,
        owner: Option<UserId>,
    ) -> Result<(SignInOutcome, Attempt), CallError> {
        let attempt = self.attempt();
        let known = owner.zip(login.device).map(|(user, device)| DeviceLocator { user, device });
        let (name, password) = (name.to_owned(), password.to_owned().into());
        let tried = PasswordTry { name, password, login: login.clone(), known, trusted: Vec::new() };
        let (_, outcome) = self.services.sign_in.password(&attempt, tried, soon()).await?;
        Ok((outcome, attempt))
    }

    /// A password typed in a browser that nobody knows.
    pub(crate) async fn guess(&self, name: &str, password: &str) -> SignInOutcome {
        let outcome = self.type_password(name, password, &self.login(), None).await;
        outcome.expect("answers").0
    }

    /// The right password of somebody with a second factor, in a browser that nobody knows.
    pub(crate) async fn first_proof(&self, person: &Person) -> LoginRef {
        let login = self.login();
        let (outcome, _) = self.type_password(&person.name, PASSWORD, &login, None).await.expect("answers");
        assert!(matches!(outcome, SignInOutcome::SecondFactor { .. }), "{outcome:?}");
        login
    }

    /// A TOTP code as the second proof.
    pub(crate) async fn type_totp(&self, person: &Person, login: &LoginRef, code: totp::Code) -> SignInOutcome {
        let command = VerifyTotp { login: login.clone(), code };
        self.services.accounts.ask(person.user, &self.attempt(), command, soon()).await.expect("answers")
    }

    /// A backup code as the second proof.
    pub(crate) async fn type_backup_code(&self, person: &Person, login: &LoginRef, text: &str) -> SignInOutcome {
        let code = backup_code::parse(text).expect("a backup code");
        let check = CheckBackupCode { login: login.clone(), locator: code.locator, secret: code.secret };
        let request = Request::CheckBackupCode(check);
        self.services.accounts.request(person.user, &self.attempt(), request, soon()).await.expect("answers")
    }

    /// Signs in in a new browser, with everything that is asked for.
    pub(crate) async fn sign_in(&self, person: &Person, app: Option<&Authenticator>) -> Person {
        let login = self.login();
        let (mut outcome, mut attempt) = self.type_password(&person.name, PASSWORD, &login, None).await.expect("works");
        if let (SignInOutcome::SecondFactor { .. }, Some(app)) = (&outcome, app) {
            attempt = self.attempt();
            let command = VerifyTotp { login: login.clone(), code: app.code(self.now()) };
            outcome = self.services.accounts.ask(person.user, &attempt, command, soon()).await.expect("answers");
        }
        let SignInOutcome::SignedIn(signed_in) = outcome else { panic!("{outcome:?}") };
        let session = session_ref(&attempt, &signed_in);
        Person { session, device: signed_in.device, browser: login.browser, ..person.clone() }
    }

    /// The current password and a new one.
    pub(crate) async fn change_password(
        &self,
        person: &Person,
        current: &str,
        new: &str,
    ) -> (ChangePasswordOutcome, Attempt) {
        let attempt = self.attempt();
        let new_hash = hash_of(&self.services, new).await;
        let change = ChangePasswordRequest {
            session: person.session.clone(),
            device: Some(person.device),
            current: current.to_owned().into(),
            new_hash,
        };
        let request = Request::ChangePassword(change);
        let outcome = self.services.accounts.request(person.user, &attempt, request, soon()).await.expect("answers");
        (outcome, attempt)
    }
}

/// The hash of a password that may stand alone.
pub(crate) async fn hash_of(services: &Services, password: &str) -> String {
    let rule = Lengths::default().policy(false);
    let hash = services.registration.hash_new_password(&rule, &password.to_owned().into(), &[], soon()).await;
    hash.expect("strong enough")
}

/// The session as its cookie names it after this attempt.
pub(crate) fn session_ref(attempt: &Attempt, signed_in: &SignedIn) -> SessionRef {
    SessionRef { session: signed_in.session, secret_hash: SignIn::session_secret_hash(&attempt.seed) }
}

/// What somebody types to register.
pub(crate) fn new_account(name: &str, browser: BrowserId) -> NewAccount {
    let password = PASSWORD.to_owned().into();
    NewAccount { user_name: name.to_owned(), email: String::new(), password, browser }
}
