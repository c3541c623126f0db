//! Who is there before anything goes wrong: people who registered and enrolled an authenticator app, addresses and a passkey by
//! the real commands, once for all histories; and what stands in for a hash.

use std::{
    collections::BTreeSet,
    sync::{Mutex, OnceLock, PoisonError},
    time::Duration,
};

use actors::{
    account::{CheckBackupCode, Terms, write_set},
    domain::{
        command::{
            BeginAddress, BeginAddressOutcome, BeginPasskey, BeginPasskeyOutcome, BeginTotp, BeginTotpOutcome, Body,
            ConfirmAddress, ConfirmOutcome, ConfirmPasskey, ConfirmPasskeyOutcome, ConfirmTotp, Decide, Register,
            RegisterOutcome, SignIn, SignedIn,
        },
        context::{Attempt, Context, Origin, Settings},
        factor::passkey::Challenge,
        user::{SessionRef, User},
    },
    entropy::{Entropy, SeededEntropy},
    secret::Seed,
    testing::SoftKey,
    vault::{MasterKeys, Vault},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use schema::{AttemptId, BrowserId, CredentialId, Partition, Revision, Timestamp, UserId, record::Channel};
use serde::de::DeserializeOwned;
use webauthn_rs_core::proto::PublicKeyCredential;

use crate::{code::code_at, proofs, store::Store};

/// When a history begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_790_000_015_000);
/// More than are in one history.
const PEOPLE: u8 = 12;
/// Backup codes of each.
pub(crate) const BACKUP_CODES: usize = 10;

/// Somebody, as stored and as they know themselves.
pub(crate) struct Enrolled {
    pub(crate) user: UserId,
    /// The number of the first password.
    pub(crate) password: usize,
    pub(crate) totp_seed: [u8; 20],
    pub(crate) partition: Partition,
    /// Signing takes it, though nothing is counted.
    passkey: Mutex<SoftKey>,
}

pub(crate) fn vault() -> &'static Vault {
    static VAULT: OnceLock<Vault> = OnceLock::new();
    VAULT.get_or_init(|| {
        let keys = MasterKeys::parse("k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").expect("a ring");
        Vault::new(&keys, keys.first().clone(), "incarnation").expect("the key is there")
    })
}

pub(crate) fn enrolled() -> &'static [Enrolled] {
    static ENROLLED: OnceLock<Vec<Enrolled>> = OnceLock::new();
    ENROLLED.get_or_init(|| (0..PEOPLE).map(enrol).collect())
}

/// The text of a password or a backup code.
pub(crate) fn text(n: usize) -> String {
    format!("secret {n}")
}

/// What stands for the hash of a text: whoever is handed both says at once whether they belong together.
pub(crate) fn hash_of(text: &str) -> String {
    format!("hash of {text}")
}

/// The number of a person's backup code, and its locator.
pub(crate) fn backup_code(password: usize, index: usize) -> (usize, String) {
    (100 + password * BACKUP_CODES + index, format!("abc{index}"))
}

/// The number of a password for what rests on none.
pub(crate) const NO_PASSWORD: usize = usize::MAX;

/// This person's passkey answers.
pub(crate) fn signed(user: UserId, challenge: &Challenge) -> Box<PublicKeyCredential> {
    let one = enrolled().iter().find(|one| one.user == user).expect("enrolled");
    let mut key = one.passkey.lock().unwrap_or_else(PoisonError::into_inner);
    proofs::signed(&mut key, challenge)
}

/// No credential at all, where none is asked for.
pub(crate) fn no_credential() -> CredentialId {
    CredentialId::from_bytes([0; 16])
}

/// What a hash of this text is computed against, and what comes of it.
pub(crate) fn judge_password(user: &User, text: &str) -> Option<(CredentialId, u32, bool)> {
    user.password.as_ref().map(|stored| (stored.credential, stored.version, stored.hash == hash_of(text)))
}

pub(crate) fn judge_backup_code(user: &User, check: &CheckBackupCode) -> Option<(CredentialId, u32, bool)> {
    user.backup.as_ref().map(|set| {
        let unused = set.codes.iter().find(|code| code.locator == check.locator && code.used_at.is_none());
        let right = unused.is_some_and(|code| code.hash == hash_of(check.secret.expose()));
        (set.credential, 0, right)
    })
}

pub(crate) fn attempt(rng: &mut StdRng) -> Attempt {
    Attempt {
        id: AttemptId::from_bytes(rng.random()),
        seed: Seed::new(rng.random()),
        origin: Origin::default(),
        policies: Vec::new(),
    }
}

pub(crate) fn session_ref(attempt: &Attempt, signed_in: &SignedIn) -> SessionRef {
    SessionRef { session: signed_in.session, secret_hash: SignIn::session_secret_hash(&attempt.seed) }
}

