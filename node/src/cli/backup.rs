//! `doorward backup …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::store::StoreUrl;

/// `doorward backup …`
#[derive(Debug, Subcommand)]
pub enum BackupVerb {
    /// Write everything in the embedded store to a file, also while the server runs. The master key ring is not in it:
    /// keep a copy of that elsewhere.
    Create {
        /// The file; it must not exist. It is made with mode 0600.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Read a backup from its first byte to its last and tell what is in it. Needs no store.
    Verify {
        /// The backup.
        file: PathBuf,
        /// A file with a master key ring: does it open what is sealed in the backup?
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
    /// Make a store out of a backup. Everybody is signed out, and what was consumed since the backup is not accepted
    /// again.
    Restore(BackupRestore),
}

/// `doorward backup restore`
#[derive(Debug, Args)]
pub struct BackupRestore {
    /// The backup.
    pub file: PathBuf,
    /// An empty folder, as embedded:PATH. It may hold the key file `master-keys`.
    #[arg(long, value_name = "URL")]
    pub to: StoreUrl,
    /// Let nobody sign in with a password from before: each needs a link, see `doorward user password reset`.
    #[arg(long)]
    pub require_password_reset: bool,
}
