//! What clients saw: each presentation of a secret with the interval in which it can have been judged, and its answer.
//!
//! Times are microseconds since the history began, of the one monotonic clock that all clients share, so that intervals
//! of different clients can be compared.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use serde::{Serialize, Serializer};

use super::faults;

/// What can be presented. A new factor is one line here and one in [`Kind::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    AuthorizationCode,
    RefreshToken,
    TotpCode,
    BackupCode,
    /// A wrong TOTP code: refused means that it was looked at.
    TotpGuess,
    /// A wrong code in the place of one that was sent, likewise.
    SentGuess,
    /// A wrong backup code, likewise.
    BackupGuess,
    /// A wrong password, likewise; but a stranger is not told that it was not looked at, so that only the nodes' logs say
    /// which they were ([`Story::learn`]).
    WrongPassword,
    /// The right password of somebody at whose account too many wrong ones were tried just now.
    LatePassword,
    Password,
    Session,
    AccessToken,
    SmsCode,
    /// A code by mail, or the link beside it: they are good once together.
    EmailCode,
    /// A passkey's answer to one challenge.
    PasskeyAnswer,
    /// The cookie of a trusted device, together with the right password: accepted if no second factor is asked for.
    TrustedDevice,
    /// Such a cookie, more than a minute after another one took its place.
    StaleTrust,
}

impl Kind {
    pub(crate) const ALL: [Self; 17] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::TotpCode,
        Self::BackupCode,
        Self::TotpGuess,
        Self::SentGuess,
        Self::BackupGuess,
        Self::WrongPassword,
        Self::LatePassword,
        Self::Password,
        Self::Session,
        Self::AccessToken,
        Self::SmsCode,
        Self::EmailCode,
        Self::PasskeyAnswer,
        Self::TrustedDevice,
        Self::StaleTrust,
    ];

    /// Is it a wrong code or password, of which no more are looked at than the throttle allows?
    pub(crate) const fn is_guess(self) -> bool {
        matches!(self, Self::TotpGuess | Self::SentGuess | Self::BackupGuess | Self::WrongPassword)
    }

    /// How often it may be accepted.
    pub(crate) const fn limit(self) -> usize {
        match self {
            Self::AuthorizationCode
            | Self::RefreshToken
            | Self::TotpCode
            | Self::BackupCode
            | Self::SmsCode
            | Self::EmailCode
            | Self::PasskeyAnswer => 1,
            Self::TotpGuess
            | Self::SentGuess
            | Self::BackupGuess
            | Self::WrongPassword
            | Self::LatePassword
            | Self::StaleTrust => 0,
            Self::Password | Self::Session | Self::AccessToken | Self::TrustedDevice => usize::MAX,
        }
    }
}

/// What a presentation was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Accepted,
    /// Looked at, and refused.
    Refused,
    /// Not looked at: too much was tried before.
    Throttled,
    /// Refused in order, with 503 or 429: it may be tried again.
    Unavailable,
    /// No answer: nobody knows what became of it.
    Lost,
}

/// A secret, by its number in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct SecretId(pub(crate) usize);

/// What a revocation ends: a session, a password, a family of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Subject(pub(crate) usize);

/// A secret that was or will be presented.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Secret {
    pub(crate) kind: Kind,
    /// Whose: the number of an account.
    pub(crate) person: usize,
    /// What it lives and dies with.
    pub(crate) subject: Option<Subject>,
    /// The tokens of one grant, which can end before their session does.
    pub(crate) family: Option<Subject>,
    /// Of secrets of one kind and person, none is accepted after one of a higher order (TOTP steps).
    pub(crate) order: u64,
}

/// When a request can have been judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Interval {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// The id that a node gave a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestId(pub(crate) u64);

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As the log has it.
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
}

impl RequestId {
    /// From the header of an answer, or from a log.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}

/// One presentation.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Presented {
    pub(crate) secret: SecretId,
    pub(crate) at: Interval,
    /// The node that answered; none, if nobody did.
    pub(crate) node: Option<usize>,
    /// What that node calls the request in its log.
    pub(crate) request: Option<RequestId>,
    pub(crate) verdict: Verdict,
    /// Did the answer bring the cookie of a trusted device?
    pub(crate) trusted_anew: bool,
}

/// A revocation that the server acknowledged.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Revoked {
    pub(crate) subject: Subject,
    pub(crate) at: Interval,
}

/// Something acknowledged that was looked for at the end.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Kept {
    pub(crate) what: String,
    pub(crate) person: usize,
    pub(crate) there: bool,
}

