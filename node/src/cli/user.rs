//! `doorward user …`

use clap::{Args, Subcommand};

use super::{Confirm, Print};

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
    /// Roles of somebody, which policies go by.
    #[command(subcommand)]
    Role(RoleVerb),
}

/// `doorward user role …`
#[derive(Debug, Subcommand)]
pub enum RoleVerb {
    /// Give somebody a role.
    Give(RoleChange),
    /// Take a role away.
    Take(RoleChange),
}

/// A person and a role.
#[derive(Debug, Args)]
pub struct RoleChange {
    /// The user's name or id (`sub`).
    pub user: String,
    /// The role: characters a-z, 0-9, - and _.
    pub role: String,
    /// Flags.
    #[command(flatten)]
    pub print: Print,
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
