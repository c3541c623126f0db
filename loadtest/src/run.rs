//! One run: ceilings → users → load → report.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, ensure};

use crate::{
    ceiling::Ceilings,
    cli::{Run, ScenarioName},
    http::Http,
    machine::{self, Machine},
    pacer, population,
    report::{Generator, Load, Reached, Report, Server},
    scenario::{Client, World},
    schedule::{self, float},
    tally::{Tally, Visit},
};

/// Does what the command line asks for; prints the table and writes the files.
pub(crate) async fn run(options: &Run) -> anyhow::Result<()> {
    let length = Duration::from_secs(options.seconds.into());
    let plan = schedule::plan(options.arrivals, options.rate, length, options.seed)?;
    options.pid.map(machine::cpu_time).transpose()?;
    let ceilings = tokio::task::block_in_place(|| Ceilings::measure(options.argon2.argon2))?;
    let world = Arc::new(world(options).await?);
    let before = Usage::now(options.pid)?;
    let offered = offer(Arc::clone(&world), plan, 0).await?;
    let after = Usage::now(options.pid)?;
    let tally = Tally::of(&offered.visits, offered.start, length)?;
    let done = tally.done();
    let took = offered.start.elapsed().as_secs_f64();
    let goodput_per_sec = float(usize::try_from(done.count)?) / took;
    let server = after.server(&before, took, done.count, options.pid)?;
    let unavoidable = ceilings.unavoidable_ms(options.scenario);
    let report = Report {
        commit: machine::commit(),
        machine: Machine::here(),
        load: Load {
            scenario: options.scenario,
            target: options.target.origin.clone(),
            arrivals: options.arrivals,
            rate_per_sec: options.rate,
            seconds: options.seconds,
            seed: options.seed,
            users: world.users.len(),
        },
        generator: Generator {
            slip: offered.slip,
            saturated: offered.slip.saturated(),
            cpu_share: after.generator.saturating_sub(before.generator).as_secs_f64() / took,
        },
        server,
        ceilings,
        reached: Reached {
            of_rate: unavoidable.map(|ms| goodput_per_sec * ms / 1000.0 / float(machine::cores())),
            of_cpu: unavoidable.zip(server).map(|(ms, server)| ms / server.cpu_ms_per_visit),
        },
        goodput_per_sec,
        latency_ms: done,
        refused_ms: tally.refused(),
        failures: tally.failures().clone(),
    };
    print!("{report}");
    report.write(&options.out, &tally)
}

async fn world(options: &Run) -> anyhow::Result<World> {
    let http = Http::new(options.target.clone());
    let anonymous = matches!(options.scenario, ScenarioName::Discovery | ScenarioName::Jwks);
    ensure!(
        anonymous || options.client.is_some(),
        "--client: this scenario signs in to an application; name the file with its credentials"
    );
    let client = options.client.as_deref().map(|file| Client::read(file, &options.redirect_uri)).transpose()?;
    let client = client.unwrap_or_default();
    let users = if anonymous { 0 } else { options.users as usize };
    let users = population::register(&http, options.seed, users).await.context("registering the users")?;
    let world = World { http, scenario: options.scenario, client, users, seed: options.seed };
    world.prepare(options.seconds.into()).await.context("getting tokens before the run")?;
    Ok(world)
}

/// What became of the plan.
pub(crate) struct Offered {
    start: Instant,
    pub(crate) visits: Vec<Visit>,
    slip: pacer::Slip,
}

/// Offers what is planned; the arrivals are numbered from `first` on.
pub(crate) async fn offer(world: Arc<World>, plan: Vec<Duration>, first: usize) -> anyhow::Result<Offered> {
    let handle = tokio::runtime::Handle::current();
    let start = Instant::now();
    let paced = tokio::task::spawn_blocking(move || {
        pacer::pace(&plan, &handle, |index, intended| {
            let world = Arc::clone(&world);
            async move {
                let result = world.visit(first + index).await;
                Visit { intended, ended: Instant::now(), result }
            }
        })
    });
    let (visits, slip) = paced.await.map_err(|_| anyhow!("the pacer panicked"))?;
    Ok(Offered { start, visits: visits.join_all().await, slip })
}

/// CPU time used so far.
struct Usage {
    generator: Duration,
    server: Option<Duration>,
}

impl Usage {
    fn now(pid: Option<u32>) -> anyhow::Result<Self> {
        let generator = machine::cpu_time(std::process::id())?;
        Ok(Self { generator, server: pid.map(machine::cpu_time).transpose()? })
    }

    fn server(&self, before: &Self, took: f64, done: u64, pid: Option<u32>) -> anyhow::Result<Option<Server>> {
        let (Some(pid), Some(from), Some(to)) = (pid, before.server, self.server) else { return Ok(None) };
        let used = to.saturating_sub(from).as_secs_f64();
        Ok(Some(Server {
            cpu_ms_per_visit: 1000.0 * used / float(usize::try_from(done)?.max(1)),
            cpu_share: used / took,
            resident_kib: machine::resident_kib(pid)?.total,
        }))
    }
}
