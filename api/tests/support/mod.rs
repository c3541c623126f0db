//! The whole surface over an embedded store in a folder of its own, with a clock that the tests move and a seeded random
//! source; and browsers that use it.

mod browser;
mod post;

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZero,
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use actors::{
    Services, ServicesOptions,
    call::Deadline,
    clock::{Clock, MockClock},
    domain::{
        command::{Body, Decide, DisableUser},
        context::{Attempt, Origin, Settings},
        factor::password::Lengths,
        sms::{Countries, SmsPolicy},
    },
    entropy::SeededEntropy,
    feature_level::LEVEL,
    hasher::Argon2Params,
    key_ring::Rotation,
    notifier::Carrier,
    stored_view::StoredView,
    vault::MasterKeys,
};
use api::{
    ApiSettings, ApiState,
    mail::{Inbox, Writer},
    page::{Branding, Pages},
};
use cluster::{Authority, Generation, Member, NoCaller, NodeId, Role, View, ViewStore as _};
use schema::{
    Store, Timestamp, UserId,
    embedded::{EmbeddedStore, Options},
    record::Channel,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use url::Url;

pub(crate) use browser::{Answer, Browser, encode};
use post::Post;

/// When a test begins: five seconds into a TOTP step.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_790_000_015_000);
/// Good enough for everybody here.
pub(crate) const PASSWORD: &str = "eleven purple umbrellas walking";
/// The issuer of most tests.
pub(crate) const HTTPS: &str = "https://id.example";
/// The issuer of development mode.
pub(crate) const HTTP: &str = "http://localhost:11080";

const RING: &str = "k1:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// Every server of a test program shows the same pages, which take longer to read than the rest of it to start.
static PAGES: LazyLock<Arc<Pages>> =
    LazyLock::new(|| Arc::new(Pages::new(Branding { product_name: "Doorward".to_owned() })));

/// A server.
pub(crate) struct TestApp {
    pub(crate) services: Services,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) issuer: Url,
    pub(crate) router: axum::Router,
    post: Arc<Post>,
    _folder: TempDir,
}

impl TestApp {
    /// A server with an https issuer and no floor under failures.
    pub(crate) async fn new() -> Self {
        Self::with(HTTPS, |_| {}).await
    }

    /// A server with this issuer and changed settings.
    pub(crate) async fn with(issuer: &str, change: impl FnOnce(&mut ApiSettings)) -> Self {
        let everywhere = Countries { named: Vec::new(), others: Some(None) };
        Self::with_sms(issuer, SmsPolicy { countries: everywhere, ..SmsPolicy::default() }, change).await
    }

    /// A server with other numbers for its rules.
    pub(crate) async fn with_settings(change: impl FnOnce(&mut Settings)) -> Self {
        Self::with_everything(change, |_| {}).await
    }

    /// A server with other numbers for its rules and its surface.
    pub(crate) async fn with_everything(
        rules: impl FnOnce(&mut Settings),
        surface: impl FnOnce(&mut ApiSettings),
    ) -> Self {
        let everywhere = Countries { named: Vec::new(), others: Some(None) };
        let sms = SmsPolicy { countries: everywhere, ..SmsPolicy::default() };
        let mut settings = Settings { issuer: HTTPS.to_owned(), ..Settings::default() };
        rules(&mut settings);
        Self::over(alone(), (settings, sms), surface).await
    }

    /// The only member of a cluster: its clock is measured by others', so that it is doubted when it was set.
    pub(crate) async fn member() -> Self {
        let rules = Settings { issuer: HTTPS.to_owned(), ..Settings::default() };
        let authority = Arc::new(Authority::member(node(), Generation(1)));
        Self::over(authority, (rules, SmsPolicy::default()), |_| {}).await
    }

    /// The same, where text messages have rules of their own.
    pub(crate) async fn with_sms(issuer: &str, sms: SmsPolicy, change: impl FnOnce(&mut ApiSettings)) -> Self {
        let rules = Settings { issuer: issuer.to_owned(), ..Settings::default() };
        Self::over(alone(), (rules, sms), change).await
    }