/// A fault, as it happened.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    pub(crate) at: u64,
    pub(crate) kind: faults::Kind,
    /// All of it, in words.
    pub(crate) what: String,
    /// Does it begin, or end?
    pub(crate) begins: bool,
}

/// Everything, in the order in which it was told.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Story {
    pub(crate) secrets: Vec<Secret>,
    pub(crate) presented: Vec<Presented>,
    pub(crate) revoked: Vec<Revoked>,
    pub(crate) kept: Vec<Kept>,
    pub(crate) faults: Vec<Fault>,
    /// Steps of a life that came to nothing, which is no violation: counted, so that a run that shows nothing is seen.
    pub(crate) stalled: usize,
    subjects: usize,
    people: usize,
    lost: usize,
}

impl Story {
    /// How many faults of each kind have begun.
    pub(crate) fn faults_begun(&self) -> BTreeMap<faults::Kind, usize> {
        let mut begun = BTreeMap::new();
        for fault in self.faults.iter().filter(|fault| fault.begins) {
            *begun.entry(fault.kind).or_default() += 1;
        }
        begun
    }

    /// Takes from the nodes' logs which wrong passwords were looked at, whatever they were answered. How many were refused of which the
    /// logs say nothing.
    pub(crate) fn learn(&mut self, log: &BTreeMap<RequestId, bool>) -> usize {
        let mut untold = 0;
        for presented in &mut self.presented {
            if self.secrets[presented.secret.0].kind != Kind::WrongPassword {
                continue;
            }
            let told = presented.request.and_then(|request| log.get(&request));
            match (presented.verdict, told) {
                (Verdict::Refused | Verdict::Unavailable, Some(true)) => presented.verdict = Verdict::Refused,
                (Verdict::Refused, Some(false)) => presented.verdict = Verdict::Throttled,
                (Verdict::Refused, None) => untold += 1,
                _ => {}
            }
        }
        untold
    }

    /// Presentations of this kind that were looked at and refused.
    pub(crate) fn refused(&self, kind: Kind) -> usize {
        let refused = self.presented.iter().filter(|presented| presented.verdict == Verdict::Refused);
        refused.filter(|presented| self.secrets[presented.secret.0].kind == kind).count()
    }

    /// Presentations that were answered.
    pub(crate) fn answered(&self) -> usize {
        self.presented.len() - self.lost
    }
}

/// A story while it is written.
#[derive(Debug)]
pub(crate) struct History {
    began: Instant,
    story: Mutex<Story>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), story: Mutex::default() }
    }

    /// Microseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(crate) fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something that a revocation can end.
    pub(crate) fn subject(&self) -> Subject {
        let mut story = self.story();
        story.subjects += 1;
        Subject(story.subjects)
    }

    /// The number of another account.
    pub(crate) fn person(&self) -> usize {
        let mut story = self.story();
        story.people += 1;
        story.people
    }

    /// A secret, before it is first presented.
    pub(crate) fn secret(&self, secret: Secret) -> SecretId {
        let mut story = self.story();
        story.secrets.push(secret);
        SecretId(story.secrets.len() - 1)
    }

    /// The interval that began then and ends now.
    pub(crate) fn since(&self, from: u64) -> Interval {
        Interval { from, to: self.now() }
    }

    /// One presentation and its answer.
    pub(crate) fn tell(&self, presented: Presented) {
        let mut story = self.story();
        story.lost += usize::from(presented.verdict == Verdict::Lost);
        story.presented.push(presented);
    }

    /// A secret that was accepted by what a whole step came to.
    pub(crate) fn accepted(&self, secret: SecretId, from: u64) {
        let (at, verdict) = (self.since(from), Verdict::Accepted);
        self.tell(Presented { secret, at, node: None, request: None, verdict, trusted_anew: false });
    }

    /// Was this secret looked at and refused?
    pub(crate) fn was_refused(&self, secret: SecretId) -> bool {
        let refused = |presented: &Presented| presented.secret == secret && presented.verdict == Verdict::Refused;
        self.story().presented.iter().rev().any(refused)
    }

    pub(crate) fn revoked(&self, subject: Subject, from: u64) {
        let at = self.since(from);
        self.story().revoked.push(Revoked { subject, at });
    }

    pub(crate) fn kept(&self, person: usize, what: &str, there: bool) {
        self.story().kept.push(Kept { what: what.to_owned(), person, there });
    }

    pub(crate) fn fault(&self, fault: faults::Fault, begins: bool) {
        let at = self.now();
        self.story().faults.push(Fault { at, kind: fault.kind(), what: format!("{fault:?}"), begins });
    }

    pub(crate) fn stalled(&self) {
        self.story().stalled += 1;
    }
}
