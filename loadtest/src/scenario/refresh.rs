//! A refresh with rotation. Visits of one user wait for each other, since each needs the token that the last one gave;
//! the wait counts.

use super::World;
use crate::{http::Failure, population::User};

impl World {
    pub(super) async fn refresh(&self, user: &User) -> Result<(), Failure> {
        let mut tokens = user.tokens.lock().await;
        let token = tokens.as_mut().and_then(|tokens| tokens.refresh_token.take());
        let token = token.ok_or_else(|| Failure::new("refresh: an earlier one of this user failed"))?;
        *tokens = Some(self.token("refresh", &[("grant_type", "refresh_token"), ("refresh_token", &token)]).await?);
        Ok(())
    }
}
