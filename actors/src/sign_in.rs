//! Sign-in by name and password, from the typed name to a session (HAZARDS H11, H13).
//!
//! 1. The name, or the address, is normalised and looked up; the answer is kept to ourselves.
//! 2. The name's own counter is asked. Closed, and the browser is no known device of that user: a cool-down, whoever has
//!    or has not that name. Nothing is hashed.
//! 3. Somebody has it: the owner of that account hashes, judges, commits. Nobody: the same work on a decoy, in turns.
//! 4. A failure is counted against the name, durably, before the answer. A success from an unknown device forgets them; one from a known
//!    device ends their row, as it does the account's, and leaves the cool-down.
//!
//! To an unknown device a closed bucket of the account and a suspended password answer as a wrong password, until the name's own
//! counter is closed: at a hundred failures that looks like a cool-down of an hour. It is forgotten sooner than the suspension, and what
//! is seen then must be what is seen of a name that nobody has. The floor under the answer's time is the edge's.

use std::{collections::BTreeMap, sync::Arc};

use schema::{
    Kind, PartitionKey, Store, StoreError, Timestamp, UserId, claim,
    record::{AuditEvent, Channel, Method, Unknown},
};

use crate::{
    account::{Accounts, CheckBackupCode, CheckPassword, Request},
    call::{CallError, Deadline},
    clock::Clock,
    domain::{
        address,
        command::{
            Body, Decide, LoginRef, SignInOutcome, VerifyPasskey, VerifyPasskeyOutcome, VerifySentCodeOutcome,
            VerifySentLink, method_name,
        },
        context::Attempt,
        email,
        factor::{backup_code, password},
        trusted_device::Trust,
        user_name,
    },
    hasher::Priority,
    hashes::Hashes,
    ident::{Asked, Idents, SUSPENDED_LOOKS_LIKE},
    locator::{DeviceLocator, TrustedLocator},
    secret::Secret,
    shipper::Shipper,
};

/// The look-up of a user name.
pub(crate) fn look_up(key: &str) -> String {
    format!("user-name/{key}")
}

/// The look-up of an address that somebody registered under.
pub(crate) fn look_up_address(key: &str) -> String {
    format!("{}{key}", email::LOOK_UP)
}

/// A name and a password, typed.
#[derive(Debug)]
pub struct PasswordTry {
    /// As typed.
    pub name: String,
    /// As typed.
    pub password: Secret<String>,
    /// The login; its device is set here, if `known` belongs to the user.
    pub login: LoginRef,
    /// The browser's known-device cookie, opened.
    pub known: Option<DeviceLocator>,
    /// The cookies of trusted devices that it has, opened; that of the user is shown.
    pub trusted: Vec<TrustedLocator>,
}

/// Signs in. Cheap to clone.
#[derive(Clone)]
pub struct SignInService {
    pub(crate) accounts: Accounts,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hashes: Hashes,
    pub(crate) idents: Idents,
    pub(crate) shipper: Shipper,
}

impl std::fmt::Debug for SignInService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInService").finish_non_exhaustive()
    }
}

impl SignInService {
    /// Checks a password. The user is told of only with an outcome that proves something.
    pub async fn password(
        &self,
        attempt: &Attempt,
        tried: PasswordTry,
        deadline: Deadline,
    ) -> Result<(Option<UserId>, SignInOutcome), CallError> {
        let (key, holder) = self.find(&tried.name).await?;
        let password = password::normalise(tried.password.expose());
        let device = tried.known.filter(|known| Some(known.user) == holder).map(|known| known.device);
        let ident = self.idents.partition(&key);
        let Some(user) = holder else {
            let outcome = self.decoy(attempt, &ident, &password, deadline).await?;
            log_refusal(&SignInOutcome::Stale);
            return Ok((None, outcome));
        };
        let standing = self.idents.standing(&ident).await?;
        if let (Some(until), None) = (standing.closed_until, device) {
            let outcome = SignInOutcome::Throttled { until };
            log_refusal(&outcome);
            return Ok((None, outcome));
        }
        let trusted = tried.trusted.into_iter().find(|trusted| trusted.user == user);
        let trust = trusted.map_or(Trust::None, |trusted| Trust::Shown(trusted.trust));
        let login = LoginRef { device, trust, ..tried.login };
        let request = Request::CheckPassword(CheckPassword { login, password });
        let outcome: SignInOutcome = self.accounts.request(user, attempt, request, deadline).await?;
        log_refusal(&outcome);
        let outcome = match outcome {
            // Nobody to count it against: no account yet, or no password.
            SignInOutcome::Stale => {
                self.idents.fail(&shadow(&ident)).await?;
                self.tell_of_nobody(attempt, &ident);
                SignInOutcome::Wrong
            }
            // Another spelling or another door closed this bucket, or it was long ago: that is not for a stranger to learn.
            SignInOutcome::Throttled { .. } | SignInOutcome::Suspended if device.is_none() => SignInOutcome::Wrong,
            SignInOutcome::Suspended => {
                SignInOutcome::Throttled { until: self.clock.now().after(SUSPENDED_LOOKS_LIKE) }
            }
            other => other,
        };
        let proved = matches!(outcome, SignInOutcome::SecondFactor { .. } | SignInOutcome::SignedIn(_));
        match (device, proved) {
            (None, true) => self.idents.succeed(&ident).await?,
            (None, false) if outcome == SignInOutcome::Wrong => self.idents.fail(&ident).await?,
            (Some(_), true) if standing.failures > 0 => self.idents.spare(&ident).await?,
            (None | Some(_), _) => {}
        }
        Ok((proved.then_some(user), outcome))
    }

