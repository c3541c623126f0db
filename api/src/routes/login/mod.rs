//! `/login` and its second steps. A proof is taken by one of the doors here, judged by the owner of the account, and
//! answered in [`judge`] alone, so that all doors look the same from outside.

pub mod backup_code;
pub mod judge;
pub mod link;
pub mod passkey;
pub mod password;
pub mod raise;
pub mod recovery;
pub mod sent_code;
pub mod totp;

use actors::domain::{command::LoginRef, policy::Asks, trusted_device::Trust};
use schema::UserId;
use serde::Deserialize;

use crate::{
    error::PageError,
    extract::{LoginState, Visit},
    page::ClientLine,
    wire::redirect_uri::origin_of,
};

/// The query of every step.
#[derive(Debug, Default, Deserialize)]
pub struct Step {
    /// The login's id.
    #[serde(default)]
    pub l: String,
}

/// The client that a login answers, for its pages.
pub(crate) async fn client_line(visit: &Visit, login: &LoginState) -> Result<Option<ClientLine>, PageError> {
    let Some(request) = login.request() else { return Ok(None) };
    let client = visit.state.services.clients.get(&request.client).await?;
    Ok(client.map(|client| ClientLine { name: client.name.clone(), origin: origin_of(&request.redirect_uri) }))
}

/// The login as the owner of `user` knows it: with the browser's device, if that is the user's.
fn second_step(visit: &Visit, login: &LoginState, user: UserId) -> LoginRef {
    let device = visit.known_device().filter(|known| known.user == user).map(|known| known.device);
    let (login, browser) = (login.login, login.browser);
    LoginRef { login, browser, device, renews: None, trust: Trust::None, asks: Asks::default() }
}

/// The same for a command that takes a proof: with what the policies ask of the login.
async fn proving(visit: &Visit, login: &LoginState, user: UserId, trust: Trust) -> Result<LoginRef, PageError> {
    Ok(LoginRef { trust, asks: visit.asks(login).await?, ..second_step(visit, login, user) })
}

/// The user of a login whose first proof was accepted.
fn identified(login: &LoginState) -> Result<UserId, PageError> {
    login.user.ok_or(PageError::LoginEnded)
}
