//! The store, opened as the configuration says.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use schema::{
    Cursor, GRACE, Store, StoreError, Stream, Timestamp,
    embedded::{EmbeddedStore, Options},
    scylla::{ScyllaOptions, ScyllaStore},
};

use crate::config::{
    store::{self, Replication, ScyllaUrl, StoreUrl},
    value::SecretText,
};

/// How often expired things are looked for.
const HOUSEKEEPING: Duration = Duration::from_mins(1);

/// An open store.
#[derive(Clone, Debug)]
pub enum Backend {
    /// The built-in one, whose lock this process holds.
    Embedded(Arc<EmbeddedStore>),
    /// One that others share.
    Scylla(Arc<ScyllaStore>),
}

impl Backend {
    /// Opens the store of this URL; the rest of the section says how a shared one is reached.
    pub async fn open(url: &StoreUrl, config: &store::Store) -> anyhow::Result<Self> {
        match url {
            StoreUrl::Embedded(path) => Ok(Self::Embedded(open_embedded(path).await?)),
            StoreUrl::Scylla(url) => {
                let store = ScyllaStore::connect(&scylla_options(url, config)?).await?;
                Ok(Self::Scylla(Arc::new(store)))
            }
        }
    }

    /// The store, as everything above sees it.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Embedded(store) => Arc::clone(store) as _,
            Self::Scylla(store) => Arc::clone(store) as _,
        }
    }

    /// Refuses a shared store that cannot keep what a store promises.
    pub async fn self_test(&self) -> anyhow::Result<()> {
        match self {
            Self::Embedded(_) => Ok(()),
            Self::Scylla(store) => Ok(store.self_test().await?),
        }
    }

    /// How many partitions and entries of streams there are, roughly.
    pub async fn count(&self) -> Result<u64, StoreError> {
        match self {
            Self::Embedded(store) => {
                let store = Arc::clone(store);
                let count = move || store.frozen()?.count();
                let counted = tokio::task::spawn_blocking(count).await;
                counted.unwrap_or_else(|error| Err(StoreError::Unavailable(error.to_string())))
            }
            Self::Scylla(store) => store.count().await,
        }
    }

    /// Removes from time to time what has expired, where the store does not do so by itself. Ends never.
    pub async fn housekeeping(self, now: impl Fn() -> Timestamp) {
        let Self::Embedded(store) = self else { return std::future::pending().await };
        loop {
            tokio::time::sleep(HOUSEKEEPING).await;
            if let Err(error) = tidy(&store, now()).await {
                tracing::warn!(%error, "what has expired could not be removed");
            }
        }
    }

    /// Closes it, once everything above has stopped.
    pub async fn close(self) {
        if let Self::Embedded(store) = self
            && tokio::task::spawn_blocking(move || store.close()).await.is_err()
        {
            tracing::error!("the store could not be closed");
        }
    }
}

async fn tidy(store: &EmbeddedStore, now: Timestamp) -> Result<(), StoreError> {
    while store.collect(now).await? > 0 {}
    // Notes of partitions with undelivered events are read back for the length of GRACE at a start.
    let old = Cursor { at: now.before(2 * GRACE), id: "".into() };
    while store.trim(Stream::Dirty, &old).await? > 0 {}
    Ok(())
}

/// Opening reads the journal, so it runs beside the runtime.
async fn open_embedded(path: &Path) -> anyhow::Result<Arc<EmbeddedStore>> {
    let path = path.to_owned();
    let open = move || EmbeddedStore::open(&path, &Options::default());
    let store = tokio::task::spawn_blocking(open).await.context("opening the store")??;
    Ok(Arc::new(store))
}

/// How a shared store is reached.
pub fn scylla_options(url: &ScyllaUrl, config: &store::Store) -> anyhow::Result<ScyllaOptions> {
    let nodes = url.nodes.iter().map(ToString::to_string).collect();
    let password = config.password().map_err(|error| anyhow!("store.password_file: {error}"))?;
    Ok(ScyllaOptions {
        replication: match &url.replication {
            Replication::EachDc(copies) => schema::scylla::Replication::EachDc(*copies),
            Replication::PerDc(centres) => schema::scylla::Replication::PerDc(centres.clone()),
        },
        username: config.username.clone(),
        password: password.as_ref().map(SecretText::expose).map(str::to_owned),
        tls: tls(&config.tls)?,
        local_dc: config.local_dc.clone(),
        timeout: config.timeout.get(),
        ..ScyllaOptions::new(nodes, url.keyspace.clone())
    })
}

fn tls(files: &store::StoreTls) -> anyhow::Result<Option<Arc<ClientConfig>>> {
    let Some(ca) = &files.ca else { return Ok(None) };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca).context("store.tls.ca")? {
        roots.add(certificate).context("store.tls.ca")?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match files.cert.as_deref().zip(files.key.as_deref()) {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = certificates(cert).context("store.tls.cert")?;
            let pem = zeroize::Zeroizing::new(fs::read(key).context("store.tls.key")?);
            let key = PrivateKeyDer::from_pem_slice(&pem).context("store.tls.key")?;
            builder.with_client_auth_cert(chain, key).context("store.tls.cert and store.tls.key")?
        }
    };
    Ok(Some(Arc::new(config)))
}

/// At least one certificate.
fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let pem = fs::read(path)?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof)).context("holds no certificate in PEM form");
    }
    Ok(all)
}
