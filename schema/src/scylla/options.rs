//! How to reach the cluster, and what every session has in common: no retries, no speculative executions, no client
//! timestamps, and for conditional writes the replicas of a partition always in the same order.

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use rustls::ClientConfig;
use scylla::{
    client::{PoolSize, execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    policies::{
        address_translator::AddressTranslator,
        load_balancing::{DefaultPolicy, LoadBalancingPolicy},
        retry::FallthroughRetryPolicy,
    },
    statement::{Consistency, SerialConsistency},
};
use thiserror::Error;

use super::replication::Replication;
use crate::StoreError;

/// Where the cluster is and how to speak to it.
#[derive(Clone)]
pub struct ScyllaOptions {
    /// `HOST:PORT` of some nodes; the others are learnt from them.
    pub nodes: Vec<String>,
    /// The keyspace: 1 to 48 of `a-z`, `0-9` and `_`, a letter first.
    pub keyspace: String,
    /// Copies of each partition. A keyspace that has others is refused.
    pub replication: Replication,
    /// The user to log in as, if the cluster asks for one.
    pub username: Option<String>,
    /// The password of that user.
    pub password: Option<String>,
    /// Encrypts the connections. A node is verified by its address, as the cluster tells it, so its certificate must
    /// name that.
    pub tls: Option<Arc<ClientConfig>>,
    /// The data centre whose nodes are asked first. If the keyspace has copies there alone, a majority there is asked.
    pub local_dc: Option<String>,
    /// How long a request may take. Above the cluster's own time-outs (2 s), so that its answer, which says more, comes
    /// first.
    pub timeout: Duration,
    /// Every read asks all copies, instead of a majority, and fails while one is away. For a store whose copies may be
    /// of different moments, as after snapshots of its nodes were put back: what one of them alone holds is found, and
    /// the others get it before the read is answered. Conditional writes, and serial reads, need a majority as ever.
    pub every_copy: bool,
    /// How many rows come at once. The usual is far above any partition's; tests want several pages.
    #[doc(hidden)]
    pub page: i32,
    /// For tests that put a proxy before the nodes: the driver dials the addresses that the cluster itself tells, and so
    /// would go around it.
    #[doc(hidden)]
    pub translator: Option<Arc<dyn AddressTranslator>>,
}

impl ScyllaOptions {
    /// The keyspace `keyspace` at `nodes`, with three copies in each data centre and everything else as usual.
    pub fn new(nodes: Vec<String>, keyspace: impl Into<String>) -> Self {
        Self {
            nodes,
            keyspace: keyspace.into(),
            replication: Replication::EachDc(3),
            username: None,
            password: None,
            tls: None,
            local_dc: None,
            timeout: Duration::from_millis(2500),
            every_copy: false,
            page: 2000,
            translator: None,
        }
    }

    /// Is the name of the keyspace one that can stand in a statement?
    pub(super) fn check(&self) -> Result<(), ConnectError> {
        let name = self.keyspace.as_bytes();
        let legal = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_';
        if name.len() > 48 || !name.first().is_some_and(u8::is_ascii_lowercase) || !name.iter().all(legal) {
            return Err(ConnectError::Keyspace(self.keyspace.clone()));
        }
        Ok(())
    }

    /// Which node is asked: a replica, and one nearby first. For conditional writes see [`super::order`].
    pub(super) fn balancing(&self, levels: Levels) -> Arc<dyn LoadBalancingPolicy> {
        // This process asks for a partition at the same replica each time, which has it in its memory then.
        let mut balancing = DefaultPolicy::builder().token_aware(true).enable_shuffling_replicas(false);
        if let Some(name) = &self.local_dc {
            // A coordinator elsewhere would take a local level to mean its own data centre.
            let wide = levels.cas == SerialConsistency::Serial;
            balancing = balancing.prefer_datacenter(name.clone()).permit_dc_failover(wide);
        }
        balancing.build()
    }

    /// How every statement is sent that says nothing else.
    pub(super) fn profile(&self, levels: Levels) -> ExecutionProfile {
        ExecutionProfile::builder()
            .consistency(levels.write)
            .serial_consistency(Some(levels.cas))
            .request_timeout(Some(self.timeout))
            .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
            .speculative_execution_policy(None)
            .load_balancing_policy(self.balancing(levels))
            .build()
    }

    /// Connects to the cluster, at the levels that are right for every keyspace.
    pub(super) async fn session(&self) -> Result<Session, ConnectError> {
        self.check()?;
        let profile = self.profile(Levels::WIDE);
        let mut builder = SessionBuilder::new()
            .known_nodes(&self.nodes)
            .default_execution_profile_handle(profile.into_handle())
            .pool_size(PoolSize::PerShard(NonZeroUsize::MIN))
            .tcp_nodelay(true)
            .tcp_keepalive_interval(Duration::from_secs(10))
            .keepalive_interval(Duration::from_secs(5))
            .keepalive_timeout(Duration::from_secs(5))
            .connection_timeout(Duration::from_secs(5))
            .tls_context(self.tls.clone());
        if let Some(username) = &self.username {
            builder = builder.user(username, self.password.clone().unwrap_or_default());
        }
        if let Some(translator) = &self.translator {
            builder = builder.address_translator(Arc::clone(translator));
        }
        builder.build().await.map_err(|error| {
            let (nodes, reason) = (self.nodes.join(", "), error.to_string());
            ConnectError::Unreachable { nodes, reason: format!("{}{reason}", advice(&reason)) }
        })
    }
}

/// What to do about it, where the driver's words tell what is missing.
fn advice(reason: &str) -> &'static str {
    const KNOWN: [(&str, &str); 4] = [
        ("UnknownIssuer", "store.tls.ca is not the authority of the store's certificate: "),
        ("received fatal alert", "the store does not take our certificate, see store.tls.cert: "),
        ("bad credentials", "the store does not know this user or password, see store.username: "),
        ("Authentication is required", "the store wants a user and a password, see store.username: "),
    ];
    KNOWN.iter().find(|(words, _)| reason.contains(words)).map_or("", |(_, advice)| advice)
}