    /// Checks a backup code as the second proof of a login. One that cannot be a code is refused by the page already.
    #[expect(clippy::too_many_arguments, reason = "who, which attempt, which login, the code, until when")]
    pub async fn backup_code(
        &self,
        user: UserId,
        attempt: &Attempt,
        login: LoginRef,
        code: backup_code::BackupCode,
        deadline: Deadline,
    ) -> Result<SignInOutcome, CallError> {
        let request = Request::CheckBackupCode(CheckBackupCode { login, locator: code.locator, secret: code.secret });
        self.accounts.request(user, attempt, request, deadline).await
    }

    /// Checks the answer of a passkey without a name typed. The user is the one whom the answer names, and may not be there. A
    /// refusal is told to the audit log alone: nothing of the user is written.
    pub async fn passkey(
        &self,
        user: UserId,
        attempt: &Attempt,
        command: VerifyPasskey,
        deadline: Deadline,
    ) -> Result<VerifyPasskeyOutcome, CallError> {
        let ends = command.ceremony.expires_at;
        let outcome = self.accounts.ask(user, attempt, command, deadline).await?;
        match &outcome {
            VerifyPasskeyOutcome::Judged(SignInOutcome::Wrong) => {
                self.tell_of_unwritten(attempt, Some(user), ("passkey", "wrong"));
            }
            other => self.tell_of_passkey(attempt, None, (other, ends)),
        }
        Ok(outcome)
    }

    /// The same as the second proof of a login. The account tells of what it looked at itself.
    pub async fn second_passkey(
        &self,
        user: UserId,
        attempt: &Attempt,
        command: VerifyPasskey,
        deadline: Deadline,
    ) -> Result<VerifyPasskeyOutcome, CallError> {
        let ends = command.ceremony.expires_at;
        let outcome = self.accounts.ask(user, attempt, command, deadline).await?;
        self.tell_of_passkey(attempt, Some(user), (&outcome, ends));
        Ok(outcome)
    }

    /// Checks a code that was sent, to sign in or to complete a recovery. Where there is none that it could be, nothing of the user is
    /// written; the audit log is told.
    pub async fn sent_code<C: Decide<Outcome = VerifySentCodeOutcome> + Into<Body>>(
        &self,
        user: UserId,
        attempt: &Attempt,
        (channel, command): (Channel, C),
        deadline: Deadline,
    ) -> Result<VerifySentCodeOutcome, CallError> {
        let outcome = self.accounts.ask(user, attempt, command, deadline).await?;
        if outcome == VerifySentCodeOutcome::NoCode {
            self.tell_of_unwritten(attempt, Some(user), (method_name(address::method(channel)), "no_code"));
        }
        Ok(outcome)
    }

    /// Checks the link beside a code by e-mail, likewise.
    pub async fn sent_link(
        &self,
        user: UserId,
        attempt: &Attempt,
        command: VerifySentLink,
        deadline: Deadline,
    ) -> Result<VerifySentCodeOutcome, CallError> {
        let outcome = self.accounts.ask(user, attempt, command, deadline).await?;
        if outcome == VerifySentCodeOutcome::NoCode {
            self.tell_of_unwritten(attempt, Some(user), (method_name(Method::EmailCode), "no_link"));
        }
        Ok(outcome)
    }

    /// Tells of a passkey that was not looked at: nobody has it here, or its challenge is over.
    fn tell_of_passkey(
        &self,
        attempt: &Attempt,
        user: Option<UserId>,
        (outcome, ends): (&VerifyPasskeyOutcome, Timestamp),
    ) {
        match outcome {
            VerifyPasskeyOutcome::Unknown => self.tell_of_unwritten(attempt, user, ("passkey", "unknown")),
            VerifyPasskeyOutcome::Judged(SignInOutcome::LoginEnded) if ends <= self.clock.now() => {
                self.tell_of_unwritten(attempt, user, ("passkey", "over"));
            }
            VerifyPasskeyOutcome::Judged(_) => {}
        }
    }

