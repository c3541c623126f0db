//! The command line: what can be typed, and nothing of what it does.
//!
//! Exit codes: 0 done, 1 refused or failed (the reason is on stderr), 2 wrong usage.

#![expect(clippy::doc_markdown, reason = "doc comments are the help texts, and terminals show backticks as they are")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Manage keys.
    #[command(subcommand)]
    Keys(KeysVerb),
    /// Examine the configuration.
    #[command(subcommand)]
    Config(ConfigVerb),
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

/// How ID tokens of a client are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Alg {
    /// What every client can verify.
    #[value(name = "RS256")]
    Rs256,
    /// ECDSA on P-256.
    #[value(name = "ES256")]
    Es256,
    /// Ed25519.
    #[value(name = "EdDSA")]
    EdDsa,
}

/// `doorward client …`
#[derive(Debug, Subcommand)]
pub enum ClientVerb {
    /// Register an application; prints its client_id and, once only, its client_secret.
    Create(ClientCreate),
    /// List the registered applications.
    List {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Give an application a new secret; prints it once only.
    RotateSecret {
        /// The client_id.
        client: String,
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Remove an application; its codes and tokens are good no more.
    Delete {
        /// The client_id.
        client: String,
        /// Flags.
        #[command(flatten)]
        confirm: Confirm,
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
}

/// `doorward client create`
#[derive(Debug, Args)]
pub struct ClientCreate {
    /// The name that people read on the consent page.
    #[arg(long)]
    pub name: String,
    /// Where people are sent back to after signing in; repeat for more.
    #[arg(long = "redirect-uri", required = true, value_name = "URI")]
    pub redirect_uris: Vec<String>,
    /// Where people are sent back to after signing out; repeat for more.
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    pub post_logout_redirect_uris: Vec<String>,
    /// The scopes it may ask for, separated by spaces.
    #[arg(long, default_value = "openid profile email")]
    pub scope: String,
    /// It cannot keep a secret (an app in a browser or on a phone); it gets none and must use PKCE.
    #[arg(long)]
    pub public: bool,
    /// It is your own: people are not asked for consent.
    #[arg(long)]
    pub trusted: bool,
    /// Refuse authorization requests of this client without PKCE.
    #[arg(long)]
    pub require_pkce: bool,
    /// How its ID tokens are signed.
    #[arg(long, value_enum, default_value = "RS256", value_name = "ALG")]
    pub id_token_alg: Alg,
    /// Flags.
    #[command(flatten)]
    pub print: Print,
}

/// A person, and how to print the result.
#[derive(Debug, Args)]
pub struct User {
    /// The user's name or id (`sub`).
    pub user: String,
    /// Flags.
    #[command(flatten)]
    pub print: Print,
}

/// `doorward user …`
#[derive(Debug, Subcommand)]
pub enum UserVerb {
    /// List the accounts.
    List {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Show one account.
    Show(User),
    /// Forbid somebody to sign in; ends their sessions and tokens.
    Disable(User),
    /// Allow somebody to sign in again.
    Enable(User),
    /// End all sessions of somebody, and the tokens that hang on them.
    EndSessions(User),
    /// Second factors of somebody.
    #[command(subcommand)]
    Mfa(MfaVerb),
    /// The password of somebody.
    #[command(subcommand)]
    Password(PasswordVerb),
}

/// `doorward user mfa …`
#[derive(Debug, Subcommand)]
pub enum MfaVerb {
    /// List somebody's second factors.
    List(User),
    /// Remove all of somebody's second factors and backup codes; ends their sessions.
    Reset {
        /// Whose.
        #[command(flatten)]
        user: User,
        /// Flags.
        #[command(flatten)]
        confirm: Confirm,
    },
}

/// `doorward user password …`
#[derive(Debug, Subcommand)]
pub enum PasswordVerb {
    /// Print a one-time link with which somebody sets a new password.
    Reset(User),
}

/// `doorward keys …`
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// The keys that sign tokens.
    #[command(subcommand)]
    Signing(SigningVerb),
}

/// `doorward keys signing …`
#[derive(Debug, Subcommand)]
pub enum SigningVerb {
    /// List the signing keys.
    List {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Replace the signing keys: the next ones begin to sign, new ones are published.
    Rotate {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
}

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
