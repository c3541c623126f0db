//! How a client proves itself (RFC 6749, 2.3): `client_secret_basic`, `client_secret_post`, or not at all for public
//! clients. One method a request. It comes before anything else that the request asks for (HAZARDS H6).

use std::sync::Arc;

use actors::clients::Clients;
use data_encoding::BASE64;
use http::{HeaderMap, header};
use schema::{
    ClientId, Timestamp,
    record::{Client, ClientAuth, ClientSecret, SigningAlg, Unknown},
};
use zeroize::Zeroizing;

use crate::{
    error::oauth::OAuthError,
    wire::params::{Params, form_decode},
};

/// What a request brings to prove who sent it.
struct Credentials {
    id: Zeroizing<String>,
    secret: Option<Zeroizing<String>>,
}

/// The client that sent the request, proved. An unknown client costs what a known one with a wrong secret costs.
pub async fn authenticate(clients: &Clients, headers: &HeaderMap, params: &Params) -> Result<Arc<Client>, OAuthError> {
    let credentials = credentials(headers, params)?;
    let known = match credentials.id.parse::<ClientId>() {
        Ok(id) => clients.get(&id).await?,
        Err(_) => None,
    };
    let secret = credentials.secret.as_deref().map_or("", String::as_str);
    let Some(client) = known else {
        clients.secret_matches(&nobody(), secret)?;
        return Err(refused());
    };
    let proved = match (&client.auth, &credentials.secret) {
        (ClientAuth::None, None) => true,
        (ClientAuth::None, Some(_)) | (ClientAuth::Secret { .. }, None) => false,
        (ClientAuth::Secret { .. }, Some(secret)) => clients.secret_matches(&client, secret)?,
    };
    if proved {
        Ok(client)
    } else {
        tracing::info!(client = %client.client, "a client did not prove itself");
        Err(refused())
    }
}

/// The same words for an unknown client, a wrong secret and a missing one.
fn refused() -> OAuthError {
    OAuthError::invalid_client(
        "the client is unknown, its secret is wrong, or it did not send what it is registered for: client_secret by \
         Basic authentication or in the body, and client_id alone for a public client",
    )
}

/// A client that nobody registered, to compare a secret with.
fn nobody() -> Client {
    let secret = ClientSecret { hash: "-".repeat(43), created_at: Timestamp::default(), expires_at: None };
    Client {
        client: "-".parse().expect("a dash is a legal client id"),
        name: String::new(),
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        scopes: std::collections::BTreeSet::new(),
        auth: ClientAuth::Secret { secrets: vec![secret] },
        trusted: false,
        require_pkce: true,
        id_token_alg: SigningAlg::RS256,
        created_at: Timestamp::default(),
        unknown: Unknown::default(),
    }
}

fn credentials(headers: &HeaderMap, params: &Params) -> Result<Credentials, OAuthError> {
    let own = |text: &str| Zeroizing::new(text.to_owned());
    let posted = params.get("client_secret").map(own);
    if params.get("client_assertion").is_some() || params.get("client_assertion_type").is_some() {
        return Err(OAuthError::invalid_client("client_assertion is not supported; send client_secret instead"));
    }
    let mut headers = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = headers.next() else {
        let id = params.get("client_id").map(own).ok_or_else(|| {
            OAuthError::invalid_client("the client is not named; send client_id, or Basic authentication")
        })?;
        return Ok(Credentials { id, secret: posted });
    };
    if headers.next().is_some() {
        return Err(OAuthError::invalid_request("the Authorization header came more than once; send it once"));
    }
    if posted.is_some() {
        return Err(OAuthError::invalid_request(
            "the client proves itself in two ways; send client_secret by Basic authentication or in the body, not both",
        ));
    }
    let basic = value.to_str().ok().and_then(basic).ok_or_else(|| {
        OAuthError::invalid_client(
            "the Authorization header must be Basic with client_id and client_secret, each form-encoded",
        )
    })?;
    if params.get("client_id").is_some_and(|id| id != *basic.id) {
        return Err(OAuthError::invalid_request("client_id is not the one in the Authorization header"));
    }
    Ok(basic)
}

/// `Basic base64(form(id):form(secret))` (RFC 6749, 2.3.1). An empty secret is none.
fn basic(header: &str) -> Option<Credentials> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(BASE64.decode(encoded.trim().as_bytes()).ok()?);
    let colon = decoded.iter().position(|byte| *byte == b':')?;
    let id = Zeroizing::new(form_decode(&decoded[..colon]).ok()?);
    let secret = Zeroizing::new(form_decode(&decoded[colon + 1..]).ok()?);
    Some(Credentials { id, secret: Some(secret).filter(|secret| !secret.is_empty()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: Option<&str>, body: &str) -> Result<(String, Option<String>), OAuthError> {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(header::AUTHORIZATION, header.parse().expect("a header value"));
        }
        let params = Params::from_urlencoded(body.as_bytes()).expect("reads");
        credentials(&headers, &params).map(|c| (c.id.to_string(), c.secret.map(|secret| secret.to_string())))
    }

    fn basic_of(pair: &str) -> String {
        format!("bAsIc {}", BASE64.encode(pair.as_bytes()))
    }

    #[test]
    fn the_halves_of_basic_are_form_encoded() {
        let read = read(Some(&basic_of("c_a%2Db:p%3A+%25")), "").expect("credentials");
        assert_eq!(read, ("c_a-b".to_owned(), Some("p: %".to_owned())));
    }

    #[test]
    fn a_secret_in_the_body_and_none_at_all_are_read() {
        assert_eq!(read(None, "client_id=c_a&client_secret=s"), Ok(("c_a".to_owned(), Some("s".to_owned()))));
        assert_eq!(read(None, "client_id=c_a&client_secret="), Ok(("c_a".to_owned(), None)));
        assert_eq!(read(Some(&basic_of("c_a:")), "client_id=c_a"), Ok(("c_a".to_owned(), None)));
    }

    #[test]
    fn two_methods_at_once_are_refused_as_a_bad_request() {
        use crate::error::oauth::ErrorCode::{InvalidClient, InvalidRequest};
        let header = basic_of("c_a:s");
        for (header, body, code) in [
            (Some(header.as_str()), "client_secret=s", InvalidRequest),
            (Some(header.as_str()), "client_id=c_b", InvalidRequest),
            (Some("Bearer x"), "client_id=c_a", InvalidClient),
            (Some("Basic !"), "", InvalidClient),
            (Some(basic_of("no colon").as_str()), "", InvalidClient),
            (None, "grant_type=x", InvalidClient),
            (None, "client_id=c_a&client_assertion=x", InvalidClient),
        ] {
            assert_eq!(read(header, body).expect_err(body).code, code, "{header:?} {body}");
        }
    }
}