impl fmt::Debug for ScyllaOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScyllaOptions")
            .field("nodes", &self.nodes)
            .field("keyspace", &self.keyspace)
            .field("replication", &self.replication)
            .field("username", &self.username)
            .field("tls", &self.tls.is_some())
            .field("local_dc", &self.local_dc)
            .field("timeout", &self.timeout)
            .field("every_copy", &self.every_copy)
            .finish_non_exhaustive()
    }
}

/// The consistency levels of a session.
///
/// Which ones count is decided by how the keyspace is replicated, never by what is configured: two nodes whose majorities
/// need not meet would both accept the same one-time code. The local ones are for a keyspace with one data centre, where
/// they ask the same replicas as the wide ones, so that a node with `local_dc` and one without agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Levels {
    /// Plain reads.
    pub(super) plain: Consistency,
    /// Plain writes, and the last phase of a conditional write.
    pub(super) write: Consistency,
    /// Reads that order themselves among the conditional writes.
    pub(super) read: Consistency,
    /// Conditional writes.
    pub(super) cas: SerialConsistency,
}

impl Levels {
    /// A majority of all copies.
    pub(super) const WIDE: Self = Self {
        plain: Consistency::Quorum,
        write: Consistency::Quorum,
        read: Consistency::Serial,
        cas: SerialConsistency::Serial,
    };
    /// A majority of the copies in the coordinator's data centre.
    pub(super) const LOCAL: Self = Self {
        plain: Consistency::LocalQuorum,
        write: Consistency::LocalQuorum,
        read: Consistency::LocalSerial,
        cas: SerialConsistency::LocalSerial,
    };

    /// The same, but for plain reads, which ask all copies.
    pub(super) const fn of_every_copy(self) -> Self {
        Self { plain: Consistency::All, ..self }
    }
}

