//! A world to test in: the embedded store in a folder of its own behind a [`TestStore`], a clock that stands still, a
//! seeded random source, all services; and the people and applications in it.

mod application;
mod code;
mod memory;
pub(crate) mod person;
mod store;

use std::{
    num::NonZero,
    sync::{Arc, OnceLock},
    time::Duration,
};

use actors::{
    Services, ServicesOptions,
    call::Deadline,
    clock::{Clock as _, MockClock},
    domain::{
        context::{Attempt, Origin, Settings},
        factor::password::Lengths,
        sms::{Countries, SmsPolicy},
    },
    entropy::{Entropy, SeededEntropy},
    hasher::Argon2Params,
    key_ring::Rotation,
    notifier::MAX_WAITING,
    vault::MasterKeys,
};
use cluster::{Authority, Generation, NoCaller};
use schema::{
    AttemptId, Cursor, Kind, Operation, PartitionKey, Put, Revision, Store, Stream, Timestamp, UserId, WriteSet,
    embedded::{EmbeddedStore, Options},
    record::{AuditEvent, Record},
};
use serde_json::value::RawValue;
use tempfile::TempDir;

pub(crate) use application::{App, Issued, redeem, refresh_of};
pub(crate) use code::code_at;
pub(crate) use memory::MemoryStore;
pub(crate) use person::{PASSWORD, Person, new_account, session_ref};
pub(crate) use store::{Cut, Fault, TestStore};

/// When a world begins: five seconds into a TOTP step.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_790_000_015_000);

/// Where and with what a test happens.
pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) store: Arc<TestStore>,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) entropy: Arc<SeededEntropy>,
    behind: Arc<dyn Store>,
    opened: Option<(Arc<EmbeddedStore>, TempDir)>,
}

impl World {
    /// A world with small hashes and nothing else unusual.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// As [`Self::new`], with changed options.
    pub(crate) async fn with(change: impl FnOnce(&mut ServicesOptions)) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let embedded = open(&folder);
        seed_signing_keys(embedded.as_ref()).await;
        Self::over(folder, embedded, Arc::new(MockClock::new(START)), change).await
    }

    async fn over(
        folder: TempDir,
        embedded: Arc<EmbeddedStore>,
        clock: Arc<MockClock>,
        change: impl FnOnce(&mut ServicesOptions),
    ) -> Self {
        let behind: Arc<dyn Store> = Arc::clone(&embedded) as Arc<dyn Store>;
        let entropy = SeededEntropy::new(u64::try_from(clock.now().as_millis()).unwrap_or_default());
        Self { opened: Some((embedded, folder)), ..Self::node(behind, clock, entropy, change).await }
    }

    /// A node over a store that others may use as well; `entropy` is its own.
    pub(crate) async fn node(
        behind: Arc<dyn Store>,
        clock: Arc<MockClock>,
        entropy: SeededEntropy,
        change: impl FnOnce(&mut ServicesOptions),
    ) -> Self {
        let store = Arc::new(TestStore::new(Arc::clone(&behind)));
        let entropy = Arc::new(entropy);
        let mut options = options(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy));
        change(&mut options);
        let services = Services::start(options).await.expect("services start");
        Self { services, store, clock, entropy, behind, opened: None }
    }

    /// The process dies without a word, and another one opens the same folder.
    pub(crate) async fn killed_and_restarted(self) -> Self {
        self.killed_and_restarted_with(|_| {}).await
    }

    /// The same, with changed options.
    pub(crate) async fn killed_and_restarted_with(self, change: impl FnOnce(&mut ServicesOptions)) -> Self {
        let Self { services, clock, opened, behind, .. } = self;
        let (embedded, folder) = opened.expect("this world has a folder");
        embedded.close();
        drop((services, embedded, behind));
        clock.advance(Duration::from_secs(1));
        let embedded = open(&folder);
        Self::over(folder, embedded, clock, change).await
    }

    /// Another node over the same store, with a clock in common and a directory of its own; and its view of the store.
    pub(crate) async fn second_node(&self) -> (Services, Arc<TestStore>) {
        self.second_node_with(|_| {}).await
    }

    /// The same, with changed options.
    pub(crate) async fn second_node_with(
        &self,
        change: impl FnOnce(&mut ServicesOptions),
    ) -> (Services, Arc<TestStore>) {
        let store = Arc::new(TestStore::new(Arc::clone(&self.behind)));
        let entropy = Arc::new(SeededEntropy::new(0x5ec0));
        let mut options = options(Arc::clone(&store), Arc::clone(&self.clock), entropy);
        change(&mut options);
        (Services::start(options).await.expect("services start"), store)
    }

    /// Removes what has ended for good from the store.
    pub(crate) async fn clean_up(&self) {
        let (embedded, _) = self.opened.as_ref().expect("this world has a folder");
        while embedded.collect(self.now()).await.expect("the store works") > 0 {}
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// A fresh attempt from nowhere in particular.
    pub(crate) fn attempt(&self) -> Attempt {
        self.services.attempt(Origin::default())
    }

    /// Every audit event so far, oldest first; what is under way is waited for.
    pub(crate) async fn audit(&self) -> Vec<AuditEvent> {
        self.services.shipper.settled().await;
        self.store_audit().await
    }

    /// Every audit event that is in the stream.
    pub(crate) async fn store_audit(&self) -> Vec<AuditEvent> {
        let events = self.store.read(Stream::Audit, &Cursor::default(), 10_000).await.expect("the store works");
        events.iter().map(|event| AuditEvent::decode(&event.json).expect("an audit event")).collect()
    }

    /// How many audit events of this kind there are, of a user whose actor runs beside the test.
    pub(crate) async fn told_of(&self, user: UserId, kind: &str) -> usize {
        everything_told(&self.services, user).await;
        self.told(kind).await
    }

    /// How many audit events of this kind there are.
    pub(crate) async fn told(&self, kind: &str) -> usize {
        self.audit().await.iter().filter(|event| event.kind == kind).count()
    }

    /// Every item of a user's partition, by key.
    pub(crate) async fn items(&self, user: UserId) -> Vec<String> {
        let key = PartitionKey::new(Kind::User, user);
        let partition = self.store.load(&key, &[""]).await.expect("the store works");
        partition.items.keys().map(ToString::to_string).collect()
    }

    /// Lets idle actors go to rest, and returns when none is left.
    pub(crate) async fn everybody_rests(&self) {
        self.services.shipper.settled().await;
        self.pass(Duration::from_mins(10));
        let rested = async {
            while self.services.accounts.size().0 > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), rested).await.expect("actors go to rest");
    }
}

