//! The servers of a run: processes of this program's own, on free ports, with a store of their own; ended with it.
//!
//! Several nodes need a CQL cluster. `script` (`.ci/cql-cluster`) runs it, and with `--netns` puts each node and each store
//! into a network of its own, so that links can be cut and slowed. Beside each node runs a gateway that takes its messages.

mod log;

use std::{
    collections::BTreeSet,
    fs::File,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use data_encoding::BASE64;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tempfile::TempDir;
use url::Url;

use super::{
    Options,
    addresses::{Addresses, addresses},
    faults::{Fault, Possible},
    inbox::Inbox,
};
use crate::{
    http::{Http, Target},
    machine,
    ports::Free,
    scenario::Client,
};

const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
/// SIGTERM.
const TERM: i32 = 15;
/// A text message as the gateway takes it.
const TEXT_MESSAGE: &str = r#"{"to": {{ to|tojson }}, "text": {{ text|tojson }}}"#;
/// A node that is not ready by then never will be.
const PATIENCE: Duration = Duration::from_mins(1);

/// Servers and store.
#[derive(Debug)]
pub(super) struct House {
    options: Options,
    folder: TempDir,
    keyspace: String,
    nodes: Vec<Node>,
    /// Stores that are down or paused just now.
    ill: BTreeSet<usize>,
    /// Nodes that found no store at their start, and were started again.
    restarts: usize,
}

#[derive(Debug)]
struct Node {
    addresses: Addresses,
    child: Option<Child>,
    gateway: Option<Child>,
    /// Where in its log this start of it begins.
    log_from: usize,
    /// Seconds by which its clock is off.
    clock: i8,
}

impl House {
    /// Makes the store ready and starts every node.
    pub(super) async fn start(options: &Options) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let keyspace = format!("chaos_{}_{}", options.seed, std::process::id());
        let mut free = Free::new();
        let nodes = (0..options.nodes)
            .map(|n| {
                Ok(Node {
                    addresses: addresses(options, n, &mut free)?,
                    child: None,
                    gateway: None,
                    log_from: 0,
                    clock: 0,
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        // A key of a house that nobody else ever enters.
        let key = BASE64.encode(&StdRng::seed_from_u64(options.seed).random::<[u8; 32]>());
        std::fs::write(folder.path().join("keys"), format!("k1:{key}"))?;
        set_private(&folder.path().join("keys"))?;
        let mut house = Self { options: options.clone(), folder, keyspace, nodes, ill: BTreeSet::new(), restarts: 0 };
        if !options.cql.is_empty() {
            let names: Vec<_> = (0..options.nodes).flat_map(|n| ["--node".to_owned(), name(n)]).collect();
            let line: Vec<_> =
                ["cluster", "certs", "--out", "certs"].into_iter().chain(names.iter().map(String::as_str)).collect();
            // Before there are certificates nobody is configured to use them.
            let made =
                Command::new(&house.options.bin).current_dir(house.folder.path()).env_clear().args(&line).output()?;
            ensure!(made.status.success(), "cluster certs: {}", String::from_utf8_lossy(&made.stderr));
            house.run(0, &["migrate", "up"])?;
        }
        for n in 0..options.nodes {
            house.take_messages(n)?;
            house.spawn(n)?;
        }
        house.ready().await?;
        Ok(house)
    }

    /// What can be done to it.
    pub(super) fn possible(&self) -> Possible {
        let cluster = !self.options.cql.is_empty();
        Possible {
            nodes: self.nodes.len(),
            stores: if cluster && self.options.script.is_some() { self.options.cql.len() } else { 0 },
            networks: cluster && self.options.netns,
            clocks: self.options.faketime.is_some(),
        }
    }

    /// Clients of all nodes in turn.
    pub(super) fn http(&self) -> anyhow::Result<Http> {
        let nodes = self.nodes.iter().map(|node| node.addresses.http).collect();
        Ok(Http::new(Target::of_nodes(&Url::parse(&self.origin())?, nodes)))
    }

    /// What people are sent.
    pub(super) fn inbox(&self) -> Inbox {
        Inbox::new(self.messages())
    }

    fn messages(&self) -> PathBuf {
        self.folder.path().join("messages")
    }

    /// Starts the gateway of a node.
    fn take_messages(&mut self, n: usize) -> anyhow::Result<()> {
        File::options().create(true).append(true).open(self.messages())?;
        let Addresses { texts, mail, .. } = self.nodes[n].addresses;
        let mut command = self.within(n, &std::env::current_exe()?);
        command
            .args(["gateway", "--http", &texts.to_string(), "--smtp", &mail.to_string(), "--out"])
            .arg(self.messages());
        self.nodes[n].gateway = Some(command.stdin(Stdio::null()).spawn()?);
        Ok(())
    }

    /// An application that people sign in to.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let line = ["client", "create", "--name", "Chaos", "--redirect-uri", REDIRECT_URI, "--trusted"];
        let output = self.run(0, &[&line[..], &["--output", "json"]].concat())?;
        Client::parse(&output, REDIRECT_URI)
    }

    /// Begins a fault.
    pub(super) fn begin(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill(n) => self.signal(n, "KILL").and_then(|()| self.reap(n)).map(drop),
            Fault::Stop(n) => self.signal(n, "TERM"),
            Fault::Pause(n) => self.signal(n, "STOP"),
            Fault::Clock(n, off) => self.set_clock(n, off),
            Fault::CutFromPeers(n) => self.script(&["cut", &name(n), "nodes"]),
            Fault::CutFromStore(n) => self.script(&["cut", &name(n), "stores"]),
            Fault::Slow(n) => self.script(&["slow", &name(n), "80", "2"]),
            Fault::KillStore(n) => self.store(n, "kill"),
            Fault::PauseStore(n) => self.store(n, "pause"),
        }
    }

    /// Ends a fault.
    pub(super) fn end(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::Kill(n) => self.spawn(n),
            Fault::Stop(n) => self.stopped(n).and_then(|()| self.spawn(n)),
            Fault::Pause(n) => self.signal(n, "CONT"),
            Fault::Clock(n, _) => self.set_clock(n, 0),
            Fault::CutFromPeers(n) => self.script(&["heal", &name(n), "nodes"]),
            Fault::CutFromStore(n) => self.script(&["heal", &name(n), "stores"]),
            Fault::Slow(n) => self.script(&["fast", &name(n)]),
            Fault::KillStore(n) => self.store(n, "start"),
            Fault::PauseStore(n) => self.store(n, "resume"),
        }
    }

    /// Starts nodes again that could not begin, as a supervisor does; one that ended otherwise, or after it had been ready,
    /// is an error.
    /// `stopping` are those that were told to end.
    pub(super) fn supervise(&mut self, stopping: &[usize]) -> anyhow::Result<()> {
        for n in (0..self.nodes.len()).filter(|n| !stopping.contains(n)) {
            let Some(child) = &mut self.nodes[n].child else { continue };
            let Some(status) = child.try_wait()? else { continue };
            let excused = self.could_not_begin(n, status)?;
            ensure!(excused, "{} ended by itself, {status}:\n{}", name(n), self.last_lines(n, 10)?);
            self.restarts += 1;
            self.spawn(n)?;
        }
        Ok(())
    }

    /// How many nodes could not begin.
    pub(super) const fn restarts(&self) -> usize {
        self.restarts
    }

    /// Waits until every node is ready.
    pub(super) async fn ready(&mut self) -> anyhow::Result<()> {
        for n in 0..self.nodes.len() {
            let address = self.nodes[n].addresses.management;
            let until = Instant::now() + PATIENCE;
            while !tokio::task::spawn_blocking(move || machine::is_ready(address)).await? {
                self.supervise(&[])?;
                if Instant::now() > until {
                    bail!("{} was not ready within {} s:\n{}", name(n), PATIENCE.as_secs(), self.last_lines(n, 10)?);
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    fn origin(&self) -> String {
        format!("http://localhost:{}", self.nodes[0].addresses.http.port())
    }

    /// A program in the network of node `n`, if it has one.
    fn within(&self, n: usize, bin: &Path) -> Command {
        let mut command = match &self.options.script {
            Some(script) if self.options.netns => {
                let mut command = Command::new(script);
                command.args(["--netns", "exec", &name(n)]).arg(bin);
                command
            }
            _ => Command::new(bin),
        };
        command.current_dir(self.folder.path()).env_clear();
        // What the script goes by.
        for name in ["PATH", "CQL_HOME"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command
    }

    /// A command line of node `n`.
    fn command(&self, n: usize) -> Command {
        let mut command = self.within(n, &self.options.bin);
        let addresses = self.nodes[n].addresses;
        command.envs([
            ("DOORWARD__ISSUER", self.origin()),
            ("DOORWARD__HTTP__LISTEN", addresses.http.to_string()),
            ("DOORWARD__MANAGEMENT__LISTEN", addresses.management.to_string()),
            ("DOORWARD_MASTER_KEYS_FILE", "keys".to_owned()),
            // Chaos is about what is decided, not about what a hash costs.
            ("DOORWARD__PASSWORD__ARGON2__M_KIB", "64".to_owned()),
            ("DOORWARD__PASSWORD__ARGON2__T", "1".to_owned()),
            ("DOORWARD__PASSWORD__FAILURE_FLOOR_MS", "0".to_owned()),
            ("DOORWARD__LOG__LEVEL", log::LEVEL.to_owned()),
            // Everybody comes from one address.
            ("DOORWARD__LIMITS__FAILURES_PER_ADDRESS", "1000000".to_owned()),
            ("DOORWARD__LIMITS__REGISTRATIONS_PER_ADDRESS", "1000000".to_owned()),
            ("DOORWARD__LIMITS__MESSAGES_PER_ADDRESS", "1000000".to_owned()),
            ("DOORWARD__MAIL__FROM", "doorward@mail.example".to_owned()),
            ("DOORWARD__MAIL__SMTP__URL", format!("smtp://{}", addresses.mail)),
            ("DOORWARD__SMS__PROVIDER__KIND", "http".to_owned()),
            ("DOORWARD__SMS__PROVIDER__URL", format!("http://{}/", addresses.texts)),
            ("DOORWARD__SMS__PROVIDER__BODY", TEXT_MESSAGE.to_owned()),
            ("DOORWARD__SMS__COUNTRIES", "DE".to_owned()),
            ("DOORWARD__SMS__BUDGET_PER_DAY", "100000".to_owned()),
        ]);
        if self.options.cql.is_empty() {
            command.env("DOORWARD__STORE__URL", "embedded:data");
            return command;
        }
        let seeds: Vec<_> = self.nodes.iter().map(|node| node.addresses.cluster.to_string()).collect();
        let store = format!("scylla://{}/{}?replication=3", self.options.cql.join(","), self.keyspace);
        command.envs([
            ("DOORWARD__STORE__URL", store),
            ("DOORWARD__CLUSTER__NODE", name(n)),
            ("DOORWARD__CLUSTER__LISTEN", addresses.cluster.to_string()),
            ("DOORWARD__CLUSTER__ADVERTISE", addresses.cluster.to_string()),
            ("DOORWARD__CLUSTER__SEEDS", seeds.join(",")),
            ("DOORWARD__CLUSTER__TLS__CA", "certs/ca.crt".to_owned()),
            ("DOORWARD__CLUSTER__TLS__CERT", format!("certs/{}.crt", name(n))),
            ("DOORWARD__CLUSTER__TLS__KEY", format!("certs/{}.key", name(n))),
        ]);
        command
    }

    fn run(&self, n: usize, line: &[&str]) -> anyhow::Result<String> {
        let output = self.command(n).args(line).output().with_context(|| self.options.bin.display().to_string())?;
        ensure!(output.status.success(), "{}: {}", line.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    fn spawn(&mut self, n: usize) -> anyhow::Result<()> {
        let log = File::options().create(true).append(true).open(self.log(n))?;
        self.nodes[n].log_from = usize::try_from(log.metadata()?.len())?;
        let mut command = self.command(n);
        if let Some(library) = &self.options.faketime {
            let file = self.clock_file(n);
            std::fs::write(&file, clock_text(self.nodes[n].clock))?;
            command.envs([("LD_PRELOAD", library.as_os_str()), ("FAKETIME_TIMESTAMP_FILE", file.as_os_str())]);
            command.envs([("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("FAKETIME_NO_CACHE", "1")]);
        }
        let child = command.arg("serve").stdout(log.try_clone()?).stderr(log).stdin(Stdio::null()).spawn()?;
        self.nodes[n].child = Some(child);
        Ok(())
    }

    fn clock_file(&self, n: usize) -> PathBuf {
        self.folder.path().join(format!("{}.clock", name(n)))
    }

    fn set_clock(&mut self, n: usize, off: i8) -> anyhow::Result<()> {
        self.nodes[n].clock = off;
        Ok(std::fs::write(self.clock_file(n), clock_text(off))?)
    }

    fn signal(&self, n: usize, signal: &str) -> anyhow::Result<()> {
        let Some(child) = &self.nodes[n].child else { return Ok(()) };
        let status = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status()?;
        ensure!(status.success(), "kill -{signal} {}: {status}", name(n));
        Ok(())
    }

    fn reap(&mut self, n: usize) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.nodes[n].child.take().map(|mut child| child.wait()).transpose()?)
    }

    /// Waits for the end of a node that was told to end, which it does in order whatever else is wrong. One that was still
    /// starting has nothing to put in order: the signal ends it, or what kept it from beginning.
    fn stopped(&mut self, n: usize) -> anyhow::Result<()> {
        if let Some(status) = self.reap(n)? {
            let starting = status.signal() == Some(TERM) && !self.was_ready(n)? || self.could_not_begin(n, status)?;
            let in_order = status.success() || starting;
            ensure!(in_order, "{} did not end in order, {status}:\n{}", name(n), self.last_lines(n, 10)?);
        }
        Ok(())
    }

    fn store(&mut self, n: usize, verb: &str) -> anyhow::Result<()> {
        if matches!(verb, "kill" | "pause") {
            self.ill.insert(n)
        } else {
            self.ill.remove(&n)
        };
        self.script(&[verb, &(n + 1).to_string()])
    }

    fn script(&self, line: &[&str]) -> anyhow::Result<()> {
        let Some(script) = &self.options.script else { return Ok(()) };
        let networks = self.options.netns.then_some("--netns");
        let output =
            Command::new(script).args(networks).args(line).output().with_context(|| script.display().to_string())?;
        ensure!(output.status.success(), "{}: {}", line.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

impl Drop for House {
    fn drop(&mut self) {
        for n in 0..self.nodes.len() {
            let Node { child, gateway, .. } = &mut self.nodes[n];
            for child in [child, gateway].into_iter().flatten() {
                let _ = child.kill();
                let _ = child.wait();
            }
        }
        // The store is used by others after this run.
        for n in std::mem::take(&mut self.ill) {
            let verb = |verb| self.script(&[verb, &(n + 1).to_string()]);
            let _ = verb("resume");
            let _ = verb("start");
        }
    }
}

pub(super) fn name(n: usize) -> String {
    format!("node{}", n + 1)
}

fn clock_text(off: i8) -> String {
    format!("{off:+}s")
}

fn set_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}
