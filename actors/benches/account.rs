//! What a decision costs, and what a whole command costs beside a bare commit of the same store in the same run: through
//! permits, directory, actor, rule, settlement and the embedded store, with 1, 64 and 256 users at once.
#![expect(dead_code, unused_imports, reason = "of the shared world this bench uses a part")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use actors::domain::{
    command::{CheckSession, Decide, RedeemOutcome, Refresh, SignInOutcome, VerifyTotp},
    context::{Attempt, Context},
    user::{Areas, User},
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::future::join_all;
use schema::{AttemptId, Commit, Kind, Operation, PartitionKey, Put, Revision, Store as _, WriteSet};
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

use support::{Person, World, code_at, redeem, refresh_of, soon};

const AT_ONCE: [usize; 3] = [1, 64, 256];
const STEP: Duration = Duration::from_secs(30);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// When a measurement begins.
fn clock() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
    Instant::now()
}

/// The user as it is stored, whole.
async fn stored(world: &World, person: &Person) -> User {
    let mut user = User::unloaded(person.user);
    let partition = world.store.load(&User::partition(person.user), &[""]).await.expect("loads");
    user.absorb(&partition, Areas::from_bits(u16::MAX)).expect("readable");
    user
}

/// The rules alone: no actor, no store.
fn decisions(criterion: &mut Criterion) {
    let runtime = runtime();
    let world = runtime.block_on(World::new());
    let (person, app) = runtime.block_on(world.register_with_totp("ada"));
    world.pass(STEP);
    let login = runtime.block_on(world.first_proof(&person));
    let client = runtime.block_on(world.app("shop"));
    let spent = runtime.block_on(world.code(&person, &client));
    let (grant, granted) = runtime.block_on(world.grant(&person, &spent));
    let issued = runtime.block_on(world.code(&person, &client));
    let user = runtime.block_on(stored(&world, &person));
    let attempt = world.attempt();
    let services = &world.services;
    let cx = Context {
        now: world.now(),
        attempt: &attempt,
        vault: &services.vault,
        entropy: services.entropy.as_ref(),
        settings: &services.settings,
    };
    let verify = VerifyTotp { login, code: app.code(world.now()) };
    assert!(matches!(verify.decide(&user, &cx).outcome, SignInOutcome::SignedIn(_)));
    let (refresh, redeem) = (refresh_of(&grant, &granted), redeem(&issued));
    assert!(matches!(refresh.decide(&user, &cx).outcome, RedeemOutcome::Granted(_)));
    assert!(matches!(redeem.decide(&user, &cx).outcome, RedeemOutcome::Granted(_)));
    let mut group = criterion.benchmark_group("decision");
    group.bench_function("verify_totp", |b| b.iter(|| verify.decide(black_box(&user), &cx)));
    group.bench_function("refresh", |b| b.iter(|| refresh.decide(black_box(&user), &cx)));
    group.bench_function("redeem_code", |b| b.iter(|| redeem.decide(black_box(&user), &cx)));
    group.finish();
}

/// Everybody who takes part, with a family each.
struct Crowd {
    world: World,
    people: Vec<(Person, Vec<u8>)>,
    tokens: Vec<Refresh>,
}

impl Crowd {
    async fn gather() -> Self {
        let world = World::with(|options| options.idle = Duration::from_hours(1)).await;
        let client = world.app("shop").await;
        let (mut people, mut tokens) = (Vec::new(), Vec::new());
        for n in 0..AT_ONCE[2] {
            let (person, app) = world.register_with_totp(&format!("user-{n}")).await;
            let issued = world.code(&person, &client).await;
            let (grant, attempt) = world.grant(&person, &issued).await;
            tokens.push(refresh_of(&grant, &attempt));
            people.push((person, app.seed));
        }
        Self { world, people, tokens }
    }

