//! The claims of somebody whose session is live.

use http::header;

use super::World;
use crate::{http::Failure, population::User};

impl World {
    pub(super) async fn userinfo(&self, user: &User) -> Result<(), Failure> {
        let bearer = user.tokens.lock().await.as_ref().map(|tokens| format!("Bearer {}", tokens.access_token));
        let bearer = bearer.ok_or_else(|| Failure::new("userinfo: no token"))?;
        let headers = [(header::AUTHORIZATION, bearer.as_str())];
        let answer = self.http.send("userinfo", "/oauth/userinfo", &headers, None).await?;
        if answer.status.is_success() { Ok(()) } else { Err(Failure::status("userinfo", answer.status)) }
    }
}
