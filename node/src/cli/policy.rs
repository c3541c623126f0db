//! `doorward policy …`

#![expect(clippy::doc_markdown, reason = "doc comments are the help texts, and terminals show backticks as they are")]

use clap::{Args, Subcommand, ValueEnum};

use super::{Confirm, Print};

/// `doorward policy …`: of whom a second step is asked, and which. Of those that concern a sign-in, or an operation, each must be
/// met.
#[derive(Debug, Subcommand)]
pub enum PolicyVerb {
    /// List the policies.
    List {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Set the policy of everybody, a role, an application or an operation, in place of the one before.
    Set(PolicySet),
    /// Remove the policy of everybody, a role, an application or an operation.
    Remove {
        /// Whose.
        #[command(flatten)]
        scope: Scope,
        /// Flags.
        #[command(flatten)]
        confirm: Confirm,
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Say what each policy asks of somebody, and why.
    Explain {
        /// The user's name or id (sub).
        #[arg(long)]
        user: String,
        /// At this application (client_id); the pages of the account unless set.
        #[arg(long)]
        client: Option<String>,
        /// For this operation there, such as wire.transfer; or of the account: password.change, security.change.
        #[arg(long)]
        operation: Option<String>,
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
}

/// Whom a policy concerns.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Scope {
    /// Everybody.
    #[arg(long, conflicts_with_all = ["role", "client", "operation"])]
    pub everybody: bool,
    /// Users with this role.
    #[arg(long, conflicts_with_all = ["client", "operation"])]
    pub role: Option<String>,
    /// Sign-ins to this application (client_id).
    #[arg(long)]
    pub client: Option<String>,
    /// A sensitive operation: of the account, password.change or security.change; or with --client one of the application's own,
    /// such as wire.transfer, which this registers (the type of authorization_details, RFC 9396).
    #[arg(long)]
    pub operation: Option<String>,
}

/// `doorward policy set`
#[derive(Debug, Args)]
pub struct PolicySet {
    /// Whom it concerns.
    #[command(flatten)]
    pub scope: Scope,
    /// How much is asked for.
    #[arg(long, value_enum)]
    pub mode: Mode,
    /// Required only after so many days; recommended until then.
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=730))]
    pub after_days: u16,
    /// With --mode required: only so many days after registration.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=365))]
    pub grace_days: Option<u16>,
    /// With --mode required: people may decline so often before it is.
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u16).range(1..=20))]
    pub skips: Option<u16>,
    /// With --operation: how old proofs may be. 1 to 10 for the account's own operations, and 10 unless set; 0 to 1440 for those of
    /// an application, and 0 unless set, which asks for new ones each time.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u16).range(0..=1440))]
    pub fresh_minutes: Option<u16>,
    /// One of these must be proved; any second step unless set. What is named here and in --all-of must amount to --at-least.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "METHODS")]
    pub any_of: Vec<Factor>,
    /// Each of these must be proved: a sign-in asks for one after the other, and who lacks one is led to set it up.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "METHODS")]
    pub all_of: Vec<Factor>,
    /// The least that a sign-in must amount to.
    #[arg(long, value_enum, default_value = "mfa")]
    pub at_least: Level,
    /// For how many days after trust was given a trusted browser may stand in for it, 0 for none; as long as it is trusted
    /// unless set.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(0..=365))]
    pub trusted_days: Option<u16>,
    /// Flags.
    #[command(flatten)]
    pub print: Print,
}

/// How much a policy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Nothing.
    Off,
    /// People are asked to set up a second step, and may decline.
    Recommended,
    /// Nobody gets in without; who has no device is led to set one up.
    Required,
}

/// A method that people can set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Factor {
    /// An authenticator app.
    Totp,
    /// Codes by e-mail; they never amount to mfa.
    Email,
    /// Codes by text message.
    Sms,
    /// A passkey.
    Passkey,
}

/// What a sign-in amounts to (acr).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Two steps, of which one may be a code by e-mail.
    #[value(name = "2step")]
    TwoStep,
    /// Two factors.
    Mfa,
    /// Two factors, of which a false site gets nothing: a passkey.
    #[value(alias = "phishing-resistant")]
    Phr,
    /// The same by a passkey whose maker vouches for its hardware; needs passkeys.attestation.
    Phrh,
}
