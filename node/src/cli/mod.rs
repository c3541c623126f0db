//! The command line: what can be typed, and nothing of what it does. One file for each group of verbs.
//!
//! Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage.

#![expect(clippy::doc_markdown, reason = "doc comments are the help texts, and terminals show backticks as they are")]

mod backup;
mod client;
mod cluster;
mod config;
mod keys;
mod migrate;
mod policy;
mod store;
mod templates;
mod user;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::{
    backup::{BackupRestore, BackupVerb},
    client::{Alg, ClientCreate, ClientVerb},
    cluster::{Certs, ClusterVerb},
    config::{ConfigVerb, DumpOutput, SchemaOutput},
    keys::{DataVerb, KeysVerb, SigningVerb},
    migrate::MigrateVerb,
    policy::{Factor, Level, Mode, PolicySet, PolicyVerb, Scope},
    store::{StoreCopy, StoreVerb},
    templates::TemplatesVerb,
    user::{MfaVerb, PasswordVerb, RecoveryVerb, RoleChange, RoleVerb, User, UserVerb},
};
use crate::config::source::CONFIG_VARIABLE;

/// OpenID Connect provider with multi-factor authentication.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 done, 1 refused or failed (reason on stderr), 2 wrong usage.")]
pub struct Cli {
    /// Configuration file (TOML); every key can also be set as DOORWARD__SECTION__KEY.
    #[arg(long, global = true, env = CONFIG_VARIABLE, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run the server.
    Serve,
    /// Register and manage applications.
    #[command(subcommand)]
    Client(ClientVerb),
    /// Manage people's accounts.
    #[command(subcommand)]
    User(UserVerb),
    /// Of whom a second step is asked, and which.
    #[command(subcommand)]
    Policy(PolicyVerb),
    /// Manage keys.
    #[command(subcommand)]
    Keys(KeysVerb),
    /// The nodes that share a store.
    #[command(subcommand)]
    Cluster(ClusterVerb),
    /// The tables of a shared store.
    #[command(subcommand)]
    Migrate(MigrateVerb),
    /// Back up the embedded store, and make a store out of a backup.
    #[command(subcommand)]
    Backup(BackupVerb),
    /// Move a store, or make it fit to be served from after a snapshot was put back.
    #[command(subcommand)]
    Store(StoreVerb),
    /// Examine the configuration.
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Words and templates of pages, mails and text messages.
    #[command(subcommand)]
    Templates(TemplatesVerb),
    /// Ask the running server whether it is ready; for container health checks.
    Healthcheck,
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Columns for people.
    #[default]
    Table,
    /// JSON for programs.
    Json,
}

/// Flags of every verb that prints a result.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Print {
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Output,
}

/// Flags of every verb that destroys something.
#[derive(Clone, Copy, Debug, Args)]
pub struct Confirm {
    /// Do not ask for confirmation.
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_configuration_file_can_be_named_before_and_after_the_verb() {
        for line in [&["doorward", "--config", "a", "serve"], &["doorward", "serve", "--config", "a"]] {
            let cli = Cli::try_parse_from(line).expect("understood");
            assert_eq!(cli.config.as_deref(), Some("a".as_ref()));
        }
    }

    #[test]
    fn a_client_is_created_with_the_flags_that_scripts_rely_on() {
        let line = "doorward client create --name Shop --redirect-uri https://a --redirect-uri https://b \
                    --post-logout-redirect-uri https://c --public --trusted --require-pkce --id-token-alg EdDSA \
                    --output json";
        let Verb::Client(ClientVerb::Create(create)) =
            Cli::try_parse_from(line.split_whitespace()).expect("understood").verb
        else {
            panic!("another verb");
        };
        assert_eq!(create.redirect_uris, ["https://a", "https://b"]);
        assert_eq!(create.scope, "openid profile email");
        assert!(create.public && create.trusted && create.require_pkce);
        assert_eq!((create.id_token_alg, create.print.output), (Alg::EdDsa, Output::Json));
    }
}
