//! A whole sign-in in a browser that was never here: authorize → password → TOTP → code → tokens.

use super::{Tokens, World};
use crate::{
    http::{Browser, Failure},
    page::Form,
    population::User,
};

impl World {
    pub(crate) async fn login_totp(&self, user: &User, index: usize) -> Result<Tokens, Failure> {
        let mut browser = Browser::new(&self.http);
        let page = browser.open("authorize", &self.authorize(index)).await?.page("authorize")?;
        let fields = [("username", user.name.as_str()), ("password", &user.password)];
        let page =
            browser.submit("password", Form::find(&page, "/login", "/login"), &fields).await?.page("password")?;
        let code = user.code()?;
        let form = Form::find(&page, "/login/totp", "");
        let address = browser.submit("totp", form, &[("code", &code)]).await?.outside("totp")?;
        let code = self.code(index, &address)?;
        self.redeem(index, &code).await
    }
}
