//! Mutual TLS 1.3: both sides show a certificate of the cluster's CA that names their node.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    client::{Resumption, verify_server_name},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{NoServerSessionStorage, ParsedCertificate, WebPkiClientVerifier, danger::ClientCertVerifier},
    version::TLS13,
};
use thiserror::Error;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::NodeId;

/// What follows a node's name in the DNS name of its certificate.
pub const NODE_DOMAIN: &str = "node.doorward.internal";

/// What a visitor says of itself in the handshake (ALPN, RFC 7301). Who does not know the word takes it for the node.
pub(super) const VISITOR: &[u8] = b"visitor";

/// The three PEM files that a node is given.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Certificates of the authorities whose nodes are trusted; two while one replaces the other.
    pub ca: PathBuf,
    /// The node's certificate, and those between it and the authority.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The certificates or the key cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {0}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file holds nothing of what it should.
    #[error("{0} holds no {1} in PEM form")]
    Empty(PathBuf, &'static str),
    /// The node's name cannot be in a certificate.
    #[error("the node name {0} cannot be in a certificate: 1 to 63 of a-z, 0-9 and '-', not '-' at an end")]
    Name(NodeId),
    /// The certificate is of another node.
    #[error("{0} is no certificate for {1}.{NODE_DOMAIN}")]
    OtherNode(PathBuf, NodeId),
    /// The certificate is not signed by the authority, or has expired.
    #[error("{0} is not a valid certificate of the authority")]
    Untrusted(PathBuf, #[source] rustls::Error),
    /// The authority's certificates or the key cannot be used.
    #[error("the certificates and the key cannot be used")]
    Unusable(#[source] rustls::Error),
}

/// What both sides of a new connection use.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    pub(super) connector: TlsConnector,
}

/// The name in the certificate of a node.
pub(crate) fn server_name(node: &NodeId) -> Result<ServerName<'static>, TlsError> {
    let name = |_| TlsError::Name(node.clone());
    ServerName::try_from(format!("{node}.{NODE_DOMAIN}")).map_err(name)
}

/// Does the certificate name this node?
pub(super) fn names(certificate: &CertificateDer<'_>, node: &NodeId) -> bool {
    let Ok(name) = server_name(node) else { return false };
    ParsedCertificate::try_from(certificate).is_ok_and(|parsed| verify_server_name(&parsed, &name).is_ok())
}

/// Could the node `me` be known by these files, as of `now`?
pub(crate) fn check_files(files: &TlsFiles, me: &NodeId, now: UnixTime) -> Result<(), TlsError> {
    Tls::read(files, me, false, now).map(drop)
}

impl Tls {
    /// Reads the files and checks that the node `me` can be known by them, as of `now`. A visitor says that it is one.
    pub(super) fn read(files: &TlsFiles, me: &NodeId, visits: bool, now: UnixTime) -> Result<Self, TlsError> {
        server_name(me)?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = Arc::new(roots(&files.ca)?);
        let chain = certificates(&files.cert)?;
        let key = private_key(&files.key)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .build()
            .map_err(|error| TlsError::Unusable(rustls::Error::General(error.to_string())))?;
        check(verifier.as_ref(), &chain, now, &files.cert)?;
        if !names(&chain[0], me) {
            return Err(TlsError::OtherNode(files.cert.clone(), me.clone()));
        }
        let mut client = client_config(Arc::clone(&provider), roots, chain.clone(), key.clone_key())?;
        client.alpn_protocols.extend(visits.then(|| VISITOR.to_vec()));
        let server = server_config(provider, verifier, chain, key)?;
        Ok(Self { acceptor: TlsAcceptor::from(server), connector: TlsConnector::from(Arc::new(client)) })
    }
}

/// Nothing is resumed: every connection proves both names anew.
fn client_config(
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Unusable)?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(TlsError::Unusable)?;
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn server_config(
    provider: Arc<CryptoProvider>,
    verifier: Arc<dyn ClientCertVerifier>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Unusable)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(TlsError::Unusable)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![VISITOR.to_vec()];
    Ok(Arc::new(config))
}

/// Would a peer take this certificate?
fn check(
    verifier: &dyn ClientCertVerifier,
    chain: &[CertificateDer<'static>],
    now: UnixTime,
    path: &Path,
) -> Result<(), TlsError> {
    verifier
        .verify_client_cert(&chain[0], &chain[1..], now)
        .map(drop)
        .map_err(|error| TlsError::Untrusted(path.to_owned(), error))
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(TlsError::Unusable)?;
    }
    Ok(roots)
}

/// At least one certificate.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let empty = || TlsError::Empty(path.to_owned(), "certificate");
    let pem = read(path)?;
    let all: Vec<_> = CertificateDer::pem_slice_iter(&pem).collect::<Result<_, _>>().map_err(|_| empty())?;
    if all.is_empty() { Err(empty()) } else { Ok(all) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = zeroize::Zeroizing::new(read(path)?);
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| TlsError::Empty(path.to_owned(), "private key"))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Unreadable(path.to_owned(), error))
}