    /// `n` people present a code each.
    async fn verify(&self, n: usize) -> Duration {
        self.world.pass(2 * STEP);
        let now = self.world.now();
        let commands = join_all(self.people[..n].iter().map(|(person, seed)| async move {
            let login = self.world.first_proof(person).await;
            (person.user, self.world.attempt(), VerifyTotp { login, code: code_at(seed, now) })
        }))
        .await;
        let begun = clock();
        let accounts = &self.world.services.accounts;
        let tries = commands
            .into_iter()
            .map(|(user, attempt, command)| async move { accounts.ask(user, &attempt, command, soon()).await });
        let outcomes = join_all(tries).await;
        let took = begun.elapsed();
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(SignInOutcome::SignedIn(_)))));
        took
    }

    /// `n` clients refresh a family each.
    async fn refresh(&mut self, n: usize) -> Duration {
        let accounts = &self.world.services.accounts;
        let commands: Vec<(Attempt, Refresh)> =
            self.tokens[..n].iter().map(|token| (self.world.attempt(), token.clone())).collect();
        let begun = clock();
        let tries = self.people.iter().zip(commands).map(|((person, _), (attempt, command))| async move {
            (accounts.ask(person.user, &attempt, command, soon()).await, attempt)
        });
        let outcomes = join_all(tries).await;
        let took = begun.elapsed();
        for (token, (outcome, attempt)) in self.tokens.iter_mut().zip(outcomes) {
            let Ok(RedeemOutcome::Granted(grant)) = outcome else { panic!("{outcome:?}") };
            *token = refresh_of(&grant, &attempt);
        }
        took
    }

    /// `n` browsers ask whether their session lives: no commit.
    async fn look(&self, n: usize) -> Duration {
        let accounts = &self.world.services.accounts;
        let commands: Vec<_> = self.people[..n]
            .iter()
            .map(|(person, _)| (person.user, self.world.attempt(), CheckSession { session: person.session.clone() }))
            .collect();
        let begun = clock();
        let tries = commands
            .into_iter()
            .map(|(user, attempt, command)| async move { accounts.ask(user, &attempt, command, soon()).await });
        join_all(tries).await.into_iter().for_each(|view| assert!(view.is_ok()));
        begun.elapsed()
    }
}

/// Bare compare-and-sets on partitions of their own, of a body of some 400 bytes.
struct Bare {
    at: Vec<(PartitionKey, Option<Revision>)>,
    drawn: u64,
}

impl Bare {
    fn new() -> Self {
        let key = |n| (PartitionKey::new(Kind::Handle, format_args!("bench/{n}")), None);
        Self { at: (0..AT_ONCE[2]).map(key).collect(), drawn: 0 }
    }

    fn write(&mut self, world: &World, n: usize) -> WriteSet {
        self.drawn += 1;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.drawn.to_be_bytes());
        let json = RawValue::from_string(format!("{{\"filler\":\"{}\"}}", "x".repeat(400))).expect("JSON");
        let (partition, expected) = self.at[n].clone();
        WriteSet {
            partition,
            expected,
            first: Revision::first(self.drawn << 20),
            operation: Operation { id: AttemptId::from_bytes(id), digest: [0; 32], outcome: RawValue::NULL.to_owned() },
            at: world.now(),
            puts: vec![Put { key: "body".into(), body: schema::Body { json, expires_at: None } }],
            deletes: Vec::new(),
            partition_expires_at: None,
            note_dirty: false,
        }
    }

    async fn commit(&mut self, world: &World, n: usize) -> Duration {
        let writes: Vec<WriteSet> = (0..n).map(|n| self.write(world, n)).collect();
        let begun = clock();
        let outcomes = join_all(writes.into_iter().map(|write| world.store.commit(write))).await;
        let took = begun.elapsed();
        for (slot, outcome) in self.at.iter_mut().zip(outcomes) {
            let Ok(Commit::Committed(revision)) = outcome else { panic!("{outcome:?}") };
            slot.1 = Some(revision);
        }
        took
    }
}

fn commands(criterion: &mut Criterion) {
    let runtime = runtime();
    let mut crowd = runtime.block_on(Crowd::gather());
    let mut bare = Bare::new();
    let mut group = criterion.benchmark_group("command");
    group.sample_size(20);
    for n in AT_ONCE {
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("bare commit", n), |b| {
            b.iter_custom(|rounds| (0..rounds).map(|_| runtime.block_on(bare.commit(&crowd.world, n))).sum());
        });
        group.bench_function(BenchmarkId::new("refresh", n), |b| {
            b.iter_custom(|rounds| (0..rounds).map(|_| runtime.block_on(crowd.refresh(n))).sum());
        });
        group.bench_function(BenchmarkId::new("look at a session", n), |b| {
            b.iter_custom(|rounds| (0..rounds).map(|_| runtime.block_on(crowd.look(n))).sum());
        });
    }
    for n in AT_ONCE {
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("verify_totp", n), |b| {
            b.iter_custom(|rounds| (0..rounds).map(|_| runtime.block_on(crowd.verify(n))).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, decisions, commands);
criterion_main!(benches);
