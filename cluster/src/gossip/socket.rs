//! The gossip's socket: UDP, each datagram sealed.

use std::{io, net::SocketAddr, sync::Arc};

use anyhow::Context;
use async_trait::async_trait;
use chitchat::{
    ChitchatMessage, Deserializable, Serializable,
    transport::{Socket, Transport},
};
use metrics::Counter;
use parking_lot::Mutex;
use tokio::net::UdpSocket;

use super::sealed::{MAX_DATAGRAM, Seal};
use crate::clock_watch::wall_ms;

/// Length of an answer that has nothing: magic number, version, kind, and the end of what it holds.
const EMPTY_ACK: usize = 2 + 1 + 1 + 1;

/// A bound socket and what seals it, handed over when the gossip opens it.
pub(super) struct SealedUdp(Mutex<Option<SealedSocket>>);

impl SealedUdp {
    pub(super) fn new(socket: UdpSocket, seal: Seal) -> Self {
        let socket = SealedSocket {
            socket: Arc::new(socket),
            seal,
            message: Vec::new(),
            frame: Vec::new(),
            received: vec![0; MAX_DATAGRAM].into(),
            sent_bytes: metrics::counter!("doorward_gossip_bytes_total", "direction" => "sent"),
            received_bytes: metrics::counter!("doorward_gossip_bytes_total", "direction" => "received"),
        };
        Self(Mutex::new(Some(socket)))
    }
}

#[async_trait]
impl Transport for SealedUdp {
    async fn open(&self, _: SocketAddr) -> anyhow::Result<Box<dyn Socket>> {
        Ok(Box::new(self.0.lock().take().context("the gossip's socket is open already")?))
    }
}

struct SealedSocket {
    socket: Arc<UdpSocket>,
    seal: Seal,
    message: Vec<u8>,
    frame: Vec<u8>,
    received: Box<[u8]>,
    sent_bytes: Counter,
    received_bytes: Counter,
}

#[async_trait]
impl Socket for SealedSocket {
    /// A datagram that cannot be sent is as good as lost on the way: only time tells who is dead.
    async fn send(&mut self, to: SocketAddr, message: ChitchatMessage) -> anyhow::Result<()> {
        if says_nothing(&message) {
            return Ok(());
        }
        self.message.clear();
        message.serialize(&mut self.message);
        if self.seal.seal(&self.message, wall_ms(), &mut self.frame).is_none() {
            tracing::warn!(bytes = self.message.len(), "a gossip message is too long for a datagram");
            return Ok(());
        }
        match self.socket.send_to(&self.frame, to).await {
            Ok(bytes) => self.sent_bytes.increment(bytes as u64),
            Err(error) => tracing::debug!(%error, %to, "a gossip message was not sent"),
        }
        Ok(())
    }

    async fn recv(&mut self) -> anyhow::Result<(SocketAddr, ChitchatMessage)> {
        loop {
            let (length, from) = match self.socket.recv_from(&mut self.received).await {
                Ok(received) => received,
                Err(error) if is_transient(&error) => continue,
                Err(error) => return Err(error).context("the gossip's socket"),
            };
            self.received_bytes.increment(length as u64);
            let frame = self.received.get_mut(..length).unwrap_or_default();
            let refusal = match self.seal.open(frame, wall_ms()) {
                Ok(mut message) => match ChitchatMessage::deserialize(&mut message) {
                    Ok(message) => return Ok((from, message)),
                    Err(_) => "unreadable".to_owned(),
                },
                Err(refusal) => refusal.to_string(),
            };
            tracing::debug!(%from, refusal, "a gossip datagram was refused");
            metrics::counter!("doorward_gossip_refused_total", "reason" => refusal).increment(1);
        }
    }
}

/// The third message of an exchange has what the other side lacks, and nearly always that is nothing: leaving it out spares a
/// third of all datagrams. Who is alive is in the digests of the first two.
fn says_nothing(message: &ChitchatMessage) -> bool {
    matches!(message, ChitchatMessage::Ack { .. }) && message.serialized_len() == EMPTY_ACK
}

/// Errors that an earlier datagram to a closed port, or a moment without memory, leaves on the socket.
fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkUnreachable};
    let kinds = [ConnectionRefused, ConnectionReset, HostUnreachable, Interrupted, NetworkUnreachable];
    kinds.contains(&error.kind()) || error.kind() == io::ErrorKind::OutOfMemory
}

#[cfg(test)]
mod tests {
    use chitchat::ChitchatId;

    use super::*;

    fn message(kind: u8, body: &[u8]) -> ChitchatMessage {
        let mut bytes = ChitchatMessage::BadCluster.serialize_to_vec();
        *bytes.last_mut().expect("a kind") = kind;
        bytes.extend(body);
        ChitchatMessage::deserialize(&mut &*bytes).expect("a message")
    }

    #[test]
    fn an_answer_that_has_nothing_is_left_out_and_nothing_else_is() {
        assert!(says_nothing(&message(2, &[0])));
        // One block, as it is: a node whose state the other side lacks. Then the end.
        let mut node = vec![0];
        ChitchatId::new("a".to_owned(), 1, ([127, 0, 0, 1], 80).into()).serialize(&mut node);
        node.extend([0; 16]);
        let mut block = vec![2];
        u16::try_from(node.len()).expect("short").serialize(&mut block);
        assert!(!says_nothing(&message(2, &[&block[..], &node, &[0]].concat())));
        assert!(!says_nothing(&ChitchatMessage::BadCluster));
    }
}
