//! What the nodes of a test are to be like: the ground that is prepared for them, and how each is started on it.

use std::{collections::BTreeMap, ffi::OsString, path::Path, process::Command};

use cluster::Role;
use serde::Deserialize;

use crate::{nodes::finished, support};

type Environment = BTreeMap<String, String>;

/// What `tests/nodes/doorward.mjs nodes` prepared: keyspace, certificates and keys for all, addresses for each.
#[derive(Debug, Deserialize)]
pub(crate) struct Ground {
    pub(crate) shared: Environment,
    pub(crate) members: Vec<Member>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// What it is started within, if anything.
    within: Vec<String>,
    pub(crate) environment: Environment,
}

/// A build of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Version {
    /// That of an earlier commit.
    Previous,
    /// The one under test.
    Present,
    /// The one under test with everything raised that a next release may raise.
    Next,
}

impl Version {
    pub(crate) fn program(self) -> OsString {
        let name = match self {
            Self::Present => return env!("CARGO_BIN_EXE_doorward").into(),
            Self::Previous => "DOORWARD_TEST_PREVIOUS",
            Self::Next => "DOORWARD_TEST_NEXT",
        };
        std::env::var_os(name).unwrap_or_else(|| panic!("{name} names no program; .ci/versions builds it"))
    }
}

/// How nodes find each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seeds {
    /// Each is told the addresses of all.
    Addresses,
    /// The store says who is in.
    Store,
    /// One name has the addresses of all.
    Dns,
}

/// What they are to be like.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) version: Version,
    /// Those of each; there are so many nodes.
    pub(crate) roles: Vec<Vec<Role>>,
    pub(crate) seeds: Seeds,
    /// Variables that all of them get.
    pub(crate) settings: Vec<(&'static str, &'static str)>,
}

/// Three that are alike, as they come.
impl Default for Plan {
    fn default() -> Self {
        Self {
            version: Version::Present,
            roles: vec![vec![Role::Http, Role::Actors]; 3],
            seeds: Seeds::Addresses,
            settings: Vec::new(),
        }
    }
}

impl Plan {
    /// Prepares the ground in this folder.
    pub(crate) fn prepare(&self, folder: &Path) -> Ground {
        let mut tool = tool(folder);
        tool.arg("nodes").env("DOORWARD_BIN", self.version.program());
        tool.env("DOORWARD_TEST_NODES", self.roles.len().to_string());
        tool.env("DOORWARD_TEST_SEEDS", format!("{:?}", self.seeds).to_lowercase());
        let mut ground: Ground = serde_json::from_slice(&finished(&mut tool).stdout).expect("JSON");
        for (member, roles) in ground.members.iter_mut().zip(&self.roles) {
            let roles: Vec<_> = roles.iter().map(|role| format!("{role:?}").to_lowercase()).collect();
            member.environment.insert("DOORWARD__CLUSTER__ROLES".to_owned(), roles.join(","));
            let settings = self.settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            member.environment.extend(settings);
        }
        ground
    }
}

/// The program that prepares the ground; it is told of the CQL cluster by the environment.
pub(crate) fn tool(folder: &Path) -> Command {
    let mut tool = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/nodes/doorward.mjs"));
    tool.current_dir(folder);
    tool
}

/// A node; it bounds nothing by address, since all requests here come from one. Its hashes are cheap: many nodes share one
/// machine, and how they work together is the matter here. Its access tokens outlive the longest test.
pub(crate) fn program(version: Version, folder: &Path, member: &Member) -> Command {
    let line: Vec<_> = member.within.iter().map(OsString::from).chain([version.program()]).collect();
    let mut command = support::bare(&line[0], folder);
    command.args(&line[1..]).envs(&member.environment).envs([
        ("DOORWARD__LIMITS__FAILURES_PER_ADDRESS", "1000000"),
        ("DOORWARD__LIMITS__REGISTRATIONS_PER_ADDRESS", "1000000"),
        ("DOORWARD__PASSWORD__FAILURE_FLOOR_MS", "0"),
        ("DOORWARD__LOG__LEVEL", "info,actors::peer_service=debug,api::layer::observe=debug"),
        ("DOORWARD__PASSWORD__ARGON2__M_KIB", "64"),
        ("DOORWARD__TOKEN__ACCESS", "1h"),
    ]);
    command
}
