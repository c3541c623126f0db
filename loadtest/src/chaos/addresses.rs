//! Where the servers of a run listen.

use std::{net::SocketAddr, process::Command};

use anyhow::ensure;

use super::Options;
use crate::ports::Free;

/// The addresses of one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) http: SocketAddr,
    pub(super) management: SocketAddr,
    pub(super) cluster: SocketAddr,
    /// Where its gateway takes text messages, and mail.
    pub(super) texts: SocketAddr,
    pub(super) mail: SocketAddr,
}

/// Addresses that are free, or those of the node's own network.
pub(super) fn addresses(options: &Options, n: usize, free: &mut Free) -> anyhow::Result<Addresses> {
    if let (true, Some(script)) = (options.netns, &options.script) {
        let output = Command::new(script).args(["--netns", "address", &super::house::name(n)]).output()?;
        ensure!(output.status.success(), "address: {}", String::from_utf8_lossy(&output.stderr));
        let ip: std::net::IpAddr = String::from_utf8(output.stdout)?.trim().parse()?;
        let at = |port| SocketAddr::new(ip, port);
        let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (texts, mail) = (here(11180), here(11125));
        return Ok(Addresses { http: at(11080), management: at(11081), cluster: at(11082), texts, mail });
    }
    let [http, management, cluster] = [free.take()?, free.take()?, free.take()?];
    Ok(Addresses { http, management, cluster, texts: free.take()?, mail: free.take()? })
}
