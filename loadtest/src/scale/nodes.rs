//! The processes of one cluster: on free ports, in a keyspace of their own, ended with this program.

use std::{
    fs::File,
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use data_encoding::BASE64;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use tempfile::TempDir;
use url::Url;

use super::Options;
use crate::{
    http::{Http, Target},
    machine,
    ports::Free,
    scenario::Client,
};

const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
/// A node that is not ready by then never will be.
const PATIENCE: Duration = Duration::from_mins(1);
/// The password hash, cheap on purpose: it costs the same on any number of nodes, and would hide the rest.
pub(super) const ARGON2: &str = "m=64 t=1 p=1";

/// A cluster.
#[derive(Debug)]
pub(super) struct Nodes {
    bin: PathBuf,
    /// The URL of the keyspace.
    store: String,
    folder: TempDir,
    /// Are passwords hashed as the server does by default?
    full_hash: bool,
    threads: u8,
    /// The core that all of them are pinned to.
    core: Option<u16>,
    all: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    http: SocketAddr,
    management: SocketAddr,
    cluster: SocketAddr,
    child: Option<Child>,
}

impl Nodes {
    /// Makes the keyspace and starts every node.
    pub(super) async fn start(options: &Options, count: usize) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let keyspace = format!("scale_{}_{}_{count}", options.seed, std::process::id());
        let store = format!("scylla://{}/{keyspace}?replication={}", options.cql.join(","), options.copies);
        let keys = folder.path().join("keys");
        // A key of a house that nobody else ever enters.
        let key = BASE64.encode(&StdRng::seed_from_u64(options.seed).random::<[u8; 32]>());
        std::fs::write(&keys, format!("k1:{key}"))?;
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o600))?;
        let mut free = Free::new();
        let all = (0..count)
            .map(|_| Ok(Node { http: free.take()?, management: free.take()?, cluster: free.take()?, child: None }));
        let mut cluster = Self {
            bin: options.bin.clone(),
            store,
            folder,
            full_hash: options.full_hash,
            threads: options.threads,
            core: options.core,
            all: all.collect::<anyhow::Result<_>>()?,
        };
        cluster.certify()?;
        cluster.run(&["migrate", "up"])?;
        for n in 0..count {
            cluster.spawn(n)?;
        }
        cluster.ready().await?;
        Ok(cluster)
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Clients of all nodes in turn.
    pub(super) fn http(&self) -> anyhow::Result<Http> {
        let nodes = self.all.iter().map(|node| node.http).collect();
        Ok(Http::new(Target::of_nodes(&Url::parse(&self.origin())?, nodes)))
    }

    /// The management listener of each.
    pub(super) fn management(&self) -> anyhow::Result<Vec<Http>> {
        let one = |node: &Node| {
            let origin = Url::parse(&format!("http://{}", node.management))?;
            Ok(Http::new(Target::of_nodes(&origin, vec![node.management])))
        };
        self.all.iter().map(one).collect()
    }

    /// An application that people sign in to.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        let line = ["client", "create", "--name", "Scale", "--redirect-uri", REDIRECT_URI, "--trusted"];
        let output = self.run(&[&line[..], &["--output", "json"]].concat())?;
        Client::parse(&output, REDIRECT_URI)
    }

    /// CPU time that all of them have used.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        self.all.iter().filter_map(|node| node.child.as_ref()).map(|child| machine::cpu_time(child.id())).sum()
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        for n in 0..self.all.len() {
            let (address, until) = (self.all[n].management, Instant::now() + PATIENCE);
            while !tokio::task::spawn_blocking(move || machine::is_ready(address)).await? {
                let ended = self.all[n].child.as_mut().map(Child::try_wait).transpose()?.flatten();
                if ended.is_some() || Instant::now() > until {
                    let log = std::fs::read_to_string(self.log(n))?;
                    let from = log.len().saturating_sub(2000);
                    bail!("{} is not ready:\n{}", name(n), String::from_utf8_lossy(&log.as_bytes()[from..]));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    fn certify(&self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.bin);
        // Before there are certificates nobody is configured to use them.
        command.current_dir(self.folder.path()).env_clear().args(["cluster", "certs", "--out", "certs"]);
        let names = (0..self.count()).flat_map(|n| ["--node".to_owned(), name(n)]);
        finished(command.args(names), "cluster certs").map(drop)
    }

    fn spawn(&mut self, n: usize) -> anyhow::Result<()> {
        let log = File::create(self.log(n))?;
        let mut command = self.command(n);
        let child = command.arg("serve").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        self.all[n].child = Some(child);
        Ok(())
    }

    fn run(&self, line: &[&str]) -> anyhow::Result<String> {
        finished(self.command(0).args(line), &line.join(" "))
    }

    fn command(&self, n: usize) -> Command {
        let node = &self.all[n];
        let seeds: Vec<_> = self.all.iter().map(|node| node.cluster.to_string()).collect();
        let mut command = match self.core {
            // It becomes the server, and keeps its number.
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string()]).arg(&self.bin);
                command
            }
            None => Command::new(&self.bin),
        };
        command.current_dir(self.folder.path()).env_clear();
        // Where `taskset` is.
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        if !self.full_hash {
            let cheap = [("DOORWARD__PASSWORD__ARGON2__M_KIB", "64"), ("DOORWARD__PASSWORD__ARGON2__T", "1")];
            command.envs(cheap);
        }
        command.env("TOKIO_WORKER_THREADS", self.threads.to_string());
        command.envs([
            ("DOORWARD__ISSUER", self.origin()),
            ("DOORWARD__HTTP__LISTEN", node.http.to_string()),
            ("DOORWARD__MANAGEMENT__LISTEN", node.management.to_string()),
            ("DOORWARD__STORE__URL", self.store.clone()),
            ("DOORWARD_MASTER_KEYS_FILE", "keys".to_owned()),
            // Everybody comes from one address.
            ("DOORWARD__LIMITS__REGISTRATIONS_PER_ADDRESS", "1000000".to_owned()),
            ("DOORWARD__CLUSTER__NODE", name(n)),
            ("DOORWARD__CLUSTER__LISTEN", node.cluster.to_string()),
            ("DOORWARD__CLUSTER__SEEDS", seeds.join(",")),
            ("DOORWARD__CLUSTER__TLS__CA", "certs/ca.crt".to_owned()),
            ("DOORWARD__CLUSTER__TLS__CERT", format!("certs/{}.crt", name(n))),
            ("DOORWARD__CLUSTER__TLS__KEY", format!("certs/{}.key", name(n))),
        ]);
        command
    }

    fn origin(&self) -> String {
        format!("http://localhost:{}", self.all[0].http.port())
    }

    fn log(&self, n: usize) -> PathBuf {
        Path::join(self.folder.path(), format!("{}.log", name(n)))
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        for child in self.all.iter_mut().filter_map(|node| node.child.as_mut()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn name(n: usize) -> String {
    format!("node{}", n + 1)
}

/// What a command printed, if it did what it should.
fn finished(command: &mut Command, what: &str) -> anyhow::Result<String> {
    let output = command.output().with_context(|| command.get_program().display().to_string())?;
    ensure!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
