//! What a server costs before it does anything: start to ready, and resident memory before and after a burst.
//!
//! Each start has ports and a data folder of its own; readiness is what `/readyz` says, asked every millisecond.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    cli::{Footprint, ScenarioName},
    http::{Http, Target},
    machine::{self, Resident},
    population,
    ports::Free,
    scenario::{Client, World},
};

/// A start with keys present, the median.
const START: Duration = Duration::from_millis(150);
/// The first start, which makes the keys, the median.
const FIRST_START: Duration = Duration::from_secs(2);
/// Resident memory before any sign-in, and again when a burst is over.
const RESIDENT_KIB: u64 = 30 * 1024;
/// A server that is not ready by then never will be.
const PATIENCE: Duration = Duration::from_secs(30);
const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

/// Measures, prints each figure against its budget, and fails if one is missed.
pub(crate) async fn run(options: &Footprint) -> anyhow::Result<()> {
    let bin = options.bin.canonicalize().with_context(|| format!("--bin: {}", options.bin.display()))?;
    let mut verdict = Verdict { missed: 0 };
    let mut first = Vec::new();
    for _ in 0..options.starts {
        first.push(Running::start(&bin, &tempfile::tempdir()?)?.took);
    }
    verdict.time("first start, keys are made", &mut first, FIRST_START);
    let folder = tempfile::tempdir()?;
    Running::start(&bin, &folder)?.stop()?;
    let mut again = Vec::new();
    for _ in 0..options.starts {
        let running = Running::start(&bin, &folder)?;
        again.push(running.took);
        running.stop()?;
    }
    verdict.time("start with keys present", &mut again, START);
    let running = Running::start(&bin, &folder)?;
    let resident = || machine::resident_kib(running.child.id());
    verdict.memory("before any sign-in", resident()?);
    burst(&running, &bin, &folder, options.burst as usize).await?;
    println!("{:<32}{}", "right after the burst", figure(resident()?));
    tokio::time::sleep(Duration::from_secs(options.settle.into())).await;
    verdict.memory(&format!("{} s after {} sign-ins", options.settle, options.burst), resident()?);
    running.stop()?;
    ensure!(verdict.missed == 0, "{} budgets missed", verdict.missed);
    Ok(())
}

/// As many people as sign-ins register, enrol and sign in to an application, sixteen at a time.
async fn burst(running: &Running, bin: &Path, folder: &TempDir, count: usize) -> anyhow::Result<()> {
    let line = ["client", "create", "--name", "Load", "--redirect-uri", REDIRECT_URI, "--trusted", "--output", "json"];
    let output = running.command(bin, folder).args(line).output()?;
    ensure!(output.status.success(), "client create: {}", String::from_utf8_lossy(&output.stderr));
    let client = Client::parse(&String::from_utf8(output.stdout)?, REDIRECT_URI)?;
    let http = Http::new(running.target()?);
    let users = population::register(&http, 1, count).await?;
    let world = Arc::new(World { http, scenario: ScenarioName::LoginTotp, client, users, seed: 1 });
    let mut visits = JoinSet::new();
    for index in 0..count {
        if visits.len() == 16 {
            visits.join_next().await.transpose()?.transpose()?;
        }
        let world = Arc::clone(&world);
        visits.spawn(async move { world.visit(index).await });
    }
    visits.join_all().await.into_iter().collect::<Result<(), _>>()?;
    Ok(())
}

struct Verdict {
    missed: u32,
}

impl Verdict {
    fn time(&mut self, what: &str, figures: &mut [Duration], budget: Duration) {
        figures.sort_unstable();
        let median = figures[figures.len() / 2];
        let (least, most) = (figures[0].as_millis(), figures[figures.len() - 1].as_millis());
        let mark = self.mark(median <= budget);
        println!(
            "{what:<32}{:>7} ms    at most {:>5} ms   {mark}   median of {}, {least} to {most} ms",
            median.as_millis(),
            budget.as_millis(),
            figures.len()
        );
    }

    fn memory(&mut self, what: &str, resident: Resident) {
        let mark = self.mark(resident.total <= RESIDENT_KIB);
        println!("{what:<32}{}  at most {:>5.1} MiB  {mark}", figure(resident), mib(RESIDENT_KIB));
    }

    fn mark(&mut self, held: bool) -> &'static str {
        self.missed += u32::from(!held);
        if held { "PASS" } else { "FAIL" }
    }
}

fn figure(resident: Resident) -> String {
    format!("{:>7.1} MiB, {:>5.1} of it allocated", mib(resident.total), mib(resident.own))
}

fn mib(kib: u64) -> f64 {
    f64::from(u32::try_from(kib).unwrap_or(u32::MAX)) / 1024.0
}

/// A server that is ready; killed when it is dropped.
struct Running {
    child: Child,
    ports: [u16; 2],
    took: Duration,
}

impl Running {
    fn start(bin: &Path, folder: &TempDir) -> anyhow::Result<Self> {
        let mut free = Free::new();
        let ports = [free.take()?.port(), free.take()?.port()];
        let mut command = configured(bin, folder, ports);
        let begun = Instant::now();
        let child = command.arg("serve").stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut running = Self { child, ports, took: Duration::ZERO };
        while !machine::is_ready(([127, 0, 0, 1], ports[1]).into()) {
            if let Some(status) = running.child.try_wait()? {
                bail!("{} serve ended with {status}", bin.display());
            }
            ensure!(begun.elapsed() < PATIENCE, "{} serve was not ready within 30 s", bin.display());
            thread::sleep(Duration::from_millis(1));
        }
        running.took = begun.elapsed();
        Ok(running)
    }

    /// A command line of the same server.
    fn command(&self, bin: &Path, folder: &TempDir) -> Command {
        configured(bin, folder, self.ports)
    }

    fn target(&self) -> anyhow::Result<Target> {
        origin(self.ports).parse().map_err(anyhow::Error::msg)
    }

    /// Ends it as an operator does.
    fn stop(mut self) -> anyhow::Result<()> {
        let status = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(status.success(), "kill: {status}");
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configured(bin: &Path, folder: &TempDir, ports: [u16; 2]) -> Command {
    let mut command = Command::new(bin);
    command.current_dir(folder.path()).env_clear();
    command.env("DOORWARD__ISSUER", origin(ports));
    command.env("DOORWARD__HTTP__LISTEN", format!("127.0.0.1:{}", ports[0]));
    command.env("DOORWARD__MANAGEMENT__LISTEN", format!("127.0.0.1:{}", ports[1]));
    command.env("DOORWARD__LIMITS__REGISTRATIONS_PER_ADDRESS", "1000000");
    command
}

fn origin(ports: [u16; 2]) -> String {
    format!("http://localhost:{}", ports[0])
}
