//! Listeners: bound before anything is ready, `TCP_NODELAY` on every connection, TLS where it is configured.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use axum::Router;
use axum_server::{
    Control, Handle,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};

/// Bytes of all headers of a request in HTTP/2, names and values. A browser with eight sign-ins under way sends 24 KiB of
/// cookies; the default of 16 KiB would answer it `431`.
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// Binds an address, or says which key to change.
pub fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}; is it in use? See `{key}`"))
}

/// One listener and how it is served.
#[derive(Debug)]
pub struct Endpoint {
    /// The bound socket.
    pub listener: TcpListener,
    /// TLS, where it is on.
    pub tls: Option<RustlsConfig>,
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// Stops it.
    pub control: Control,
}

impl Endpoint {
    /// Serves `router` until [`Control`] stops it and its connections have ended.
    pub async fn serve(self, router: Router) -> anyhow::Result<()> {
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut server = axum_server::from_tcp(self.listener)?
            .handle(Handle::with_control(self.control))
            .first_request_timeout(self.header_timeout)
            .accept_error_handler(|peer, error| tracing::debug!(?peer, %error, "a connection failed"));
        server.http_builder().http1().header_read_timeout(self.header_timeout);
        server.http_builder().http2().max_header_list_size(MAX_HEADER_LIST);
        match self.tls {
            Some(tls) => {
                server.acceptor(RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new())).serve(service).await
            }
            None => server.acceptor(NoDelayAcceptor::new()).serve(service).await,
        }
        .context("a listener failed")
    }
}

/// Makes aws-lc-rs the provider of TLS. Once per process.
pub fn install_tls_provider() {
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// Reads certificate and key.
pub async fn tls(cert: &Path, key: &Path) -> anyhow::Result<RustlsConfig> {
    let config = RustlsConfig::from_pem_file(cert, key).await;
    config.with_context(|| format!("cannot use http.tls.cert {} with http.tls.key {}", cert.display(), key.display()))
}

/// Health is asked for by machines nearby; their requests are small.
pub const MANAGEMENT_HEADER_TIMEOUT: Duration = Duration::from_secs(5);
