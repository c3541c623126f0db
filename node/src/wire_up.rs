//! The parts of the server, started in order: store → cluster → actors → api. Each line is one component.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use axum::Router;
use schema::{
    Store,
    embedded::{EmbeddedStore, Options},
};

use crate::{config::Config, data_folder::Ring, management::Check};

/// Everything that runs behind the listeners.
#[derive(Debug)]
pub struct Parts {
    store: Arc<EmbeddedStore>,
}

impl Parts {
    /// Starts everything.
    pub async fn start(_config: &Config, path: &Path, _ring: &Ring) -> anyhow::Result<Self> {
        let store = open_store(path).await?;
        Ok(Self { store })
    }

    /// The public routes.
    pub fn router(&self) -> Router {
        Router::new()
    }

    /// What readiness hangs on.
    pub fn checks(&self) -> Vec<Check> {
        let store = Arc::clone(&self.store);
        vec![Check {
            name: "store",
            look: Box::new(move || {
                let store = Arc::clone(&store);
                Box::pin(async move { store.ping().await.map_err(|error| error.to_string()) })
            }),
        }]
    }

    /// Stops everything, in the reverse order.
    pub async fn stop(self) {
        let _ = tokio::task::spawn_blocking(move || self.store.close()).await;
    }
}

/// Opening reads the journal, so it runs beside the runtime.
async fn open_store(path: &Path) -> anyhow::Result<Arc<EmbeddedStore>> {
    let path = path.to_owned();
    let open = move || EmbeddedStore::open(&path, &Options::default());
    let store = tokio::task::spawn_blocking(open).await.context("opening the store")??;
    Ok(Arc::new(store))
}
