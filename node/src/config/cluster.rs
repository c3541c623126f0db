//! Section `cluster`: this node among others.

use std::{fmt, path::PathBuf};

use cluster::{NodeId, Role, transport::TlsFiles};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    address::{HostPort, Seed},
    report::Report,
    store::StoreUrl,
    value::{Listen, written_as_text},
};

/// This node among others that share a store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    /// Address and port on which other nodes reach this one, over TCP (calls, mutual TLS) and UDP (who is alive, sealed
    /// under the master key ring). Unset: there is one node. Needs a `scylla://` store and `cluster.tls`.
    pub listen: Option<Listen>,
    /// The address that other nodes are told. Unset: `cluster.listen`, which then must name an address and not
    /// `0.0.0.0` or `[::]`.
    pub advertise: Option<HostPort>,
    /// Where other nodes are found at the start: `HOST:PORT`, `dns:NAME:PORT` (every address of the name), or `store`
    /// (the members that the store knows). Some are enough; the others are learnt from them.
    pub seeds: Vec<Seed>,
    /// What this node does: `http` serves people and applications, `actors` owns users. A node has both unless the two
    /// are scaled apart.
    pub roles: Vec<RoleName>,
    /// The name of this node, the same after each start: 1 to 64 of `a-z`, `0-9` and `-`. Its certificate names it.
    /// Unset: the first part of the machine's host name.
    pub node: Option<NodeName>,
    /// Certificates between nodes; `doorward cluster certs` makes them.
    pub tls: ClusterTls,
}

/// Certificates between nodes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterTls {
    /// PEM file with the authority of the cluster; two authorities while one replaces the other.
    #[schemars(with = "Option<String>")]
    pub ca: Option<PathBuf>,
    /// PEM file with this node's certificate. Read again on SIGHUP, as the other two.
    #[schemars(with = "Option<String>")]
    pub cert: Option<PathBuf>,
    /// PEM file with this node's private key.
    #[schemars(with = "Option<String>")]
    pub key: Option<PathBuf>,
}

/// A role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RoleName {
    /// Serves people and applications.
    Http,
    /// Owns users.
    Actors,
}

/// The name of a node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct NodeName(pub NodeId);

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for NodeName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|error: cluster::NodeIdError| format!("{text:?} is no name: {error}"))
    }
}

written_as_text!(NodeName);

impl Default for Cluster {
    fn default() -> Self {
        Self {
            listen: None,
            advertise: None,
            seeds: vec![Seed::Store],
            roles: vec![RoleName::Http, RoleName::Actors],
            node: None,
            tls: ClusterTls::default(),
        }
    }
}

impl Cluster {
    pub(super) fn check(&self, store: &StoreUrl, report: &mut Report<'_>) {
        report.refuse_if(
            self.roles.is_empty(),
            "cluster.roles",
            "names no role, so the node would do nothing; write [\"http\", \"actors\"], or one of the two",
        );
        self.check_tls(report);
        let Some(listen) = &self.listen else {
            return report.refuse_if(
                self.advertise.is_some(),
                "cluster.advertise",
                "is of no use without cluster.listen; set that as well",
            );
        };
        report.refuse_if(
            matches!(store, StoreUrl::Embedded(_)),
            "cluster.listen",
            "is set, but store.url names an embedded store, which no second node can open; set store.url to \
             scylla://HOST:PORT/KEYSPACE, or unset cluster.listen",
        );
        report.refuse_if(
            listen.0.ip().is_unspecified() && self.advertise.is_none(),
            "cluster.advertise",
            "is unset, and cluster.listen is an address that other nodes cannot call; set it to the HOST:PORT at which \
             they reach this node",
        );
        report.refuse_if(listen.0.port() == 0, "cluster.listen", "needs a port that other nodes know, such as 11082");
        if self.name().is_none() {
            report.refuse(
                "cluster.node",
                "is unset, and the machine has no host name that could be one; set it to 1 to 64 of a-z, 0-9 and -",
            );
        }
    }

    fn check_tls(&self, report: &mut Report<'_>) {
        let files = [
            (&self.tls.ca, "cluster.tls.ca"),
            (&self.tls.cert, "cluster.tls.cert"),
            (&self.tls.key, "cluster.tls.key"),
        ];
        let wanted = self.listen.is_some() || files.iter().any(|(file, _)| file.is_some());
        for (file, key) in files {
            report.refuse_if(
                wanted && file.is_none(),
                key,
                "is unset; nodes speak to each other with certificates, which `doorward cluster certs --out DIR --node \
                 NAME` makes",
            );
            report.refuse_unreadable(file.as_deref(), key);
        }
    }

    /// The name of this node: the configured one, or the first part of the host name.
    pub fn name(&self) -> Option<NodeId> {
        if let Some(name) = &self.node {
            return Some(name.0.clone());
        }
        let host = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
        host.split('.').next()?.parse().ok()
    }

    /// The address that other nodes are told; none if they cannot reach this one.
    pub fn address(&self) -> Option<String> {
        let listen = self.listen.as_ref()?;
        Some(self.advertise.as_ref().map_or_else(|| listen.to_string(), ToString::to_string))
    }

    /// The certificate files, if all are named.
    pub fn tls_files(&self) -> Option<TlsFiles> {
        let ClusterTls { ca, cert, key } = self.tls.clone();
        Some(TlsFiles { ca: ca?, cert: cert?, key: key? })
    }

    /// What this node does.
    pub fn roles(&self) -> Vec<Role> {
        let role = |name: &RoleName| match name {
            RoleName::Http => Role::Http,
            RoleName::Actors => Role::Actors,
        };
        self.roles.iter().map(role).collect()
    }

    /// Does this node serve people and applications?
    pub fn serves_http(&self) -> bool {
        self.roles.contains(&RoleName::Http)
    }
}