    async fn over(
        authority: Arc<Authority>,
        (rules, sms): (Settings, SmsPolicy),
        change: impl FnOnce(&mut ApiSettings),
    ) -> Self {
        let issuer = rules.issuer.clone();
        let folder = tempfile::tempdir().expect("a folder for the test");
        copy(template().await.path(), folder.path());
        let clock = Arc::new(MockClock::new(START));
        let pages = Arc::clone(&PAGES);
        let writer = || Writer { pages: Arc::clone(&pages), origin: issuer.clone() };
        let ways = vec![Channel::Email, Channel::Sms];
        let inbox = Arc::new(Inbox::new(writer(), Arc::clone(&clock) as Arc<dyn Clock>, ways));
        let post = Arc::new(Post::new(Arc::clone(&inbox), writer()));
        let messages = (vec![Arc::clone(&post) as _], sms);
        let services = start(folder.path(), Arc::clone(&clock), authority, (rules, messages)).await;
        let issuer = Url::parse(&issuer).expect("a URL");
        let mut settings = ApiSettings::new(issuer.clone());
        settings.failure_floor = Duration::ZERO;
        settings.request_deadline = Duration::from_mins(1);
        change(&mut settings);
        let state = ApiState::new(services.clone(), pages, settings).with_inbox(Some(inbox));
        Self { services, clock, issuer, router: api::router(state), post, _folder: folder }
    }

    /// A browser without cookies.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(self, SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 4711))
    }

    /// The user of that name.
    pub(crate) async fn user(&self, name: &str) -> UserId {
        self.services.sign_in.holder(name).await.expect("the store works").expect("somebody has that name")
    }

    /// An operator asks something about a user.
    pub(crate) async fn operate<C: Decide + Into<Body>>(&self, name: &str, command: C) -> (C::Outcome, Attempt) {
        let attempt = self.services.attempt(Origin::default());
        let (user, deadline) = (self.user(name).await, Deadline::after(Duration::from_mins(1)));
        let outcome = self.services.accounts.ask(user, &attempt, command, deadline).await;
        (outcome.expect("answers"), attempt)
    }

    /// An operator disables a user.
    pub(crate) async fn disable(&self, name: &str) {
        self.operate(name, DisableUser).await;
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }
}

fn node() -> NodeId {
    "test".parse().expect("a node name")
}

/// Without others.
fn alone() -> Arc<Authority> {
    Arc::new(Authority::alone(node(), Generation(1), cluster::now()))
}

/// Writes the view of a cluster of this one member, which has read it.
async fn come_in(authority: &Authority, store: &Arc<dyn Store>, clock: &Arc<MockClock>) {
    let me = Member {
        node: authority.me().clone(),
        generation: authority.generation(),
        roles: vec![Role::Http, Role::Actors],
        address: "".into(),
        level: LEVEL,
        draining: false,
        term: 1,
    };
    let view = View::default().followed_by(vec![me]);
    let row = StoredView::new(Arc::clone(store), Arc::clone(clock) as _, Arc::new(SeededEntropy::new(8)));
    assert!(row.replace(0, &view).await.expect("writes"));
    authority.observe(view, cluster::now(), cluster::now());
}

/// Services over the store in a folder.
async fn start(
    folder: &Path,
    clock: Arc<MockClock>,
    authority: Arc<Authority>,
    (settings, (carriers, sms)): (Settings, (Vec<Arc<dyn Carrier>>, SmsPolicy)),
) -> Services {
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(folder, &Options::default()).expect("opens"));
    if !authority.is_alone() {
        come_in(&authority, &store, &clock).await;
    }
    let options = ServicesOptions {
        store,
        clock,
        entropy: Arc::new(SeededEntropy::new(7)),
        master_keys: MasterKeys::parse(RING).expect("a ring"),
        authority,
        peers: Arc::new(NoCaller),
        serves: true,
        carriers,
        messages_waiting: actors::notifier::MAX_WAITING,
        settings,
        sms,
        password_lengths: Lengths::default(),
        argon2: Argon2Params { m_kib: 8, t: 1, p: 1 },
        hash_threads: NonZero::new(1),
        hash_queue: 1024,
        rotation: Rotation::default(),
        max_in_flight: 2048,
        cache_bytes: 8 << 20,
        idle: Duration::from_mins(1),
    };
    Services::start(options).await.expect("services start")
}

/// A folder that a first start has filled. Signing keys are made once for all tests: RSA takes a good part of a second.
async fn template() -> &'static TempDir {
    static TEMPLATE: OnceCell<TempDir> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(async || {
            let folder = tempfile::tempdir().expect("a folder for the keys");
            let nothing = (Vec::new(), SmsPolicy::default());
            let rules = Settings { issuer: HTTPS.to_owned(), ..Settings::default() };
            let clock = Arc::new(MockClock::new(START));
            let services = start(folder.path(), clock, alone(), (rules, nothing)).await;
            services.stop(Duration::from_secs(5)).await;
            folder
        })
        .await
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            fs::create_dir_all(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
