//! HTTP/1.1 with kept-alive connections, and a browser on top of it: cookies, forms, redirects within the origin.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    net::SocketAddr,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use url::{Host, Url, form_urlencoded};

use crate::page::Form;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);
const NO_CONNECTION: &str = "no connection";
/// Redirects of one step, at most.
const REDIRECTS: usize = 8;

/// The server under load, on this machine: one node, or several that take requests in turn.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The origin that browsers see.
    pub(crate) origin: String,
    host: String,
    nodes: Arc<[SocketAddr]>,
    turn: Arc<AtomicUsize>,
}

impl Target {
    fn new(url: &Url, nodes: Vec<SocketAddr>) -> Self {
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let origin = url.origin().ascii_serialization();
        Self { origin, host, nodes: nodes.into(), turn: Arc::default() }
    }

    /// Nodes that were started by this program, behind one origin.
    pub(crate) fn of_nodes(origin: &Url, nodes: Vec<SocketAddr>) -> Self {
        Self::new(origin, nodes)
    }

    /// All nodes, the one whose turn it is first.
    fn in_turn(&self) -> impl Iterator<Item = (usize, SocketAddr)> + '_ {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        (0..self.nodes.len()).map(move |n| (first.wrapping_add(n)) % self.nodes.len()).map(|n| (n, self.nodes[n]))
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        if url.scheme() != "http" || !loopback {
            return Err("only http on localhost, 127.0.0.0/8 or [::1] is loaded".to_owned());
        }
        // The server's default address is IPv4; a name is looked up here once, not at each connection.
        let mut found = url.socket_addrs(|| None).map_err(|error| error.to_string())?;
        found.sort_by_key(SocketAddr::is_ipv6);
        let address =
            found.into_iter().find(|found| found.ip().is_loopback()).ok_or("the name has no loopback address")?;
        Ok(Self::new(&url, vec![address]))
    }
}

/// Fields as a form or a query sends them.
pub(crate) fn form<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Why a visit came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Which step, and what happened instead.
    pub(crate) kind: Cow<'static, str>,
    /// Did the server turn it away in order (429 or 503)?
    pub(crate) refused: bool,
    /// Was nothing sent, because no node took a connection?
    pub(crate) unsent: bool,
}

impl Failure {
    pub(crate) fn new(kind: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: kind.into(), refused: false, unsent: false }
    }

    /// An answer with a status that the step does not expect.
    pub(crate) fn status(step: &str, status: StatusCode) -> Self {
        let refused = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        Self { kind: format!("{step}: {}", status.as_u16()).into(), refused, unsent: false }
    }
}

impl From<Failure> for anyhow::Error {
    fn from(failure: Failure) -> Self {
        Self::msg(failure.kind)
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: String,
    /// Which node of the target answered.
    pub(crate) node: usize,
}

impl Answer {
    /// Where a redirect leads.
    pub(crate) fn location(&self) -> Option<&str> {
        self.headers.get(header::LOCATION)?.to_str().ok().filter(|_| self.status.is_redirection())
    }

    /// What the node calls the request in its log.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.headers.get("x-request-id")?.to_str().ok()
    }

    /// Does it bring a cookie whose name has this in it, and not take one away?
    pub(crate) fn brings_cookie(&self, name: &str) -> bool {
        let mut lines = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines.any(|line| line.contains(name) && !line.to_ascii_lowercase().contains("max-age=0"))
    }
}

/// Connections to the target, shared by all visits.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    pub(crate) target: Target,
    patience: Duration,
}

impl Http {
    pub(crate) fn new(target: Target) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).set_host(false).build(connector);
        Self { client, target, patience: PATIENCE }
    }

    /// The same with another patience for one request.
    pub(crate) fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// One request, to the node whose turn it is; a node that takes no connection is passed over, as a load balancer
    /// does. `headers` beside `Host`; a body is sent as a form.
    pub(crate) async fn send(
        &self,
        step: &'static str,
        path: &str,
        headers: &[(header::HeaderName, &str)],
        form: Option<String>,
    ) -> Result<Answer, Failure> {
        let exchange = async {
            for node in self.target.in_turn() {
                let request = self.request(node.1, path, headers, form.clone()).map_err(|_| "not a request")?;
                match self.client.request(request).await {
                    Ok(answer) => return read(node.0, answer).await,
                    Err(error) if error.is_connect() => {}
                    Err(_) => return Err("the connection broke"),
                }
            }
            Err(NO_CONNECTION)
        };
        match tokio::time::timeout(self.patience, exchange).await {
            Ok(answer) => answer.map_err(|reason: &str| {
                let unsent = reason == NO_CONNECTION;
                Failure { unsent, ..Failure::new(format!("{step}: {reason}")) }
            }),
            Err(_) => Err(Failure::new(format!("{step}: no answer in time"))),
        }
    }

    fn request(
        &self,
        node: SocketAddr,
        path: &str,
        headers: &[(header::HeaderName, &str)],
        form: Option<String>,
    ) -> Result<Request<Full<Bytes>>, ::http::Error> {
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{node}{path}"))
            .header(header::HOST, &self.target.host);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        if form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        request.body(Full::from(form.unwrap_or_default()))
    }
}

