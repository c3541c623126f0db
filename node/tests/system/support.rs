//! A running `doorward` of a test's own: its own folder, free ports, ended with the test.
//!
//! With `DOORWARD_TEST_NODES` in the environment it is several nodes on a CQL cluster, behind a forwarder that gives each
//! request to another one (`tests/nodes/doorward.mjs`), so that the same tests run against both. Tests about one process,
//! its data folder and its listeners say `alone`.

use std::{
    ffi::{OsStr, OsString},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    time::Duration,
};

use serde_json::Value;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The program under test, in this folder and with nothing in its environment but what lets it run beside other tests.
pub(crate) fn doorward(folder: &Path) -> Command {
    if std::env::var_os("DOORWARD_TEST_NODES").is_none() {
        return alone(folder);
    }
    let mut command = bare(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nodes/doorward.mjs"), folder);
    let ours = |name: &OsString| name == "PATH" || name.to_string_lossy().starts_with("DOORWARD_TEST_");
    command.envs(std::env::vars_os().filter(|(name, _)| ours(name)));
    command.env("DOORWARD_BIN", env!("CARGO_BIN_EXE_doorward"));
    command
}

/// One node with the embedded store, whatever the environment says.
pub(crate) fn alone(folder: &Path) -> Command {
    bare(env!("CARGO_BIN_EXE_doorward"), folder)
}

/// Any program in this folder, with nothing in its environment but what lets it run beside other tests.
pub(crate) fn bare(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().envs([
        ("DOORWARD__HTTP__LISTEN", "127.0.0.1:0"),
        ("DOORWARD__MANAGEMENT__LISTEN", "127.0.0.1:0"),
        ("DOORWARD__LOG__FORMAT", "json"),
    ]);
    command
}

/// What a verb of the command line printed and how it ended.
pub(crate) fn run(folder: &Path, line: &[&str]) -> Output {
    doorward(folder).args(line).output().expect("the program runs")
}

/// The same with the embedded store.
pub(crate) fn run_alone(folder: &Path, line: &[&str]) -> Output {
    alone(folder).args(line).output().expect("the program runs")
}

/// What a verb printed as JSON.
#[track_caller]
pub(crate) fn json(folder: &Path, line: &[&str]) -> Value {
    json_of(&mut doorward(folder), line)
}

/// The same, of any program.
#[track_caller]
pub(crate) fn json_of(program: &mut Command, line: &[&str]) -> Value {
    let output = program.args(line).output().expect("the program runs");
    assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A server that is ready.
pub(crate) struct Server {
    child: Child,
    log: mpsc::Receiver<Value>,
    /// Everything that was logged until it was ready.
    pub(crate) start: Vec<Value>,
    /// Where the public listener is; nowhere, port 0, for a node that serves other nodes only.
    pub(crate) public: SocketAddr,
    /// Where management is.
    pub(crate) management: SocketAddr,
    /// The store's folder.
    pub(crate) data: PathBuf,
}

impl Server {
    /// Starts one in `folder` and waits until it says that it is ready.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::spawn(doorward(folder), folder.join("doorward-data"))
    }

    /// One node with the embedded store.
    pub(crate) fn alone(folder: &Path) -> Self {
        Self::spawn(alone(folder), folder.join("doorward-data"))
    }

    /// Starts one by `command`, whose store, if it is an embedded one, is in `data`.
    pub(crate) fn spawn(mut command: Command, data: PathBuf) -> Self {
        let mut child = command.arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (send, log) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = send.send(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        let mut start = Vec::new();
        let mut address = |messages: &[&str]| loop {
            let line = log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("none of {messages:?} after {start:?}"));
            let found = messages.iter().any(|message| line["message"] == *message);
            let address = line["address"].as_str().unwrap_or("0.0.0.0:0").to_owned();
            start.push(line);
            if found {
                break address.parse().expect("an address");
            }
        };
        let management = address(&["management listens"]);
        let public = address(&["ready", "ready; this node serves other nodes only"]);
        Self { child, log, start, public, management, data }
    }

    /// The next line on stdout that holds `text`.
    pub(crate) fn printed(&mut self, text: &str) -> String {
        let stdout = BufReader::new(self.child.stdout.take().expect("not taken before"));
        let mut lines = stdout.lines().map_while(Result::ok);
        lines.find(|line| line.contains(text)).unwrap_or_else(|| panic!("{text:?} was never printed"))
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next log line that says `message`.
    #[track_caller]
    pub(crate) fn wait_for(&self, message: &str) -> Value {
        self.wait_for_line(|line| line["message"] == message)
    }

    /// The next log line that is as wanted.
    #[track_caller]
    pub(crate) fn wait_for_line(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.log.recv_timeout(PATIENCE).expect("it is logged");
            if wanted(&line) {
                return line;
            }
        }
    }

    /// Sends a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status();
        assert!(status.expect("kill runs").success());
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("ends")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Status and body of a GET.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}
