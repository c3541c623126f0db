//! A browser: a cookie jar, forms that are filled in as they stand on the page, and people's usual ways.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use data_encoding::BASE32_NOPAD;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use totp_rs::{Algorithm, Builder};
use tower::ServiceExt as _;
use url::form_urlencoded;

use super::{PASSWORD, TestApp};
use crate::html::{Tag, tags};

/// A browser of one person, which remembers its cookies. Cloned, it is a copy of the jar at that moment.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) jar: BTreeMap<String, String>,
    pub(crate) peer: SocketAddr,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// Where a redirect leads.
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        self.headers[header::LOCATION].to_str().expect("a location in ASCII")
    }

    /// The lines of `Set-Cookie`.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines.map(|line| line.to_str().expect("a cookie in ASCII")).collect()
    }

    /// Hidden and filled-in fields of the form that goes to `action`.
    pub(crate) fn form(&self, action: &str) -> Vec<(String, String)> {
        let tags = tags(&self.body);
        let mut inside = tags.iter().skip_while(|tag| !(tag.name == "form" && tag.text("action") == action));
        assert!(inside.next().is_some(), "{} has no form to {action}: {}", self.status, self.body);
        let inputs = inside.take_while(|tag| tag.name != "/form").filter(|tag| tag.name == "input");
        let ticked = |tag: &&Tag| tag.text("type") != "checkbox" || tag.get("checked").is_some();
        let filled = inputs.filter(|tag| tag.get("value").is_some()).filter(ticked);
        filled.map(|tag: &Tag| (tag.text("name").to_owned(), unescape(tag.text("value")))).collect()
    }

    /// Has the page a link to this path?
    pub(crate) fn links_to(&self, path: &str) -> bool {
        tags(&self.body).iter().any(|tag| tag.name == "a" && unescape(tag.text("href")) == path)
    }

    /// The value of one field of that form.
    pub(crate) fn field(&self, action: &str, name: &str) -> String {
        let fields = self.form(action);
        fields.into_iter().find(|(known, _)| known == name).map(|(_, value)| value).expect("the field is there")
    }

    /// The backup codes on the page.
    pub(crate) fn backup_codes(&self) -> Vec<String> {
        let text = self.body.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-'));
        let codes = text.filter(|word| word.len() == 24 && word.matches('-').count() == 4);
        codes.map(str::to_owned).collect()
    }

    /// The seed of the authenticator app that the page sets up.
    pub(crate) fn seed(&self) -> Vec<u8> {
        let (_, after) = self.body.split_once("secret=").expect("an otpauth link");
        let key = after.split(|c: char| !c.is_ascii_alphanumeric()).next().expect("a key");
        BASE32_NOPAD.decode(key.as_bytes()).expect("base 32")
    }
}

fn unescape(text: &str) -> String {
    text.replace("&#x2f;", "/").replace("&quot;", "\"").replace("&lt;", "<").replace("&amp;", "&")
}

impl<'a> Browser<'a> {
    pub(super) fn new(app: &'a TestApp, peer: SocketAddr) -> Self {
        Self { app, jar: BTreeMap::new(), peer }
    }

    /// A request as this browser makes it, before it is sent.
    pub(crate) fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let host = self.app.issuer.authority().to_owned();
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0")
            .extension(ConnectInfo(self.peer));
        if !self.jar.is_empty() {
            let pairs: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        request
    }

    /// Sends a request and keeps the cookies.
    pub(crate) async fn send(&mut self, request: Request<Body>) -> Answer {
        let response = self.app.router.clone().oneshot(request).await.expect("a router does not fail");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body in memory").to_bytes();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("a cookie in ASCII");
            let (name, rest) = line.split_once('=').expect("a name");
            let value = rest.split(';').next().expect("a value");
            if line.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let body = String::from_utf8(body.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Opens a page.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = self.request(Method::GET, path).body(Body::empty()).expect("a well-formed request");
        self.send(request).await
    }

    /// Opens a page and follows where it leads within this site.
    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        let mut answer = self.get(path).await;
        while answer.status == StatusCode::SEE_OTHER && answer.location().starts_with('/') {
            let next = answer.location().to_owned();
            answer = self.get(&next).await;
        }
        answer
    }

    /// Sends fields to a path as a form of our own pages.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Answer {
        let request = self.form_request(path).header(header::ORIGIN, self.app.issuer.origin().ascii_serialization());
        self.send(request.body(Body::from(encode(fields))).expect("a well-formed request")).await
    }

    /// A form's request without any header that says where it comes from.
    pub(crate) fn form_request(&self, path: &str) -> http::request::Builder {
        self.request(Method::POST, path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
    }

    /// Fills in the form of a page that goes to `action`, and sends it.
    pub(crate) async fn submit(&mut self, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
        let mut fields = page.form(action);
        for (name, value) in typed {
            fields.retain(|(known, _)| known != name);
            fields.push(((*name).to_owned(), (*value).to_owned()));
        }
        self.post(action, &fields).await
    }

    /// Registers somebody, who is signed in afterwards.
    pub(crate) async fn register(&mut self, user_name: &str) -> Answer {
        let page = self.open("/register").await;
        let typed = [("user_name", user_name), ("email", ""), ("password", PASSWORD)];
        let answer = self.submit(&page, "/register", &typed).await;
        assert_eq!(answer.location(), "/account?done=registered");
        answer
    }

    /// Types a name and a password on a login page of its own.
    pub(crate) async fn log_in(&mut self, user_name: &str, password: &str) -> Answer {
        let page = self.open("/login").await;
        self.submit(&page, "/login", &[("username", user_name), ("password", password)]).await
    }

    /// Sets up an authenticator app; gives its seed and the page with the backup codes.
    pub(crate) async fn enrol(&mut self) -> (Vec<u8>, Answer) {
        let page = self.open("/account/mfa").await;
        let begun = self.submit(&page, "/account/mfa/totp", &[("name", "Phone")]).await;
        let path = begun.location().to_owned();
        let page = self.open(&path).await;
        let seed = page.seed();
        let code = self.app.code(&seed);
        let answer = self.submit(&page, &format!("{path}/confirm"), &[("code", &code)]).await;
        (seed, answer)
    }

    /// The value of a cookie, by its bare name.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let prefix = if self.app.issuer.scheme() == "https" { "__Host-" } else { "" };
        self.jar.get(&format!("{prefix}{name}")).cloned()
    }

    /// Is it signed in?
    pub(crate) async fn is_signed_in(&mut self) -> bool {
        self.get("/account").await.status == StatusCode::OK
    }
}

impl TestApp {
    /// What an authenticator app with this seed shows now.
    pub(crate) fn code(&self, seed: &[u8]) -> String {
        self.code_of(seed, Duration::ZERO)
    }

    /// What it showed so long ago.
    pub(crate) fn code_of(&self, seed: &[u8], ago: Duration) -> String {
        use actors::clock::Clock as _;
        let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(30).with_skew(0);
        let totp = totp.with_secret(seed).build_noncompliant();
        let now = u64::try_from(self.clock.now().as_secs()).expect("after the epoch");
        totp.generate(now - ago.as_secs()).to_string()
    }
}

/// A body of these fields.
pub(crate) fn encode(fields: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
