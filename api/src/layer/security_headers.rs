//! The response headers that keep a page to itself: content security policy, framing, referrer, caching (HAZARDS H18).

use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::{Host, Url};

/// Where a form of the page may end up besides this origin. Chromium applies `form-action` to the redirects that
/// answer a form too, so a login page names the origin of its client's redirect URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormTarget(String);

impl FormTarget {
    /// The target for a redirect URI that the client's registration already allowed.
    ///
    /// It is the URI's origin. Where a policy cannot write that (an app's own scheme, an IPv6 address, a host with
    /// characters that the grammar of CSP lacks), it is the scheme.
    pub fn of_redirect(uri: &Url) -> Self {
        let scheme = uri.scheme();
        let host = match uri.host() {
            Some(Host::Domain(name)) if matches!(scheme, "http" | "https") && is_plain_host(name) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            _ => return Self(format!("{scheme}:")),
        };
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        Self(format!("{scheme}://{host}{port}"))
    }
}

fn is_plain_host(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

/// The content security policy of one page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Csp {
    /// The redirect target of the login, consent or sign-out that the page is a step of; none on all other pages.
    pub form_action_origin: Option<FormTarget>,
}

impl Csp {
    /// The policy of a step that ends in a redirect to `uri`.
    pub fn leading_to(uri: &Url) -> Self {
        Self { form_action_origin: Some(FormTarget::of_redirect(uri)) }
    }

    /// The value of `Content-Security-Policy`.
    pub fn to_header(&self) -> HeaderValue {
        const BEFORE: &str =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'";
        const AFTER: &str = "; frame-ancestors 'none'; base-uri 'none'";
        let target = self.form_action_origin.as_ref().map(|target| format!(" {}", target.0)).unwrap_or_default();
        HeaderValue::try_from(format!("{BEFORE}{target}{AFTER}"))
            .unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'"))
    }
}

/// The headers of this server's responses.
#[derive(Clone, Copy, Debug)]
pub struct SecurityHeaders {
    https: bool,
}

impl SecurityHeaders {
    /// For an issuer; `Strict-Transport-Security` is sent when it is an `https` one.
    pub fn for_issuer(issuer: &Url) -> Self {
        Self { https: issuer.scheme() == "https" }
    }

    /// What every response carries, JSON and assets included.
    pub fn on_any(self, headers: &mut HeaderMap) {
        set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        // `no-referrer` would make browsers send `Origin: null` with our own forms, and unsafe requests need the
        // issuer's origin there; `same-origin` tells other sites as little and keeps the header.
        set(headers, header::REFERRER_POLICY, "same-origin");
        if self.https {
            // Without includeSubDomains: other hosts of the domain are not ours to decide about.
            set(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        }
    }

    /// What a page carries, errors and redirects between pages included.
    pub fn on_page(self, headers: &mut HeaderMap, csp: &Csp) {
        self.on_any(headers);
        headers.insert(header::CONTENT_SECURITY_POLICY, csp.to_header());
        set(headers, header::CACHE_CONTROL, "no-store");
        // Nobody keeps a page; whoever does all the same is told that another browser may get it in another language.
        set(headers, header::VARY, "accept-language");
        // For browsers that do not know `frame-ancestors`.
        set(headers, header::X_FRAME_OPTIONS, "DENY");
        set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
        set(headers, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    }

    /// What the page of an address that holds a token carries beside that, errors included: not even this site is told it again.
    /// Its forms are sent with `Origin: null` then; browsers that know `Sec-Fetch-Site` say by that where they come from.
    pub fn on_token(headers: &mut HeaderMap) {
        set(headers, header::REFERRER_POLICY, "no-referrer");
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use url::Url;

    use super::{Csp, SecurityHeaders};

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a well-formed URL")
    }

    #[test]
    fn a_page_outside_a_login_sends_forms_nowhere_else() {
        assert_eq!(
            Csp::default().to_header(),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
             frame-ancestors 'none'; base-uri 'none'"
        );
    }

    #[test]
    fn a_login_page_names_the_redirect_target_and_nothing_of_its_path() {
        for (uri, target) in [
            ("https://photos.example/cb?x=1", "https://photos.example"),
            ("https://photos.example:8443/cb", "https://photos.example:8443"),
            ("http://127.0.0.1:49152/cb", "http://127.0.0.1:49152"),
            ("http://[::1]:49152/cb", "http:"),
            ("com.example.app:/cb", "com.example.app:"),
            ("https://a;b/cb", "https:"),
            ("https://a'b/cb", "https:"),
        ] {
            let policy = Csp::leading_to(&url(uri)).to_header();
            let policy = policy.to_str().expect("a policy in ASCII");
            assert!(policy.contains(&format!("form-action 'self' {target}; frame-ancestors")), "{uri}: {policy}");
        }
    }

    #[test]
    fn pages_are_not_stored_framed_or_sniffed_and_keep_the_origin_header() {
        let mut headers = HeaderMap::new();
        SecurityHeaders::for_issuer(&url("https://id.example")).on_page(&mut headers, &Csp::default());
        for (name, value) in [
            ("cache-control", "no-store"),
            ("vary", "accept-language"),
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(headers[name], value);
        }
    }

    #[test]
    fn a_plain_http_issuer_does_not_pin_https() {
        let mut headers = HeaderMap::new();
        SecurityHeaders::for_issuer(&url("http://localhost:11080")).on_any(&mut headers);
        assert!(!headers.contains_key("strict-transport-security"));
    }
}