/// Why a store in a cluster cannot be used.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The keyspace has a name that cannot be used.
    #[error("a keyspace is named with 1 to 48 of a-z, 0-9 and _, a letter first, not {0:?}")]
    Keyspace(String),
    /// No node answered, or none let us in.
    #[error("cannot connect to {nodes}: {reason}")]
    Unreachable {
        /// Which were tried.
        nodes: String,
        /// Why, in the driver's words.
        reason: String,
    },
    /// The tables are older than this version needs.
    #[error("the keyspace {keyspace} has schema {found}, this version needs {needed}: run `doorward migrate up`")]
    Older {
        /// Where.
        keyspace: String,
        /// Its level; 0 if it has no tables of ours.
        found: i32,
        /// The level that this version is written for.
        needed: i32,
    },
    /// The tables are newer than this version can work with.
    #[error("the keyspace {keyspace} has schema {found}, this version works with {known} and {}: run a newer version", known + 1)]
    Newer {
        /// Where.
        keyspace: String,
        /// Its level.
        found: i32,
        /// The level that this version is written for.
        known: i32,
    },
    /// The keyspace has other copies than are configured.
    #[error(
        "the keyspace {keyspace} has {found}, store.url says {wanted}: write in store.url what the keyspace has, or change \
         the keyspace (ALTER KEYSPACE {keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy', …}}, with every \
         node stopped, and a full repair after it)"
    )]
    Replication {
        /// Where.
        keyspace: String,
        /// As the cluster says.
        found: String,
        /// As configured.
        wanted: String,
    },
    /// A migration failed, or does not fit what is recorded.
    #[error("{0}")]
    Migration(String),
    /// The cluster answered, but not as it must.
    #[error("the cluster cannot be used: {0}")]
    Unfit(String),
    /// The cluster did not answer a question.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyspace_is_named_so_that_it_can_stand_in_a_statement() {
        for (name, legal) in
            [("doorward", true), ("d_1", true), ("", false), ("1d", false), ("a;b", false), ("A", false)]
        {
            assert_eq!(ScyllaOptions::new(vec![], name).check().is_ok(), legal, "{name:?}");
        }
        assert!(ScyllaOptions::new(vec![], "x".repeat(49)).check().is_err());
    }

    /// A second execution of a conditional write, by whatever the driver has for that, would find its own first one and
    /// be told of a conflict; one at another serial level would not meet those of others.
    #[test]
    fn a_statement_is_sent_once_within_its_time_and_at_the_level_of_the_keyspace() {
        let options = ScyllaOptions::new(vec![], "doorward");
        for (levels, write, cas) in [
            (Levels::WIDE, Consistency::Quorum, SerialConsistency::Serial),
            (Levels::LOCAL, Consistency::LocalQuorum, SerialConsistency::LocalSerial),
            (Levels::WIDE.of_every_copy(), Consistency::Quorum, SerialConsistency::Serial),
            (Levels::LOCAL.of_every_copy(), Consistency::LocalQuorum, SerialConsistency::LocalSerial),
        ] {
            let profile = options.profile(levels);
            assert!(profile.get_speculative_execution_policy().is_none());
            assert_eq!(format!("{:?}", profile.get_retry_policy()), "FallthroughRetryPolicy");
            assert_eq!(profile.get_request_timeout(), Some(Duration::from_millis(2500)));
            assert_eq!((profile.get_consistency(), profile.get_serial_consistency()), (write, Some(cas)));
        }
    }

    #[test]
    fn who_reads_every_copy_writes_and_reads_serially_as_everybody() {
        for levels in [Levels::WIDE, Levels::LOCAL] {
            let every = levels.of_every_copy();
            assert_eq!((every.write, every.read, every.cas), (levels.write, levels.read, levels.cas));
            assert_eq!(every.plain, Consistency::All);
        }
    }

    #[test]
    fn the_password_is_not_shown() {
        let options = ScyllaOptions { password: Some("hunter2".to_owned()), ..ScyllaOptions::new(vec![], "doorward") };
        assert!(!format!("{options:?}").contains("hunter2"));
    }
}
