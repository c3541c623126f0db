//! The parameters of RP-Initiated Logout 1.0, section 2, as far as they can be judged without a session.

use actors::tokens::IdClaims;
use schema::{ClientId, Sid, record::Client};

use super::params::Params;

/// Bytes of `state`.
const MAX_STATE: usize = 2048;

/// What `id_token_hint` is worth.
#[derive(Debug)]
pub enum Hint {
    /// It did not come.
    None,
    /// It is not a token of ours, or contradicts `client_id`: nothing of the request is believed.
    Bad,
    /// Ours; expired or not.
    Good(Box<IdClaims>),
}

impl Hint {
    /// Reads the parameter; `read` verifies a token.
    pub fn of(params: &Params, read: impl Fn(&str) -> Option<IdClaims>) -> Self {
        let Some(token) = params.get("id_token_hint") else {
            return Self::None;
        };
        match read(token) {
            Some(claims) if params.get("client_id").is_none_or(|id| id == claims.aud) => Self::Good(Box::new(claims)),
            Some(_) | None => Self::Bad,
        }
    }

    /// The client that asks, as far as it can be believed.
    pub fn client(&self, params: &Params) -> Option<ClientId> {
        match self {
            Self::Good(claims) => claims.aud.parse().ok(),
            Self::None => params.get("client_id").and_then(|id| id.parse().ok()),
            Self::Bad => None,
        }
    }

    /// Does it name this session?
    pub fn names(&self, sid: Sid) -> bool {
        matches!(self, Self::Good(claims) if claims.sid.parse() == Ok(sid))
    }
}

/// Where the browser may go afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing was asked for.
    None,
    /// An address that is not registered for the client, or of a client that is not known: nobody goes there.
    Refused,
    /// A registered address, and `state` for it.
    Registered {
        /// Exactly as registered.
        uri: String,
        /// As sent.
        state: Option<String>,
    },
}

impl Target {
    /// Compares `post_logout_redirect_uri` with the registration, as an exact string.
    pub fn of(params: &Params, client: Option<&Client>) -> Self {
        let Some(uri) = params.get("post_logout_redirect_uri") else {
            return Self::None;
        };
        let state = params.get("state");
        let registered = client.is_some_and(|client| client.post_logout_redirect_uris.iter().any(|known| known == uri));
        if registered && state.is_none_or(|state| state.len() <= MAX_STATE) {
            Self::Registered { uri: uri.to_owned(), state: state.map(str::to_owned) }
        } else {
            Self::Refused
        }
    }
}
