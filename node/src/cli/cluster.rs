//! `doorward cluster …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Confirm, Print};

/// `doorward cluster …`
#[derive(Debug, Subcommand)]
pub enum ClusterVerb {
    /// List the nodes that are in the cluster.
    Members {
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Give the users of a node to the others. The node goes on running, not ready, until it is stopped.
    Drain {
        /// The name of the node.
        node: String,
        /// Drain it though it is the last that owns users: nobody is served then until another one owns them.
        #[arg(long)]
        force: bool,
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Take a node that has died out of the cluster at once. One that lives comes back by itself: stop it instead.
    Leave {
        /// The name of the node.
        node: String,
        /// Flags.
        #[command(flatten)]
        confirm: Confirm,
        /// Flags.
        #[command(flatten)]
        print: Print,
    },
    /// Make the certificates by which nodes know each other, and the authority that signs them.
    Certs(Certs),
}

/// `doorward cluster certs`
#[derive(Debug, Args)]
pub struct Certs {
    /// The folder. An authority that is in it signs; otherwise one is made. Keep its ca.key away from the nodes.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The names of nodes, one after the other; may be repeated.
    #[arg(long = "node", required = true, num_args = 1.., value_name = "NAME")]
    pub nodes: Vec<String>,
    /// How long the certificates of nodes are good, in days.
    #[arg(long, default_value_t = 365, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Replace certificates and keys of these nodes that are there already.
    #[arg(long)]
    pub overwrite: bool,
    /// Flags.
    #[command(flatten)]
    pub print: Print,
}
