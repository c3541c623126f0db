//! `doorward keys data …`: the steps in which a master key is replaced.

use std::time::Duration;

use actors::{
    data_keys::Resealed,
    operator::{Request, Response},
};
use anyhow::bail;
use indicatif::ProgressBar;
use schema::KeyId;

use super::{
    Usage,
    operator::confirmed,
    pretty,
    reach::{Missing, Reach},
};
use crate::{
    cli::{DataVerb, Output},
    config::Config,
    telemetry,
};

/// Runs a verb.
pub(super) fn run(verb: DataVerb, config: &Config) -> anyhow::Result<()> {
    let (request, show, print) = match verb {
        DataVerb::List { print } => (Request::DataKeysList, pretty::Show::Whole, print),
        DataVerb::Activate { key, print } => (Request::DataKeysActivate(key_id(&key)?), pretty::Show::Whole, print),
        DataVerb::Reseal { print } => (Request::DataKeysReseal { after: None }, pretty::Show::Whole, print),
        DataVerb::Retire { key, confirm, print } => {
            let id = key_id(&key)?;
            confirmed(confirm, &format!("let the store forget the master key {id}"))?;
            (Request::DataKeysRetire(id), pretty::Show::Done("retired"), print)
        }
    };
    let output: Output = print.output;
    telemetry::install_command_logs()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let response = runtime.block_on(async {
        let reach = Box::pin(Reach::connect(config, Missing::Refuse)).await?;
        let response = match request {
            Request::DataKeysReseal { .. } => reseal(&reach).await,
            other => reach.ask(other).await,
        };
        reach.close().await;
        response
    })?;
    pretty::print(&response, show, output)
}

fn key_id(text: &str) -> anyhow::Result<KeyId> {
    text.parse()
        .map_err(|_| Usage(format!("{text:?} is not the id of a key; `doorward keys data list` shows them")).into())
}

/// Asks for page after page. How far it is shows on a terminal.
async fn reseal(reach: &Reach) -> anyhow::Result<Response> {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(120));
    let mut all = Resealed { looked_at: 0, resealed: 0, next: None };
    loop {
        match reach.ask(Request::DataKeysReseal { after: all.next.take() }).await? {
            Response::Resealed(page) => {
                all.looked_at += page.looked_at;
                all.resealed += page.resealed;
                all.next = page.next;
            }
            other => bail!("the server's answer is not understood: {other:?}"),
        }
        bar.set_message(format!("{} accounts looked at, {} secrets sealed anew", all.looked_at, all.resealed));
        if all.next.is_none() {
            bar.finish_and_clear();
            return Ok(Response::Resealed(all));
        }
    }
}