async fn read(node: usize, answer: ::http::Response<Incoming>) -> Result<Answer, &'static str> {
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|_| "the answer broke off")?.to_bytes();
    let body = String::from_utf8(body.into()).map_err(|_| "the answer is not UTF-8")?;
    Ok(Answer { status: head.status, headers: head.headers, body, node })
}

/// Where a step in a browser ended.
#[derive(Debug)]
pub(crate) enum Landed {
    /// On a page of the server.
    Page(String),
    /// On its way to another origin, at this address.
    Outside(String),
}

impl Landed {
    /// The page, where one was expected.
    pub(crate) fn page(self, step: &'static str) -> Result<String, Failure> {
        match self {
            Self::Page(body) => Ok(body),
            Self::Outside(_) => Err(Failure::new(format!("{step}: left the server"))),
        }
    }

    /// The address elsewhere, where one was expected.
    pub(crate) fn outside(self, step: &'static str) -> Result<String, Failure> {
        match self {
            Self::Outside(url) => Ok(url),
            Self::Page(_) => Err(Failure::new(format!("{step}: refused on the page"))),
        }
    }
}

/// A person's browser.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    http: Http,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(http: &Http) -> Self {
        Self { http: http.clone(), cookies: BTreeMap::new() }
    }

    /// Opens a path and follows redirects.
    pub(crate) async fn open(&mut self, step: &'static str, path: &str) -> Result<Landed, Failure> {
        self.walk(step, path.to_owned(), None).await
    }

    /// Fills in a form of a page, sends it and follows redirects.
    pub(crate) async fn submit(
        &mut self,
        step: &'static str,
        form: Option<Form>,
        fields: &[(&str, &str)],
    ) -> Result<Landed, Failure> {
        let form = form.ok_or_else(|| Failure::new(format!("{step}: its form is not on the page")))?;
        let body = form.filled(fields);
        self.walk(step, form.action, Some(body)).await
    }

    async fn walk(
        &mut self,
        step: &'static str,
        mut path: String,
        mut form: Option<String>,
    ) -> Result<Landed, Failure> {
        let origin = self.http.target.origin.clone();
        for _ in 0..REDIRECTS {
            let answer = self.step(step, &path, form.take()).await?;
            self.keep(&answer.headers);
            let Some(location) = answer.location() else {
                return if answer.status.is_success() {
                    Ok(Landed::Page(answer.body))
                } else {
                    Err(Failure::status(step, answer.status))
                };
            };
            match location.strip_prefix(&origin).unwrap_or(location) {
                inside if inside.starts_with('/') => inside.clone_into(&mut path),
                outside => return Ok(Landed::Outside(outside.to_owned())),
            }
        }
        Err(Failure::new(format!("{step}: too many redirects")))
    }

    /// One request with the cookies as they are; nothing is followed and nothing kept.
    pub(crate) async fn step(&self, step: &'static str, path: &str, form: Option<String>) -> Result<Answer, Failure> {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![(header::ACCEPT, "text/html")];
        if !cookies.is_empty() {
            headers.push((header::COOKIE, cookies.as_str()));
        }
        if form.is_some() {
            headers.push((header::ORIGIN, self.http.target.origin.as_str()));
        }
        self.http.send(step, path, &headers, form).await
    }

    /// Another browser that has those of its cookies whose name begins so.
    pub(crate) fn only(&self, prefix: &str) -> Self {
        let cookies = self.cookies.iter().filter(|(name, _)| name.starts_with(prefix));
        Self { http: self.http.clone(), cookies: cookies.map(|(name, value)| (name.clone(), value.clone())).collect() }
    }

    /// Takes the cookies of an answer to [`Browser::step`].
    pub(crate) fn take(&mut self, answer: &Answer) {
        self.keep(&answer.headers);
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            if parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[test]
    fn a_target_keeps_the_name_that_browsers_use_and_connects_to_its_address() {
        let local = target("http://localhost:11080");
        assert_eq!((local.origin.as_str(), local.host.as_str()), ("http://localhost:11080", "localhost:11080"));
        assert!(local.nodes[0].ip().is_loopback());
        assert_eq!(target("http://[::1]:8080").nodes[0].to_string(), "[::1]:8080");
    }

    #[test]
    fn cookies_are_kept_replaced_and_dropped() {
        let mut browser = Browser::new(&Http::new(target("http://127.0.0.1:1")));
        let mut headers = HeaderMap::new();
        for line in ["a=1; Path=/; HttpOnly", "b=2", "a=3; SameSite=Lax", "b=; Max-Age=0"] {
            headers.append(header::SET_COOKIE, line.parse().unwrap());
        }
        browser.keep(&headers);
        assert_eq!(browser.cookies, BTreeMap::from([("a".to_owned(), "3".to_owned())]));
    }

    #[test]
    fn a_refusal_in_order_is_told_from_a_failure() {
        assert!(Failure::status("x", StatusCode::SERVICE_UNAVAILABLE).refused);
        assert!(!Failure::status("x", StatusCode::INTERNAL_SERVER_ERROR).refused);
    }
}