    /// Tells the audit log alone of a failure that the account has not written.
    fn tell_of_unwritten(&self, attempt: &Attempt, user: Option<UserId>, (method, reason): (&str, &str)) {
        let facts = [("method".to_owned(), method.into()), ("reason".to_owned(), reason.into())];
        let event = self.failed(attempt, user, facts.into());
        self.shipper.tell(&format!("{method}/{}", attempt.id), &event);
    }

    /// The user who holds a name, if its account lists the claim. A name that nobody can have is nobody's.
    pub async fn holder(&self, name: &str) -> Result<Option<UserId>, StoreError> {
        self.find(name).await.map(|(_, holder)| holder)
    }

    /// Tells the audit log that many names were tried from one place, about as many as `names`. Whoever calls sees to it that this is
    /// rare.
    pub fn tell_of_spray(&self, attempt: &Attempt, prefix: &str, names: u32) {
        let facts = [("prefix".to_owned(), prefix.into()), ("names".to_owned(), names.into())];
        let event = AuditEvent { kind: "login.spray".to_owned(), ..self.failed(attempt, None, facts.into()) };
        self.shipper.tell(&format!("spray/{}", attempt.id), &event);
    }

    /// Forgets the failures of a name whose password was set anew (a reset, a change): like a suspension of the account,
    /// the cool-down of its name is lifted by rebinding.
    pub async fn rebound(&self, name: &str) -> Result<(), StoreError> {
        self.idents.forget(&self.idents.partition(&user_name::fold(name))).await
    }

    async fn find(&self, name: &str) -> Result<(String, Option<UserId>), StoreError> {
        // What is neither user name nor address is looked up all the same, under its digest, so that it costs what a name costs.
        let (key, look_up) = match (user_name::parse(name), email::identifier(name)) {
            (Ok(name), _) => (name.key.clone(), look_up(&name.key)),
            (Err(_), Ok(address)) => (address.key.clone(), look_up_address(&address.key)),
            (Err(_), Err(_)) => {
                let key = format!("\u{1}{}", crate::secret::sha256_b64(name.as_bytes()));
                (key.clone(), look_up(&key))
            }
        };
        let owner = claim::owner_of(self.store.as_ref(), &look_up).await?;
        let user = owner.filter(|o| o.owner.kind == Kind::User).and_then(|o| o.owner.id.parse().ok());
        Ok((key, user))
    }

    /// The work of a wrong password, for nobody: loads, one hash, two commits; as few at once as for somebody.
    async fn decoy(
        &self,
        attempt: &Attempt,
        ident: &PartitionKey,
        password: &Secret<String>,
        deadline: Deadline,
    ) -> Result<SignInOutcome, CallError> {
        let _turn = match self.idents.turn(ident, deadline).await? {
            Asked::Given(turn) => turn,
            Asked::Closed(until) => return Ok(SignInOutcome::Throttled { until }),
            // As at somebody's name, whose bucket was closed meanwhile.
            Asked::ClosedMeanwhile => return Ok(SignInOutcome::Wrong),
        };
        self.hashes.verify_dummy(password, Priority::Unknown, deadline).await?;
        self.tell_of_nobody(attempt, ident);
        self.idents.fail(&shadow(ident)).await?;
        self.idents.fail(ident).await?;
        Ok(SignInOutcome::Wrong)
    }

    /// The audit log learns of a failure for a name that nobody has; of the name it learns the HMAC alone, since people
    /// type passwords into the wrong field.
    fn tell_of_nobody(&self, attempt: &Attempt, ident: &PartitionKey) {
        let facts = [("method".to_owned(), "password".into()), ("ident".to_owned(), (*ident.id).into())];
        let event = self.failed(attempt, None, facts.into());
        self.shipper.tell(&format!("{ident}/{}", attempt.id), &event);
    }

    fn failed(
        &self,
        attempt: &Attempt,
        user: Option<UserId>,
        facts: BTreeMap<String, serde_json::Value>,
    ) -> AuditEvent {
        AuditEvent {
            kind: "login.failed".to_owned(),
            at: self.clock.now(),
            user,
            actor: "user".to_owned(),
            address: attempt.origin.address.clone(),
            facts,
            unknown: Unknown::default(),
        }
    }
}

/// Takes the failure that an account would have counted.
fn shadow(ident: &PartitionKey) -> PartitionKey {
    PartitionKey::new(Kind::Ident, format_args!("{}~", ident.id))
}

/// Says why a password is refused, in the span of its request. Pages tell a stranger less: whoever has the id of a request, from its
/// answer or its error page, finds it here.
fn log_refusal(outcome: &SignInOutcome) {
    let reason = match outcome {
        SignInOutcome::Wrong => "wrong",
        SignInOutcome::Throttled { .. } => "throttled",
        SignInOutcome::Suspended => "suspended",
        SignInOutcome::Stale => "nobody",
        SignInOutcome::LoginEnded | SignInOutcome::SecondFactor { .. } | SignInOutcome::SignedIn(_) => return,
    };
    tracing::debug!(reason, "password refused");
}