/// Services over a store, or what refuses it.
pub(crate) async fn start(store: Arc<dyn Store>, clock: Arc<MockClock>) -> Result<Services, actors::ServicesError> {
    let entropy = Arc::new(SeededEntropy::new(0x57a7));
    Services::start(options(Arc::new(TestStore::new(store)), clock, entropy)).await
}

/// Returns when the events of what a user's actor was asked for are appended. An answer leaves before they are handed over, so where
/// actors have threads of their own it can be here first; what is asked after it is answered after that.
pub(crate) async fn everything_told(services: &Services, user: UserId) {
    services.accounts.observe(user, soon()).await.expect("answers");
    services.shipper.settled().await;
}

/// A deadline that no test reaches.
pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_mins(2))
}

fn open(folder: &TempDir) -> Arc<EmbeddedStore> {
    Arc::new(EmbeddedStore::open(folder.path(), &Options::default()).expect("opens"))
}

/// The ring of every world, so that signing keys made in one open in all.
pub(crate) fn master_keys() -> MasterKeys {
    MasterKeys::parse("k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=").expect("a ring")
}

fn options(store: Arc<TestStore>, clock: Arc<MockClock>, entropy: Arc<SeededEntropy>) -> ServicesOptions {
    let node: cluster::NodeId = "test".parse().expect("a node name");
    ServicesOptions {
        store,
        clock,
        entropy,
        master_keys: master_keys(),
        authority: Arc::new(Authority::alone(node, Generation(1), cluster::now())),
        peers: Arc::new(NoCaller),
        serves: true,
        carriers: Vec::new(),
        messages_waiting: MAX_WAITING,
        settings: Settings::default(),
        sms: SmsPolicy { countries: Countries { named: Vec::new(), others: Some(None) }, ..SmsPolicy::default() },
        password_lengths: Lengths::default(),
        argon2: Argon2Params { m_kib: 8, t: 1, p: 1 },
        hash_threads: NonZero::new(2),
        hash_queue: 1024,
        rotation: Rotation::default(),
        max_in_flight: 2048,
        cache_bytes: 8 << 20,
        idle: Duration::from_millis(40),
    }
}

/// Signing keys are made once for all worlds: RSA takes a good part of a second.
pub(crate) async fn seed_signing_keys(store: &dyn Store) {
    static MADE: OnceLock<Vec<Put>> = OnceLock::new();
    static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let key = PartitionKey::new(Kind::Keyring, "signing");
    let turn = MAKING.lock().await;
    if MADE.get().is_none() {
        let folder = tempfile::tempdir().expect("a folder for the keys");
        let clock = Arc::new(MockClock::new(START));
        let embedded = open(&folder);
        let world = Box::pin(World::over(folder, embedded, clock, |_| {})).await;
        let found = world.store.load(&key, &[""]).await.expect("the store works");
        let puts = found.items.into_iter().map(|(key, body)| Put { key, body }).collect();
        MADE.set(puts).expect("made by one");
    }
    drop(turn);
    let write = WriteSet {
        partition: key,
        expected: None,
        first: Revision::first(1 << 40),
        operation: Operation {
            id: AttemptId::from_bytes([9; 16]),
            digest: [0; 32],
            outcome: RawValue::NULL.to_owned(),
        },
        at: START,
        puts: MADE.get().expect("made above").clone(),
        deletes: Vec::new(),
        partition_expires_at: None,
        note_dirty: false,
    };
    store.commit(write).await.expect("the store works");
}

/// `N` bytes of the world's random source.
pub(crate) fn random<const N: usize>(world: &World) -> [u8; N] {
    let entropy: &dyn Entropy = world.entropy.as_ref();
    entropy.array()
}
