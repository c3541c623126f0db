//! `/assets/NAME`: style sheet, scripts and icon, compiled into the binary. Pages link them with `?v=HASH`, and what is
//! asked for by its own hash may be kept for ever.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::{Path, RawQuery},
    response::{IntoResponse, Response},
    routing::get,
};
use data_encoding::HEXLOWER;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// One file.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    body: &'static [u8],
    /// SHA-256 of the body in hexadecimal.
    hash: String,
}

impl Asset {
    fn new(name: &'static str, media_type: &'static str, body: &'static [u8]) -> Self {
        Self { name, media_type, body, hash: HEXLOWER.encode(&Sha256::digest(body)) }
    }

    fn url(&self) -> String {
        format!("/assets/{}?v={}", self.name, self.version())
    }

    fn version(&self) -> &str {
        self.hash.get(..16).unwrap_or(&self.hash)
    }

    fn etag(&self) -> String {
        format!("\"{}\"", self.hash)
    }
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

struct Assets {
    style: Asset,
    again: Asset,
    copy: Asset,
    once: Asset,
    otp: Asset,
    passkey: Asset,
    password: Asset,
    icon: Asset,
}

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    style: Asset::new("style.css", CSS, include_bytes!("../assets/style.css")),
    again: Asset::new("again.js", SCRIPT, include_bytes!("../assets/again.js")),
    copy: Asset::new("copy.js", SCRIPT, include_bytes!("../assets/copy.js")),
    once: Asset::new("once.js", SCRIPT, include_bytes!("../assets/once.js")),
    otp: Asset::new("otp.js", SCRIPT, include_bytes!("../assets/otp.js")),
    passkey: Asset::new("passkey.js", SCRIPT, include_bytes!("../assets/passkey.js")),
    password: Asset::new("password.js", SCRIPT, include_bytes!("../assets/password.js")),
    icon: Asset::new("icon.svg", SVG, include_bytes!("../assets/icon.svg")),
});

impl Assets {
    fn named(&self, name: &str) -> Option<&Asset> {
        let all =
            [&self.style, &self.again, &self.copy, &self.once, &self.otp, &self.passkey, &self.password, &self.icon];
        all.into_iter().find(|asset| asset.name == name)
    }
}

/// The addresses that pages link.
#[derive(Clone, Debug, Serialize)]
pub struct AssetUrls {
    /// The style sheet.
    pub style: String,
    /// The script that counts down until another code can be sent.
    pub again: String,
    /// The script of copy, download and print buttons.
    pub copy: String,
    /// The script that ignores a second submit of a form.
    pub once: String,
    /// The script that takes codes out of text messages.
    pub otp: String,
    /// The script of passkeys.
    pub passkey: String,
    /// The script of the "Show" button beside passwords.
    pub password: String,
    /// The icon.
    pub icon: String,
}

/// The address of each asset with the version of this binary.
pub fn urls() -> AssetUrls {
    AssetUrls {
        style: ASSETS.style.url(),
        again: ASSETS.again.url(),
        copy: ASSETS.copy.url(),
        once: ASSETS.once.url(),
        otp: ASSETS.otp.url(),
        passkey: ASSETS.passkey.url(),
        password: ASSETS.password.url(),
        icon: ASSETS.icon.url(),
    }
}

/// The route `/assets/{name}`.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/assets/{name}", get(serve))
}

/// An asset, `304` when the browser has it, or `404`.
async fn serve(Path(name): Path<String>, RawQuery(query): RawQuery, request: HeaderMap) -> Response {
    let Some(asset) = ASSETS.named(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let etag = asset.etag();
    let versioned = query.as_deref().and_then(|query| query.strip_prefix("v=")) == Some(asset.version());
    // Under another version's address the body would outlive its release in caches.
    let caching = if versioned { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if has(&request, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, asset.media_type)], asset.body).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// Whether `If-None-Match` names the tag; the comparison is the weak one, RFC 9110 section 13.1.2.
fn has(request: &HeaderMap, etag: &str) -> bool {
    let lists = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, Response, StatusCode, header};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::{ASSETS, router, urls};

    async fn fetch(uri: &str, if_none_match: Option<&str>) -> Response<Body> {
        let mut request = Request::get(uri);
        if let Some(tag) = if_none_match {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let request = request.body(Body::empty()).expect("a well-formed request");
        router::<()>().oneshot(request).await.expect("a router does not fail")
    }

    #[tokio::test]
    async fn an_asset_under_its_own_version_is_kept_for_ever() {
        let response = fetch(&urls().style, None).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/css; charset=utf-8");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        let body = response.into_body().collect().await.expect("a body in memory").to_bytes();
        assert_eq!(body, ASSETS.style.body);
    }

    #[tokio::test]
    async fn an_asset_under_another_version_is_asked_for_again() {
        let response = fetch("/assets/copy.js?v=0123456789abcdef", None).await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
    }

    #[tokio::test]
    async fn a_browser_that_has_the_asset_gets_no_body() {
        let tag = fetch(&urls().icon, None).await.headers()[header::ETAG].clone();
        let listed = format!("\"other\", W/{}", tag.to_str().expect("a tag in ASCII"));
        assert_eq!(fetch(&urls().icon, Some(&listed)).await.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(fetch(&urls().icon, Some("\"other\"")).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn an_unknown_asset_is_not_found() {
        assert_eq!(fetch("/assets/nothing.js", None).await.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn scripts_stay_within_sixty_kilobytes() {
        let scripts = [&ASSETS.again, &ASSETS.copy, &ASSETS.once, &ASSETS.otp, &ASSETS.passkey, &ASSETS.password];
        assert!(scripts.iter().map(|script| script.body.len()).sum::<usize>() <= 60 * 1024);
    }
}
