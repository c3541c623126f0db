//! The contract on a cluster, and what only this backend promises. Needs a cluster of three nodes:
//! `.ci/cql-cluster up 3`, then `DOORWARD_TEST_CQL=127.0.0.1:9042 cargo test -p schema --test scylla -- --ignored`.

mod between;
mod centres;
mod cluster;
mod own;
mod scoped;

use std::sync::Arc;

use async_trait::async_trait;
use schema::{
    Store,
    contract::Backend,
    contract_suite,
    scylla::{ScyllaOptions, ScyllaStore},
};
use scoped::Scoped;

/// A store of one test in the keyspace of this run.
struct Scylla {
    options: ScyllaOptions,
    scope: String,
    store: Arc<dyn Store>,
}

impl Scylla {
    async fn open() -> Self {
        let options = cluster::migrated().await;
        let scope = cluster::unique();
        let store = Self::connect(&options, &scope).await;
        Self { options, scope, store }
    }

    async fn connect(options: &ScyllaOptions, scope: &str) -> Arc<dyn Store> {
        let inner = ScyllaStore::connect(options).await.expect("connects");
        Arc::new(Scoped { inner, scope: scope.to_owned() })
    }
}

#[async_trait]
impl Backend for Scylla {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    async fn reopen(&mut self) -> Arc<dyn Store> {
        self.store = Self::connect(&self.options, &self.scope).await;
        self.store()
    }
}

contract_suite!(super::Scylla::open, ignore = "needs a cluster: .ci/cql-cluster");
