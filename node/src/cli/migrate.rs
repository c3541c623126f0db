//! `doorward migrate …`

use clap::Subcommand;

use super::Print;

/// `doorward migrate …`
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum MigrateVerb {
    /// List the steps of the schema and which of them the keyspace has.
    Status {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Make the keyspace if there is none, and carry out what is missing. One process at a time does it, others wait
    /// their turn; nodes of this release and of the one before go on meanwhile.
    Up {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Succeed if nothing is missing.
    Check {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
}
