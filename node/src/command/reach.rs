//! How a verb reaches the store. An embedded one: through the server that holds it, or by opening it when no server runs. A
//! shared one is opened beside the servers, and the owners among them are asked where `cluster.tls` is configured.
//!
//! A server that is just starting or stopping holds the lock without answering; that is waited for.

use std::{path::Path, time::Duration};

use actors::operator::{Request, Response};
use anyhow::{Context as _, bail};
use rustix::process::geteuid;
use schema::embedded::OpenError;

use crate::{
    config::Config,
    data_folder::DataFolder,
    serve, socket,
    wire_up::{Errand, Parts},
};

/// How long a server may hold the lock without answering.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// May the verb make a store where there is none?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// Yes: an application may be registered before the first start.
    Make,
    /// No: there is nothing to ask it.
    Refuse,
}

/// A way to the store.
pub(super) enum Reach {
    /// Through the server that serves this folder.
    Server(DataFolder),
    /// In this process.
    Here(Box<Parts>),
}

impl Reach {
    /// Finds the way.
    pub(super) async fn connect(config: &Config, missing: Missing) -> anyhow::Result<Self> {
        let Some(path) = config.store.url.folder() else {
            let (_, keys) = serve::master_keys(config)?;
            return Ok(Self::Here(Box::new(Box::pin(Parts::start(config, keys, Errand::Command)).await?)));
        };
        if missing == Missing::Refuse && !path.join("store").exists() {
            bail!(
                "there is no store in {}; is this the folder that the server was started in, and should --config name \
                 its configuration?",
                path.display()
            );
        }
        for _ in 0..ATTEMPTS {
            if path.exists() {
                let folder = DataFolder::open(path)?;
                if socket::is_served(&folder).await? {
                    return Ok(Self::Server(folder));
                }
            }
            if !is_held(path)? {
                let (_folder, keys) = serve::master_keys(config)?;
                match Box::pin(Parts::start(config, keys, Errand::Command)).await {
                    Ok(parts) => return Ok(Self::Here(Box::new(parts))),
                    // Another verb was quicker to the lock.
                    Err(error) if matches!(error.downcast_ref(), Some(OpenError::Locked { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        bail!("a server holds the store in {} and does not answer", path.display())
    }

    /// Asks. A refusal is an error.
    pub(super) async fn ask(&self, request: Request) -> anyhow::Result<Response> {
        let response = match self {
            Self::Server(folder) => {
                let answer = socket::ask(folder, &serde_json::to_vec(&request)?).await?;
                serde_json::from_slice(&answer)
                    .context("the server's answer is not understood; is it of another version?")?
            }
            Self::Here(parts) => parts.desk().answer(geteuid().as_raw(), request).await,
        };
        match response {
            Response::Refused { message } => bail!("{message}"),
            response => Ok(response),
        }
    }

    /// Ends what [`Reach::connect`] began.
    pub(super) async fn close(self) {
        if let Self::Here(parts) = self {
            parts.stop().await;
        }
    }
}

fn is_held(path: &Path) -> anyhow::Result<bool> {
    let holder = schema::embedded::locked_by(path);
    Ok(holder.with_context(|| format!("cannot look into {}", path.display()))?.is_some())
}
