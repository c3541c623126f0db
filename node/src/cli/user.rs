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
    /// Recoveries of accounts whose second factors are lost.
    #[command(subcommand)]
    Recovery(RecoveryVerb),
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
    /// Remove one of somebody's second factors; ends the sessions that rest on it.
    Remove {
        /// The user's name or id (`sub`).
        user: String,
        /// Its id, or its name or address where no other one is called so; `doorward user mfa list` shows them.
        device: String,
        /// Flags.
        #[command(flatten)]
        confirm: Confirm,
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Ask for a second step of somebody, whatever the policies say: without one it is set up before anything else.
    Require {
        /// Whose.
        #[command(flatten)]
        user: User,
        /// Ask for no more than the policies do.
        #[arg(long)]
        not: bool,
    },
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

/// `doorward user recovery …`
#[derive(Debug, Subcommand)]
pub enum RecoveryVerb {
    /// List the recoveries that wait or can be completed.
    List {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Cancel somebody's recovery; none can be begun again with the same password.
    Cancel(User),
}
