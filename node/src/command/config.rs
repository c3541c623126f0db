//! `doorward config …`

use crate::{
    cli::{ConfigVerb, DumpOutput, SchemaOutput},
    config::{Loaded, dump, keys, markdown},
    print,
};

/// `config schema`.
pub(super) fn schema(output: SchemaOutput) -> anyhow::Result<()> {
    match output {
        SchemaOutput::Json => print::json(&keys::json_schema()),
        SchemaOutput::Markdown => print::text(&markdown::reference(&keys::Keys::new())),
    }
}

/// The other verbs, on a configuration that was accepted.
pub(super) fn run(verb: &ConfigVerb, loaded: &Loaded) -> anyhow::Result<()> {
    match *verb {
        ConfigVerb::Check => print::text("the configuration is good\n"),
        ConfigVerb::Schema { output } => schema(output),
        ConfigVerb::Dump { output } => {
            let keys = keys::Keys::new();
            let lines = dump::lines(&keys, &loaded.settings);
            match output {
                DumpOutput::Toml => print::text(&dump::toml(&lines)),
                DumpOutput::Json => print::json(&dump::json(&lines)),
            }
        }
    }
}
