//! The protocol by hand, for what no node of this build would send. It also pins how it looks on the wire.

use std::{path::Path, sync::Arc};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use cluster::{NodeId, certs};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    version::TLS13,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::support::name;

struct Pem {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: RootCertStore,
}

fn pem(dir: &Path, node: &str) -> Pem {
    let files = certs::files(dir, &name(node));
    let all = |path| CertificateDer::pem_file_iter(path).expect("a file").map(|one| one.expect("a certificate"));
    let mut roots = RootCertStore::empty();
    all(&files.ca).for_each(|ca| roots.add(ca).expect("an authority"));
    Pem { chain: all(&files.cert).collect(), key: PrivateKeyDer::from_pem_file(&files.key).expect("a key"), roots }
}

/// A TLS connection with the certificate of `node` to a node `to`.
pub(crate) async fn connect(dir: &Path, node: &str, to: &str, address: &str) -> client::TlsStream<TcpStream> {
    let Pem { chain, key, roots } = pem(dir, node);
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .expect("a key of this certificate");
    let stream = TcpStream::connect(address).await.expect("it listens");
    let server = ServerName::try_from(format!("{to}.node.doorward.internal")).expect("a name");
    TlsConnector::from(Arc::new(config)).connect(server, stream).await.expect("a handshake")
}

/// Takes one connection as the node `node`, and its greeting.
pub(crate) async fn accept(dir: &Path, node: &str, listener: &TcpListener) -> server::TlsStream<TcpStream> {
    let (stream, _) = listener.accept().await.expect("a connection");
    take(dir, node, stream).await
}

/// The handshake of a connection that was taken, as the node `node`, and its greeting.
pub(crate) async fn take(dir: &Path, node: &str, stream: TcpStream) -> server::TlsStream<TcpStream> {
    let Pem { chain, key, .. } = pem(dir, node);
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a key of this certificate");
    let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.expect("a handshake");
    read(&mut stream).await.expect("a greeting");
    stream
}

/// `body` with its length.
pub(crate) fn framed(body: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u32(body.len().try_into().expect("short"));
    out.put_slice(body);
    out.freeze()
}

/// A greeting.
pub(crate) fn hello(node: &NodeId, first: u16, last: u16) -> Bytes {
    let mut body = BytesMut::from(&b"node"[..]);
    body.put_u16(first);
    body.put_u16(last);
    body.put_slice(node.as_str().as_bytes());
    framed(&body)
}

/// The answer to a greeting; 0 for no common version.
pub(crate) fn welcome(first: u16, last: u16, version: u16) -> Bytes {
    let mut body = BytesMut::from(&b"node"[..]);
    for number in [first, last, version] {
        body.put_u16(number);
    }
    framed(&body)
}

/// A frame: 1 call, 2 answer, 3 refusal, 4 cancel, 5 heartbeat.
pub(crate) fn frame(kind: u8, id: u64, body: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(kind);
    out.put_u64(id);
    out.put_slice(body);
    framed(&out)
}

/// What is inside of the next length; `None` once the stream has ended.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let length = stream.read_u32().await.ok()?;
    let mut body = vec![0; length as usize];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}

/// Takes one connection as the node `node`, and greets.
pub(crate) async fn welcomed(dir: &Path, node: &str, listener: &TcpListener) -> server::TlsStream<TcpStream> {
    let mut stream = accept(dir, node, listener).await;
    stream.write_all(&welcome(1, 1, 1)).await.expect("written");
    stream
}

/// The next frame that is no heartbeat: its kind, its id and its body.
pub(crate) async fn next(stream: &mut (impl AsyncRead + Unpin)) -> (u8, u64, Bytes) {
    loop {
        let mut frame = Bytes::from(read(stream).await.expect("a frame"));
        let (kind, id) = (frame.get_u8(), frame.get_u64());
        if kind != 5 {
            return (kind, id, frame);
        }
    }
}

/// A connection on which the greeting is over.
pub(crate) async fn greeted(dir: &Path, node: &str, to: &str, address: &str) -> client::TlsStream<TcpStream> {
    let mut stream = connect(dir, node, to, address).await;
    stream.write_all(&hello(&name(node), 1, 1)).await.expect("written");
    assert_eq!(read(&mut stream).await.map(Bytes::from), Some(welcome(1, 1, 1).slice(4..)));
    stream
}
