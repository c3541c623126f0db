//! `doorward store …`

use clap::{Args, Subcommand};

use super::Confirm;
use crate::config::store::StoreUrl;

/// `doorward store …`
#[derive(Debug, Subcommand)]
pub enum StoreVerb {
    /// Move everything from one store to another, empty one, with no server running. The old one is retired and does not
    /// open any more; everybody stays signed in. Cut short, run it again.
    Copy(StoreCopy),
    /// Make the configured store fit to be served from after you have put back a snapshot of it: everybody is signed out,
    /// and what was consumed since the snapshot is not accepted again. Cut short, run it again.
    Restored {
        /// Let nobody sign in with a password from before: each needs a link, see `doorward user password reset`.
        #[arg(long)]
        require_password_reset: bool,
        /// Flags.
        #[command(flatten)]
        confirm: Confirm,
    },
}

/// `doorward store copy`
#[derive(Debug, Args)]
pub struct StoreCopy {
    /// The store to move, as in `store.url`.
    #[arg(long, value_name = "URL")]
    pub from: StoreUrl,
    /// Where to: an empty folder, or a keyspace that `doorward migrate up` has made.
    #[arg(long, value_name = "URL", required_unless_present = "give_up", conflicts_with = "give_up")]
    pub to: Option<StoreUrl>,
    /// Give up a copying that was cut short: the source may be served from again, the target is worth nothing.
    #[arg(long)]
    pub give_up: bool,
}
