//! `doorward migrate …`: the tables of a shared store.

use anyhow::bail;
use schema::scylla::migrate::{Migrator, State, Status};
use serde_json::json;

use crate::{
    cli::{MigrateVerb, Output},
    config::{Config, store::StoreUrl},
    listen, print, telemetry,
    wire_up::backend::scylla_options,
};

/// Does it.
pub(super) fn run(verb: MigrateVerb, config: &Config) -> anyhow::Result<()> {
    let StoreUrl::Scylla(url) = &config.store.url else {
        bail!("store.url names an embedded store, which has nothing to migrate; set it to scylla://HOST:PORT/KEYSPACE");
    };
    telemetry::install_command_logs()?;
    listen::install_tls_provider();
    let options = scylla_options(url, &config.store)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let migrator = Migrator::connect(&options).await?;
        match verb {
            MigrateVerb::Status { print } => show(&migrator.status().await?, print.output),
            MigrateVerb::Up { print } => {
                let done = migrator.up(&holder()).await?;
                if done.is_empty() && print.output == Output::Table {
                    return print::text("nothing was missing\n");
                }
                show(&done, print.output)
            }
            MigrateVerb::Check { print } => {
                migrator.check().await?;
                match print.output {
                    Output::Table => print::text("nothing is missing\n"),
                    Output::Json => print::json(&json!({ "complete": true })),
                }
            }
        }
    })
}

/// Who holds the lock, for who finds it taken.
fn holder() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{host}, process {}", std::process::id())
}

fn show(steps: &[Status], output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => {
            let step = |step: &Status| json!({ "number": step.number, "name": step.name, "state": word(step.state) });
            print::json(&steps.iter().map(step).collect::<Vec<_>>())
        }
        Output::Table => {
            let row = |step: &Status| vec![step.number.to_string(), step.name.clone(), word(step.state).to_owned()];
            print::text(&print::columns(&["STEP", "MAKES", "STATE"], &steps.iter().map(row).collect::<Vec<_>>()))
        }
    }
}

const fn word(state: State) -> &'static str {
    match state {
        State::Applied => "applied",
        State::Pending => "missing",
        State::Changed => "changed",
        State::Unknown => "unknown",
    }
}
