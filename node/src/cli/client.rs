//! `doorward client …`

#![expect(clippy::doc_markdown, reason = "doc comments are the help texts, and terminals show backticks as they are")]

use clap::{Args, Subcommand, ValueEnum};

use super::{Confirm, Print};

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
