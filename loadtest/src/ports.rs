//! Where servers listen that are started, or started again, a while after they are told where.

use std::{
    net::{SocketAddr, TcpListener, UdpSocket},
    ops::Range,
};

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// Below those from which the system takes the near end of connections, of which many are made before a server listens.
const PORTS: Range<u16> = 20_000..32_000;

/// Addresses on which nobody listens by TCP or UDP, each given once.
#[derive(Debug)]
pub(crate) struct Free {
    from: u16,
    tried: u16,
}

impl Free {
    /// Begins somewhere else in each process.
    pub(crate) fn new() -> Self {
        Self { from: StdRng::seed_from_u64(std::process::id().into()).random_range(PORTS), tried: 0 }
    }

    /// The next one.
    pub(crate) fn take(&mut self) -> anyhow::Result<SocketAddr> {
        let count = PORTS.end - PORTS.start;
        while self.tried < count {
            let port = PORTS.start + (self.from - PORTS.start + self.tried) % count;
            self.tried += 1;
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
                return Ok(address);
            }
        }
        None.context("no port is free")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_given_once_and_not_while_somebody_listens_there() {
        let mut free = Free::new();
        let first = free.take().expect("a free port");
        let second = free.take().expect("a free port");
        assert!(first != second && PORTS.contains(&first.port()) && PORTS.contains(&second.port()));
        let _taken = TcpListener::bind(second).expect("free");
        let mut again = Free { from: second.port(), tried: 0 };
        assert_ne!(again.take().expect("a free port"), second);
    }

    #[test]
    fn the_last_port_is_followed_by_the_first() {
        let mut free = Free { from: PORTS.end - 1, tried: 1 };
        assert!((PORTS.start..PORTS.start + 1000).contains(&free.take().expect("a free port").port()));
    }
}
