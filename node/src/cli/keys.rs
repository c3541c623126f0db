//! `doorward keys …`

use clap::Subcommand;

use super::{Confirm, Print};

/// `doorward keys …`
#[derive(Debug, Subcommand)]
pub enum KeysVerb {
    /// The keys that sign tokens.
    #[command(subcommand)]
    Signing(SigningVerb),
    /// The master keys that seal what is stored. A new one is first added to the ring of every node.
    #[command(subcommand)]
    Data(DataVerb),
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

/// `doorward keys data …`
#[derive(Debug, Subcommand)]
pub enum DataVerb {
    /// List the master keys of the ring.
    List {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Seal with this key from now on; every node must have it in its ring.
    Activate {
        /// The id of the key, as it stands in the ring.
        #[arg(value_name = "ID")]
        key: String,
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Seal anew, under the active key, what is stored under others. May be interrupted and run again.
    Reseal {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Forget a key that nothing stored rests on; then it may be taken out of the ring.
    Retire {
        /// The id of the key, as it stands in the ring.
        #[arg(value_name = "ID")]
        key: String,
        /// Confirmation.
        #[command(flatten)]
        confirm: Confirm,
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
}
