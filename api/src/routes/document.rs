//! A JSON document that is made once and served many times.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

/// How long clients may keep it. Far shorter than keys are published before they sign.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=300");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The bytes, and their tag if somebody may keep them.
#[derive(Debug)]
pub(crate) struct Document {
    body: Bytes,
    etag: Option<HeaderValue>,
}

impl Document {
    pub(crate) fn new(json: Vec<u8>) -> Self {
        let tag = HEXLOWER.encode(&Sha256::digest(&json)[..16]);
        let etag = HeaderValue::try_from(format!("\"{tag}\"")).expect("a quoted hexadecimal number is a header value");
        Self { body: json.into(), etag: Some(etag) }
    }

    /// One that stands in for another, and is kept by nobody.
    pub(crate) fn passing(json: Vec<u8>) -> Self {
        Self { body: json.into(), etag: None }
    }

    /// The document, or word that the client has it already (RFC 9110, 13.1.2).
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let content_type: [(HeaderName, HeaderValue); 1] = [(header::CONTENT_TYPE, JSON)];
        let Some(etag) = &self.etag else {
            return ([(header::CACHE_CONTROL, NO_STORE)], content_type, self.body.clone()).into_response();
        };
        let headers = [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, CACHE_CONTROL)];
        if is_known(etag, request) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        (headers, content_type, self.body.clone()).into_response()
    }
}

fn is_known(etag: &HeaderValue, request: &HeaderMap) -> bool {
    let lists = request.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = lists.flat_map(|list| list.as_bytes().split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    tags.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_with(tag: &str) -> StatusCode {
        let document = Document::new(b"{}".to_vec());
        let mut request = HeaderMap::new();
        request.insert(header::IF_NONE_MATCH, tag.parse().expect("a header value"));
        document.answer(&request).status()
    }

    #[test]
    fn a_client_that_has_the_document_gets_no_body() {
        let tag = Document::new(b"{}".to_vec()).etag.expect("a tag");
        let tag = tag.to_str().expect("ASCII");
        for known in [tag, &format!("W/{tag}"), &format!("\"x\", {tag}"), "*"] {
            assert_eq!(asked_with(known), StatusCode::NOT_MODIFIED, "{known}");
        }
        assert_eq!(asked_with("\"x\""), StatusCode::OK);
    }
}
