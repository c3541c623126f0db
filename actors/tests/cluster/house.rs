//! Some nodes over one store, with whole services each, a network between them and a clock in common.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actors::{
    ServicesOptions,
    call::{CallError, Deadline},
    clock::MockClock,
    domain::{
        command::{CheckSession, EndSession, SessionView},
        context::Attempt,
    },
    entropy::SeededEntropy,
    peer_service::PeerService,
    stored_view::StoredView,
};
use cluster::{Authority, BOUND, Generation, Member, NodeId, Role, View, ViewStore as _, placement};
use schema::{Store, UserId};

use crate::{
    network::{End, Network},
    postbox::Postbox,
    support::{MemoryStore, Person, START, World, seed_signing_keys, soon},
};

/// A node.
pub(crate) struct Node {
    pub(crate) name: NodeId,
    pub(crate) world: World,
    pub(crate) authority: Arc<Authority>,
}

/// All of them.
pub(crate) struct House {
    pub(crate) nodes: Vec<Node>,
    pub(crate) network: Arc<Network>,
    pub(crate) view: StoredView,
    store: Arc<dyn Store>,
    clock: Arc<MockClock>,
    registered: AtomicUsize,
}

/// A member that serves and owns.
pub(crate) fn member(name: &str) -> Member {
    Member {
        node: name.parse().expect("a name"),
        generation: Generation(1),
        roles: vec![Role::Http, Role::Actors],
        address: format!("{name}:11082").into(),
        level: 0,
        draining: false,
        term: 1,
    }
}

impl House {
    /// Nodes of these names, all in the view, which all have read. Time goes on by itself.
    pub(crate) async fn of(names: &[&str]) -> Self {
        let house = Self::empty(names).await;
        house.put_view(names).await;
        house.all_read().await;
        house
    }

    /// Two nodes, each with a provider of messages of its own.
    pub(crate) async fn with_postboxes(nodes: [(&str, &Arc<Postbox>); 2]) -> Self {
        let mut house = Self::empty(&[]).await;
        for (name, postbox) in nodes {
            let carrier = Arc::clone(postbox);
            house.add(name, |options| options.carriers.push(carrier)).await;
        }
        house.put_view(&nodes.map(|(name, _)| name)).await;
        house.all_read().await;
        house
    }

    /// From now on time passes where everybody waits for it, and only there; and everybody trusts what is owned. For what
    /// needs no hash: a hash thread is not seen to work, so that time would run away.
    pub(crate) async fn stand_still(&self) {
        tokio::time::pause();
        self.settle().await;
    }

    async fn empty(names: &[&str]) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let clock = Arc::new(MockClock::new(START));
        seed_signing_keys(store.as_ref()).await;
        let entropy = Arc::new(SeededEntropy::new(99));
        let view = StoredView::new(Arc::clone(&store), Arc::clone(&clock) as _, entropy);
        let mut house =
            Self { nodes: Vec::new(), network: Arc::default(), view, store, clock, registered: AtomicUsize::new(0) };
        for name in names {
            house.add(name, |_| {}).await;
        }
        house
    }

    /// Starts another node, which is in no view.
    pub(crate) async fn add(&mut self, name: &str, change: impl FnOnce(&mut ServicesOptions)) {
        let name: NodeId = name.parse().expect("a name");
        let authority = Arc::new(Authority::member(name.clone(), Generation(1)));
        let end = End { from: name.clone(), network: Arc::clone(&self.network) };
        let entropy = SeededEntropy::new(1000 + self.nodes.len() as u64);
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let world = World::node(store, clock, entropy, |options| {
            options.authority = Arc::clone(&authority);
            options.peers = Arc::new(end);
            change(options);
        })
        .await;
        let service = PeerService::new(world.services.accounts.clone());
        self.network.attach(name.clone(), Arc::new(service));
        self.nodes.push(Node { name, world, authority });
    }

    /// The next view, of these members.
    pub(crate) async fn put_view(&self, names: &[&str]) -> View {
        self.put_members(names.iter().map(|name| member(name)).collect()).await
    }

    /// The next view, of these members.
    pub(crate) async fn put_members(&self, members: Vec<Member>) -> View {
        let view = self.view.read().await.expect("reads");
        let next = view.followed_by(members);
        assert!(self.view.replace(view.epoch, &next).await.expect("writes"));
        next
    }

    /// Lets the idle actors of a node go to rest, while time stands still.
    pub(crate) async fn rests(&self, name: &str) {
        let world = self.world(name);
        world.services.shipper.settled().await;
        world.pass(Duration::from_mins(10));
        while world.services.accounts.size().0 > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Every node reads the view.
    pub(crate) async fn all_read(&self) {
        for node in &self.nodes {
            self.reads(node.name.as_str()).await;
        }
    }

    /// One node reads the view.
    pub(crate) async fn reads(&self, name: &str) {
        let began = cluster::now();
        let view = self.view.read().await.expect("reads");
        self.node(name).authority.observe(view, began, cluster::now());
    }

    /// Everybody reads the view now and a bound later: what is owned is trusted.
    pub(crate) async fn settle(&self) {
        self.all_read().await;
        tokio::time::sleep(BOUND + Duration::from_millis(1)).await;
        self.all_read().await;
    }

    pub(crate) fn node(&self, name: &str) -> &Node {
        self.nodes.iter().find(|node| node.name.as_str() == name).expect("a node of this name")
    }

    pub(crate) fn world(&self, name: &str) -> &World {
        &self.node(name).world
    }

    /// Somebody whom this node owns by the view in force, registered there.
    pub(crate) async fn person_of(&self, name: &str) -> Person {
        let view = self.view.read().await.expect("reads");
        loop {
            let n = self.registered.fetch_add(1, Ordering::Relaxed);
            let person = self.world(name).register(&format!("person-{n}")).await;
            if placement::owner(&view, person.user.as_bytes()).is_some_and(|owner| owner.node.as_str() == name) {
                return person;
            }
        }
    }

    /// The order in which nodes serve a user.
    pub(crate) async fn order(&self, user: UserId) -> Vec<String> {
        let view = self.view.read().await.expect("reads");
        placement::order(&view, user.as_bytes()).into_iter().map(|member| member.node.to_string()).collect()
    }

    /// Does the session live, as this node says?
    pub(crate) async fn lives(&self, at: &str, person: &Person) -> Result<bool, CallError> {
        self.look(at, person, soon()).await.map(|view| view.is_some())
    }

    pub(crate) async fn look(
        &self,
        at: &str,
        person: &Person,
        deadline: Deadline,
    ) -> Result<Option<SessionView>, CallError> {
        let world = self.world(at);
        let command = CheckSession { session: person.session.clone() };
        world.services.accounts.ask(person.user, &world.attempt(), command, deadline).await
    }

    /// A logout.
    pub(crate) async fn logs_out(&self, at: &str, person: &Person, deadline: Deadline) -> Result<bool, CallError> {
        self.logs_out_as(at, person, &self.world(at).attempt(), deadline).await
    }

    pub(crate) async fn logs_out_as(
        &self,
        at: &str,
        person: &Person,
        attempt: &Attempt,
        deadline: Deadline,
    ) -> Result<bool, CallError> {
        let command = EndSession { session: person.session.session };
        self.world(at).services.accounts.ask(person.user, attempt, command, deadline).await
    }
}
