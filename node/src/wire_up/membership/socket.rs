//! The socket on which other nodes are answered.

use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::TcpSocket;

/// Connections of other nodes that wait to be taken.
pub(super) const BACKLOG: u32 = 256;

/// Bound and not listening: who calls before the services are there is refused at once.
pub(super) fn bind(address: SocketAddr) -> anyhow::Result<TcpSocket> {
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok::<_, std::io::Error>(socket)
    };
    bound().with_context(|| format!("cannot listen on {address}; is it in use? See `cluster.listen`"))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn who_calls_before_the_services_are_there_is_refused_at_once() {
        let socket = bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let address = socket.local_addr().expect("bound");
        let early = TcpStream::connect(address).await.expect_err("refused");
        assert_eq!(early.kind(), std::io::ErrorKind::ConnectionRefused);
        let listener = socket.listen(BACKLOG).expect("listens");
        TcpStream::connect(address).await.expect("connected");
        let second = bind(listener.local_addr().expect("bound")).expect_err("in use").to_string();
        assert!(second.contains("See `cluster.listen`"), "{second}");
    }
}
