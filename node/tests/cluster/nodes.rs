//! The nodes of one cluster, each a process that a test starts, stops, kills and pauses by itself.

use std::{
    fmt::Debug,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use cluster::{Generation, Role, View, placement};
use schema::UserId;
use serde_json::Value;

use crate::{
    plan::{Ground, Member, Plan, Version, program, tool},
    support::{self, PATIENCE, Server, get},
};

/// Between two looks at something that will be so soon.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A cluster of a test's own.
pub(crate) struct Nodes {
    folder: tempfile::TempDir,
    ground: Ground,
    running: Vec<Option<Server>>,
    versions: Vec<Version>,
    roles: Vec<Vec<Role>>,
    /// The build that the command line is of.
    operator: Version,
}

impl Nodes {
    /// Three nodes, started at the same moment on an empty store, all of them ready.
    pub(crate) fn start() -> Self {
        Self::begin(&Plan::default())
    }

    /// Three nodes of a version.
    pub(crate) fn of(version: Version) -> Self {
        Self::begin(&Plan { version, ..Plan::default() })
    }

    /// So many nodes as there are roles; each has one.
    pub(crate) fn with_roles(roles: &[Role]) -> Self {
        Self::begin(&Plan { roles: roles.iter().map(|role| vec![*role]).collect(), ..Plan::default() })
    }

    /// Nodes as planned, started at the same moment on an empty store, all of them ready.
    pub(crate) fn begin(plan: &Plan) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ground = plan.prepare(folder.path());
        let spawn = &|member| Server::spawn(program(plan.version, folder.path(), member), folder.path().into());
        let running = thread::scope(|scope| {
            let starting: Vec<_> = ground.members.iter().map(|member| scope.spawn(move || spawn(member))).collect();
            starting.into_iter().map(|server| Some(server.join().expect("started"))).collect()
        });
        let versions = vec![plan.version; plan.roles.len()];
        let nodes = Self { folder, ground, running, versions, roles: plan.roles.clone(), operator: plan.version };
        nodes.until_ready();
        nodes
    }

    /// One that runs.
    pub(crate) fn server(&self, node: usize) -> &Server {
        self.running[node].as_ref().expect("it runs")
    }

    /// The file that this variable of one names.
    pub(crate) fn file(&self, node: usize, variable: &str) -> PathBuf {
        self.folder.path().join(self.setting(node, variable))
    }

    /// What this variable of one says.
    pub(crate) fn setting(&self, node: usize, variable: &str) -> &str {
        let Member { environment, .. } = &self.ground.members[node];
        environment.get(variable).or_else(|| self.ground.shared.get(variable)).expect("it is set")
    }

    /// How many there are, running or not.
    pub(crate) fn count(&self) -> usize {
        self.running.len()
    }

    /// The name of one.
    pub(crate) fn name(&self, node: usize) -> &str {
        &self.ground.members[node].name
    }

    /// Where one serves people. It is the same after a restart.
    pub(crate) fn site(&self, node: usize) -> SocketAddr {
        self.ground.members[node].environment["DOORWARD__HTTP__LISTEN"].parse().expect("an address")
    }

    /// Where all that run and serve people do so.
    pub(crate) fn sites(&self) -> Vec<SocketAddr> {
        let serves = |node: &usize| self.running[*node].is_some() && self.roles[*node].contains(&Role::Http);
        let serving = (0..self.count()).filter(serves);
        serving.map(|node| self.site(node)).collect()
    }

    /// The version of one.
    pub(crate) fn version(&self, node: usize) -> Version {
        self.versions[node]
    }

    /// The version of the one with that name.
    pub(crate) fn version_of(&self, name: &str) -> Version {
        let place = self.ground.members.iter().position(|member| member.name == name);
        self.version(place.expect("one of them"))
    }

    /// Ends one at once, as a loss of power does. Gives the moment from which on it did nothing.
    pub(crate) fn kill(&mut self, node: usize) -> Instant {
        let mut server = self.running[node].take().expect("it runs");
        let killed = now();
        server.signal("KILL");
        server.ended();
        killed
    }

    /// Ends one as an operator does, and waits until it has ended.
    pub(crate) fn stop(&mut self, node: usize) {
        let mut server = self.running[node].take().expect("it runs");
        server.signal("TERM");
        assert_eq!(server.ended().code(), Some(0), "{} ends by itself", self.name(node));
    }

    /// Ends one as an operator does; while it stops, once it takes nobody any more, does this, with its management port.
    pub(crate) fn stop_while(&mut self, node: usize, finish: impl FnOnce(&Self, SocketAddr)) {
        let mut server = self.running[node].take().expect("it runs");
        server.signal("TERM");
        server.wait_for("draining: done");
        let site = self.site(node);
        until(|| TcpStream::connect(site).is_ok(), |taken| !taken);
        finish(self, server.management);
        assert_eq!(server.ended().code(), Some(0), "{} ends by itself", self.name(node));
    }

    /// Tells one to end, waits until it drains, and tells it once more. Gives how it ended, and how long after that.
    pub(crate) fn stop_by_force(&mut self, node: usize) -> (Option<i32>, Duration) {
        let mut server = self.running[node].take().expect("it runs");
        server.signal("TERM");
        server.wait_for("draining: done");
        let told = now();
        server.signal("TERM");
        (server.ended().code(), told.elapsed())
    }

    /// Stops the clock of one.
    pub(crate) fn pause(&self, node: usize) {
        self.server(node).signal("STOP");
    }

    /// Lets a paused one go on.
    pub(crate) fn resume(&self, node: usize) {
        self.server(node).signal("CONT");
    }

    /// The next line of a node's log that is as wanted.
    pub(crate) fn log_line(&self, node: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        self.server(node).wait_for_line(wanted)
    }

    /// Starts one that was ended, and waits until it is ready.
    pub(crate) fn start_again(&mut self, node: usize) {
        self.start_as(node, self.versions[node]);
    }

    /// Ends one, starts it as another version, and waits until it is ready.
    pub(crate) fn replace(&mut self, node: usize, version: Version) {
        self.stop(node);
        self.start_as(node, version);
    }

    fn start_as(&mut self, node: usize, version: Version) {
        let (folder, member) = (self.folder.path(), &self.ground.members[node]);
        self.versions[node] = version;
        self.running[node] = Some(Server::spawn(program(version, folder, member), folder.to_owned()));
        self.until_ready();
    }

    /// Starts one that was ended as a version that refuses, and gives how it ended and what it said.
    pub(crate) fn refused(&self, node: usize, version: Version) -> (Option<i32>, String) {
        assert!(self.running[node].is_none(), "it runs");
        let mut command = program(version, self.folder.path(), &self.ground.members[node]);
        let mut child = command.arg("serve").stderr(Stdio::piped()).spawn().expect("starts");
        let began = now();
        while child.try_wait().expect("asked").is_none() {
            if began.elapsed() > PATIENCE {
                child.kill().expect("it runs");
            }
            thread::sleep(LOOK_AGAIN);
        }
        let output = child.wait_with_output().expect("ended");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Waits until all that run are ready and are the members.
    pub(crate) fn until_ready(&self) {
        for server in self.running.iter().flatten() {
            until(|| get(server.management, "/readyz"), |(status, _)| *status == 200);
        }
        let running = self.running.iter().enumerate().filter(|(_, server)| server.is_some());
        let names: Vec<_> = running.map(|(node, _)| self.name(node).to_owned()).collect();
        until(|| self.members(), |members| *members == names);
    }

    /// The members, by the command line.
    pub(crate) fn members(&self) -> Vec<String> {
        let members = self.json(&["cluster", "members", "--output", "json"]);
        let list = members["members"].as_array().expect("a list");
        let mut names: Vec<_> = list.iter().map(|m| m["node"].as_str().expect("a name").to_owned()).collect();
        names.sort();
        names
    }

    /// Status and body of what the management port of one answers.
    pub(crate) fn managed(&self, node: usize, path: &str) -> (u16, String) {
        get(self.server(node).management, path)
    }

    /// What one has counted under a name, with these labels; nothing yet is 0.
    pub(crate) fn metric(&self, node: usize, name: &str) -> u64 {
        counted(self.server(node).management, name)
    }

    /// The node that owns somebody's account while all are members.
    pub(crate) fn owner(&self, user_name: &str) -> String {
        let member = |(member, roles): (&Member, &Vec<Role>)| cluster::Member {
            node: member.name.parse().expect("a node's name"),
            generation: Generation(1),
            roles: roles.clone(),
            address: "".into(),
            level: 0,
            draining: false,
            term: 1,
        };
        let view = View { epoch: 1, members: self.ground.members.iter().zip(&self.roles).map(member).collect() };
        placement::owner(&view, self.user(user_name).as_bytes()).expect("one of them").node.to_string()
    }

    /// The id of an account.
    pub(crate) fn user(&self, user_name: &str) -> UserId {
        let user = self.json(&["user", "show", user_name, "--output", "json"]);
        user["user"].as_str().and_then(|id| id.parse().ok()).expect("an id")
    }

    /// What a statement finds in the store; KEYSPACE is the nodes' own.
    pub(crate) fn cql(&self, statement: &str) -> String {
        let output = finished(tool(self.folder.path()).args(["cql", statement]));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The program, for the command line on the nodes' store.
    pub(crate) fn command(&self) -> Command {
        self.command_of(self.operator)
    }

    /// The same of another version.
    pub(crate) fn command_of(&self, version: Version) -> Command {
        let mut command = support::bare(version.program(), self.folder.path());
        command.envs(&self.ground.shared);
        command
    }

    /// The command line is of this version from now on.
    pub(crate) fn operate_with(&mut self, version: Version) {
        self.operator = version;
    }

    /// What a verb of the command line printed and how it ended.
    pub(crate) fn run(&self, line: &[&str]) -> Output {
        finished(self.command().args(line))
    }

    /// The same, for a verb that prints JSON.
    pub(crate) fn json(&self, line: &[&str]) -> Value {
        support::json_of(&mut self.command(), line)
    }
}

/// What the node with this management port has counted under a name, with these labels; nothing yet is 0.
pub(crate) fn counted(management: SocketAddr, name: &str) -> u64 {
    let (_, metrics) = get(management, "/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |value| value.trim().parse().expect("a whole number"))
}

/// What a program printed that must end well.
#[track_caller]
pub(crate) fn finished(command: &mut Command) -> Output {
    let output = command.output().expect("the program runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// The time, for measuring.
pub(crate) fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "how long people wait is measured from outside")]
    Instant::now()
}

/// Looks until it is as wanted, and gives what was seen then.
#[track_caller]
pub(crate) fn until<T: Debug>(look: impl Fn() -> T, wanted: impl Fn(&T) -> bool) -> T {
    let began = now();
    loop {
        let seen = look();
        if wanted(&seen) {
            return seen;
        }
        assert!(began.elapsed() < PATIENCE, "still {seen:?}");
        thread::sleep(LOOK_AGAIN);
    }
}
