//! What must hold when everything comes at once, when the process is killed in the middle of it, and when the store is put
//! back to an earlier time: each one-time thing is accepted once, no guess is free, and nothing that was acknowledged is lost.

#[expect(dead_code, reason = "the tests of a cluster use the rest")]
mod application;
mod browser;
mod factors;
mod http;
mod inbox;
mod kill;
mod passwords;
mod person;
mod registering;
mod restoring;
mod siege;
#[expect(dead_code, reason = "the tests of signals and of the command line use the rest")]
#[path = "../system/support.rs"]
mod support;
mod tokens;

use std::{cell::RefCell, collections::BTreeMap, net::SocketAddr, path::Path, process::Command};

use http::Answer;
use support::{Server, doorward};

/// Starts a server in `folder` that bounds nothing by address, since all requests here come from one.
fn server(mut command: Command, folder: &Path) -> Server {
    command.envs([
        ("DOORWARD__LIMITS__FAILURES_PER_ADDRESS", "1000000"),
        ("DOORWARD__LIMITS__REGISTRATIONS_PER_ADDRESS", "1000000"),
        ("DOORWARD__LIMITS__MESSAGES_PER_ADDRESS", "1000000"),
        ("DOORWARD__PASSWORD__FAILURE_FLOOR_MS", "0"),
        ("DOORWARD__REGISTRATION__BY", "either"),
        ("DOORWARD__LOG__LEVEL", "info,actors::sign_in=debug"),
    ]);
    Server::spawn(command, folder.join("doorward-data"))
}

/// A server of a test's own, with its folder.
struct House {
    folder: tempfile::TempDir,
    server: Server,
    /// Why passwords were refused, as far as the log was read: by the id of the request.
    refused: RefCell<BTreeMap<String, String>>,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let server = server(doorward(folder.path()), folder.path());
        Self { folder, server, refused: RefCell::default() }
    }

    fn site(&self) -> SocketAddr {
        self.server.public
    }

    fn hashes(&self) -> usize {
        hashes(&self.server)
    }

    /// How many of these answers to a wrong password rest on a look at it. The log tells, and no page. It is not the number of hashes:
    /// on several nodes one whose verdict was not committed in time is told to nobody, and who asks again is hashed for again.
    fn looked_at(&self, answers: &[Answer]) -> usize {
        let mut refused = self.refused.borrow_mut();
        let reasons = answers.iter().filter(|answer| answer.status != 503).map(|answer| {
            let id = answer.header("x-request-id").expect("each answer has an id");
            while !refused.contains_key(id) {
                let line = self.server.wait_for("password refused");
                let (of, reason) = (line["span"]["id"].as_str(), line["reason"].as_str());
                refused.insert(of.expect("a request").to_owned(), reason.expect("a reason").to_owned());
            }
            refused[id] == "wrong"
        });
        reasons.filter(|looked_at| *looked_at).count()
    }
}

/// Is the count what the rule allows, with nothing left of it? On several nodes an answer may come too late, and what it told
/// is not seen by who asked.
#[track_caller]
fn no_more_than(allowed: usize, count: usize) {
    assert!(count <= allowed, "{count}");
    assert!(count == allowed || several_nodes(), "{count} on one node");
}

fn several_nodes() -> bool {
    std::env::var_os("DOORWARD_TEST_NODES").is_some()
}

/// Hashes computed since the server was started.
fn hashes(server: &Server) -> usize {
    let (_, metrics) = support::get(server.management, "/metrics");
    let count = metrics.lines().find_map(|line| line.strip_prefix("doorward_password_hashes_total "));
    count.map_or(0, |count| count.trim().parse().expect("a count"))
}
