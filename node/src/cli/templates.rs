//! `doorward templates …`

use std::path::PathBuf;

use clap::Subcommand;

/// `doorward templates …`
#[derive(Debug, Subcommand)]
pub enum TemplatesVerb {
    /// Render every page, mail and text message in every language, and tell everything that is wrong.
    Check,
    /// Write the built-in templates and messages into a folder, as a beginning for one's own.
    Export {
        /// The folder; it must be empty or not there yet.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}
