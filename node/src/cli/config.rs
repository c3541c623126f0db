//! `doorward config …`

use clap::{Subcommand, ValueEnum};

/// How the configuration's schema is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SchemaOutput {
    /// JSON schema, for editors.
    #[default]
    Json,
    /// The reference as a page.
    Markdown,
}

/// How the effective configuration is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DumpOutput {
    /// A configuration file, each line with where its value came from.
    #[default]
    Toml,
    /// JSON for programs.
    Json,
}

/// `doorward config …`
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Tell everything that is wrong with the configuration.
    Check,
    /// Print the effective configuration, secrets masked, and where each value came from.
    Dump {
        /// How it is printed.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        output: DumpOutput,
    },
    /// Print which keys there are.
    Schema {
        /// How it is printed.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        output: SchemaOutput,
    },
}