/// Decides, commits and applies, with nothing in between.
struct Desk {
    store: Store,
    user: User,
    entropy: SeededEntropy,
    rng: StdRng,
    now: Timestamp,
}

impl Desk {
    fn decide<O: DeserializeOwned>(&mut self, body: &Body) -> (O, Attempt) {
        let (attempt, settings) = (attempt(&mut self.rng), Settings::default());
        let entropy: &dyn Entropy = &self.entropy;
        let cx = Context { now: self.now, attempt: &attempt, vault: vault(), entropy, settings: &settings };
        let mut decision = body.decide(&self.user, &cx);
        let first = Revision::first(u64::from_be_bytes(entropy.array()));
        let shipped = BTreeSet::new();
        let terms = Terms { attempt: &attempt, digest: [0; 32], now: self.now, first, shipped: &shipped };
        let mut write = write_set(&self.user, &mut decision, terms);
        // As if they were shipped.
        write.puts.retain(|put| !put.key.starts_with(schema::EVENT_PREFIX));
        let schema::Commit::Committed(revision) = self.store.commit(write) else { panic!("nobody else writes") };
        self.user.apply(decision.change, revision);
        (serde_json::from_str(decision.outcome.get()).expect("an outcome"), attempt)
    }
}

impl Desk {
    /// One for mail and one for text messages; the session under its new secret.
    fn adds_addresses(&mut self, n: u8, mut session: SessionRef) -> SessionRef {
        let addresses = [format!("person-{n}@mail.example"), format!("+49151123456{n:02}")];
        for (channel, address) in [Channel::Email, Channel::Sms].into_iter().zip(addresses) {
            let name = String::new();
            let begin = BeginAddress { session: session.clone(), channel, name, address, link: false, count: None };
            let (BeginAddressOutcome::Begun { factor }, sent) = self.decide(&begin.into()) else { panic!("begins") };
            let code = proofs::code(&sent);
            let confirm = ConfirmAddress { session: session.clone(), channel, factor, code, backup: Vec::new() };
            let (ConfirmOutcome::Activated { signed_in, .. }, attempt) = self.decide(&confirm.into()) else {
                panic!("activates")
            };
            session = session_ref(&attempt, &signed_in);
        }
        session
    }

    fn adds_passkey(&mut self, session: SessionRef) -> SoftKey {
        let begin = BeginPasskey { session: session.clone(), name: String::new() };
        let (BeginPasskeyOutcome::Begun { factor }, attempt) = self.decide(&begin.into()) else { panic!("begins") };
        let (key, answer) = proofs::passkey(self.user.id, &attempt);
        let confirm = ConfirmPasskey { session, factor, answer, backup: Vec::new(), attested: false };
        let (ConfirmPasskeyOutcome::Judged(ConfirmOutcome::Activated { .. }), _) = self.decide(&confirm.into()) else {
            panic!("activates")
        };
        key
    }
}

fn enrol(n: u8) -> Enrolled {
    let user = UserId::from_random([n.wrapping_mul(21).wrapping_add(1); 16]);
    let mut desk = Desk {
        store: Store::new(false),
        user: User::unloaded(user),
        entropy: SeededEntropy::new(n.into()),
        rng: StdRng::seed_from_u64(n.into()),
        now: START.before(Duration::from_mins(8)),
    };
    let password = usize::from(n);
    let register = Register {
        user_name: format!("person-{n}"),
        email: None,
        password_hash: hash_of(&text(password)),
        claims: Vec::new(),
        roles: BTreeSet::new(),
        browser: BrowserId::from_bytes([n; 16]),
    };
    let (RegisterOutcome::Registered(signed_in), attempt) = desk.decide(&register.into()) else { panic!("registers") };
    let session = session_ref(&attempt, &signed_in);
    let begin = BeginTotp { session: session.clone(), name: "app".to_owned() };
    let (BeginTotpOutcome::Begun { factor }, attempt) = desk.decide(&begin.into()) else { panic!("begins") };
    let totp_seed: [u8; 20] = attempt.seed.derive("totp seed");
    let codes = (0..BACKUP_CODES).map(|index| backup_code(password, index));
    let backup = codes.map(|(n, locator)| (locator, hash_of(&text(n)))).collect();
    let confirm = ConfirmTotp { session, factor, code: code_at(&totp_seed, desk.now), backup };
    let (ConfirmOutcome::Activated { signed_in, .. }, attempt) = desk.decide(&confirm.into()) else {
        panic!("activates")
    };
    let session = desk.adds_addresses(n, session_ref(&attempt, &signed_in));
    let passkey = Mutex::new(desk.adds_passkey(session));
    let partition = desk.store.load(user, &[""]);
    Enrolled { user, password, totp_seed, partition, passkey }
}

/// Outcomes travel as JSON.
pub(crate) fn read<C: Decide>(outcome: &serde_json::value::RawValue) -> C::Outcome {
    serde_json::from_str(outcome.get()).expect("the outcome of its command")
}
