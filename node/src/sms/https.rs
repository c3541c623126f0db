//! One request over HTTP/1.1, on a connection of its own. Nothing is followed or tried again: that is the notifier's.

use std::{path::Path, sync::Arc, time::Duration};

use actors::notifier::NotCarried;
use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderValue, Request as HttpRequest, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use url::Url;

use super::Request;

/// How long a provider may take until it is connected.
const CONNECTED_WITHIN: Duration = Duration::from_secs(3);
/// The most bytes of an answer that are read.
const MAX_ANSWER: usize = 64 * 1024;

/// Where requests go.
pub(super) struct Endpoint {
    host: String,
    port: u16,
    authority: String,
    path: String,
    query: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Endpoint {
    /// The endpoint of a URL; `ca` names the authorities that are believed in place of the system's.
    pub(super) fn new(url: &Url, ca: Option<&Path>) -> anyhow::Result<Self> {
        let host = url.host_str().context("the URL names no host")?;
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = url.port_or_known_default().context("the URL names no port")?;
        let tls = match url.scheme() {
            "https" => Some((connector(ca)?, ServerName::try_from(host.clone())?)),
            _ => None,
        };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(Self { host, port, authority, path: url.path().to_owned(), query, tls })
    }

    /// The host, with the port if it is not the usual one.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Sends a request.
    pub(super) async fn post(&self, request: Request) -> Result<Answer, NotCarried> {
        let path = match request.path.as_str() {
            "" => self.path.clone(),
            rest => format!("{}{rest}", self.path.trim_end_matches('/')),
        };
        let mut builder = HttpRequest::post(format!("{path}{}", self.query)).header(header::HOST, &self.authority);
        builder = builder.header(header::CONNECTION, HeaderValue::from_static("close"));
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        let body = Full::new(Bytes::from(request.body.as_bytes().to_vec()));
        let request = builder.body(body).map_err(|_| NotCarried::Down("its address makes no request".to_owned()))?;
        let connected = tokio::time::timeout(CONNECTED_WITHIN, TcpStream::connect((self.host.as_str(), self.port)));
        let stream = connected.await.map_err(|_| late())?.map_err(|_| unreachable())?;
        match &self.tls {
            None => exchange(stream, request).await,
            Some((tls, name)) => {
                let secured = tokio::time::timeout(CONNECTED_WITHIN, tls.connect(name.clone(), stream));
                let no_tls = |_| NotCarried::Down("there is no TLS with the provider".to_owned());
                exchange(secured.await.map_err(|_| late())?.map_err(no_tls)?, request).await
            }
        }
    }
}

fn late() -> NotCarried {
    NotCarried::Down("the provider did not answer in time".to_owned())
}

fn unreachable() -> NotCarried {
    NotCarried::Down("the provider cannot be reached".to_owned())
}

/// One request and its answer; the connection ends with it.
async fn exchange<S>(stream: S, request: HttpRequest<Full<Bytes>>) -> Result<Answer, NotCarried>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let broken = || NotCarried::Down("the connection to the provider broke".to_owned());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| broken())?;
    let answered = async {
        let response = sender.send_request(request).await.map_err(|_| broken())?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await.map_err(|_| broken())?;
        Ok(Answer { status, body: body.to_bytes() })
    };
    tokio::pin!(answered);
    tokio::select! {
        biased;
        answer = &mut answered => answer,
        // What was read before the end is still to be taken.
        _ = connection => answered.await,
    }
}

fn connector(ca: Option<&Path>) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file).with_context(|| file.display().to_string())? {
                roots.add(certificate.with_context(|| file.display().to_string())?)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    anyhow::ensure!(!roots.is_empty(), "there are no authorities to believe; name a file with them as ca");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth())))
}
