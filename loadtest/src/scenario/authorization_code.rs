//! Another application in a browser that is signed in: authorize → code → tokens, no page between.

use super::{Tokens, World};
use crate::{http::Failure, population::User};

impl World {
    pub(super) async fn authorization_code(&self, user: &User, index: usize) -> Result<Tokens, Failure> {
        // Visits of one user overlap, as tabs do: each has the cookies as they were after the registration.
        let mut browser = user.browser.clone();
        let address = browser.open("authorize", &self.authorize(index)).await?.outside("authorize")?;
        let code = self.code(index, &address)?;
        self.redeem(index, &code).await
    }
}
