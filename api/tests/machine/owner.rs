//! What the owner of an account does on a [`walk`](crate::walk), while somebody else tries doors between the steps.

use std::time::Duration;

use crate::{
    doors::Link,
    links::{self, press, printed},
    person::Person,
    scene::hidden,
    support::Browser,
    walk::Walk,
};

/// Messages are counted by the hour.
const LATER: Duration = Duration::from_mins(61);
/// Tries between two steps.
const BETWEEN: usize = 2;

/// Something that the owner does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    SignIn,
    SignInByLink,
    AddAddressByLink,
    ForgetPassword,
    CancelByLink,
    CancelInSession,
    Recover,
    /// By somebody new, in truth.
    Register,
}

impl Deed {
    pub(crate) const ALL: [Self; 8] = [
        Self::SignIn,
        Self::SignInByLink,
        Self::AddAddressByLink,
        Self::ForgetPassword,
        Self::CancelByLink,
        Self::CancelInSession,
        Self::Recover,
        Self::Register,
    ];
}

impl<'a> Walk<'a> {
    /// Does it, later. Each step that is right leads on, whatever was tried before.
    pub(crate) async fn does(&mut self, deed: Deed) {
        self.scene.app.pass(LATER);
        // Of logins from before nothing is left.
        self.scene.browser.jar.retain(|name, _| !name.contains("login"));
        match deed {
            Deed::SignIn => self.signs_in().await,
            Deed::SignInByLink => self.signs_in_by_link().await,
            Deed::AddAddressByLink => self.adds_an_address().await,
            Deed::ForgetPassword => self.forgets_the_password().await,
            Deed::CancelByLink => self.cancels_by_link().await,
            Deed::CancelInSession => self.cancels_in_a_session().await,
            Deed::Recover => self.recovers().await,
            Deed::Register => self.somebody_registers().await,
        }
    }

    fn took(&mut self, path: &'static str) {
        *self.taken.entry(path).or_default() += 1;
    }

    /// Presses the button of a link after others had their turn; from then on everybody may have it.
    async fn uses(&mut self, browser: &mut Browser<'a>, link: Link, token: String) -> String {
        self.others_try(BETWEEN).await;
        let to = press(browser, link, &token).await;
        self.took(link.path());
        self.heard.tokens.push(token);
        to
    }

    /// With a code of the app, after signing out now and then.
    async fn signs_in(&mut self) {
        let (app, home) = (self.scene.app, &mut self.home);
        if home.is_signed_in().await && self.dice.below(2) == 0 {
            let page = home.open("/account").await;
            home.submit(&page, "/logout", &[]).await.location();
        }
        let page = self.scene.amelia.type_password(home).await;
        let said = hidden(home, &page, &mut self.scene.amelia).await;
        let page = home.open(&format!("/login/totp?l={}", said.l)).await;
        let code = app.code(&self.scene.amelia.seed);
        assert_eq!(home.submit(&page, "/login/totp", &[("code", &code)]).await.location(), "/account");
        self.heard.of(&said);
        let page = self.home.open("/login").await;
        let said = hidden(&mut self.home, &page, &mut self.scene.amelia).await;
        self.heard.of(&said);
        app.pass(Duration::from_secs(31));
        self.took("/login/totp");
    }

    async fn signs_in_by_link(&mut self) {
        let mut home = self.home.clone();
        let label = self.scene.amelia.halfway(&mut home).await;
        let (_, token) = Person::have_sent(&mut home, &label, "email").await;
        assert_eq!(self.uses(&mut home, Link::Login, token).await, "/account");
        self.home = home;
        assert!(self.home.is_signed_in().await);
    }

    async fn adds_an_address(&mut self) {
        self.signs_in().await;
        let mut home = self.home.clone();
        let pending = self.scene.amelia.pend(&mut home).await;
        let to = self.uses(&mut home, Link::Address, pending.email_token).await;
        assert!(to.starts_with("/account/mfa?done="), "{to}");
        let path = format!("/account/mfa/email/{}/remove", pending.email);
        let page = home.open(&path).await;
        home.submit(&page, &path, &[]).await.location();
        self.home = home;
    }

    async fn forgets_the_password(&mut self) {
        let token = self.scene.amelia.forget(self.scene.app).await;
        self.took("/forgot");
        let mut browser = self.scene.app.browser();
        assert_eq!(self.uses(&mut browser, Link::Reset, token).await, "/login");
        assert!(!self.home.is_signed_in().await, "sessions end with the old password");
        // Two factors say that the password is its owner's.
        self.signs_in().await;
    }

    /// Whatever stands in the way of a recovery is forgotten with the password.
    async fn begins_anew(&mut self) {
        let token = printed(self.scene.app, "amelia").await;
        let mut browser = self.scene.app.browser();
        assert_eq!(self.uses(&mut browser, Link::Reset, token).await, "/login");
        self.signs_in().await;
    }

    /// Somebody begins a recovery; gives the token of the link that cancels it.
    async fn recovery(&mut self) -> String {
        let mut browser = self.scene.app.browser();
        let label = self.scene.amelia.halfway(&mut browser).await;
        let token = Person::begin_recovery(&mut browser, &label).await;
        self.took("/login/recovery");
        token
    }

    async fn cancels_by_link(&mut self) {
        self.begins_anew().await;
        let token = self.recovery().await;
        let mut browser = self.scene.app.browser();
        assert_eq!(self.uses(&mut browser, Link::Cancel, token).await, "/recovery/cancel?done=1");
    }

    async fn cancels_in_a_session(&mut self) {
        self.begins_anew().await;
        let token = self.recovery().await;
        self.others_try(BETWEEN).await;
        let page = self.home.open("/account").await;
        let done = self.home.submit(&page, "/account/recovery/cancel", &[]).await;
        assert_eq!(done.location(), "/account?done=recovery-cancelled");
        self.took("/account/recovery/cancel");
        self.heard.tokens.push(token);
    }

    async fn recovers(&mut self) {
        self.begins_anew().await;
        let (app, token) = (self.scene.app, self.recovery().await);
        self.others_try(BETWEEN).await;
        app.pass(LATER);
        let mut browser = app.browser();
        let label = self.scene.amelia.halfway(&mut browser).await;
        let (before, path) = (app.sent(), format!("/login/recovery?l={label}"));
        let page = browser.open(&path).await;
        browser.submit(&page, "/login/recovery/send", &[]).await.location();
        self.took("/login/recovery/send");
        let code = app.code_after(before).await;
        self.others_try(BETWEEN).await;
        let page = browser.open(&path).await;
        let done = browser.submit(&page, "/login/recovery/complete", &[("code", &code)]).await;
        assert!(done.location().starts_with("/account/mfa/recommended"), "{}", done.location());
        self.took("/login/recovery/complete");
        // Before anybody else comes: until then the password is enough.
        self.scene.amelia = Person::equipped(&mut browser, "amelia", 1).await;
        self.home = browser;
        self.heard.tokens.push(token);
    }

    async fn somebody_registers(&mut self) {
        let mut browser = self.scene.app.browser();
        let address = format!("n{}@mail.example", self.taken.get("/register/email").copied().unwrap_or_default());
        let token = links::ask(&mut browser, &address).await;
        self.took("/register/email");
        assert_eq!(self.uses(&mut browser, Link::Registration, token).await, "/account?done=registered");
    }
}
