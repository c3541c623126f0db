//! HTML pages: one typed context per page, one template each, rendered by one environment. Nothing reaches a template
//! that is not a documented field, and a field that a template names but no context has is an error.

mod account;
mod environment;
mod error;
mod form;
mod form_post;
mod front;
mod inbox;
mod login;
mod logout;
mod mfa;
mod passkey;
mod password;
mod register;
mod when;

use serde::Serialize;

pub use account::{AccountPage, EmailLine, SessionRow, SessionsPage, TrustedRow, describe_user_agent};
pub use environment::{Pages, RenderError};
pub use error::{ErrorPage, Link};
pub use form::{ClientLine, Concealed, Cooldown, FormError, Notice, PasswordRule};
pub use form_post::FormPostPage;
pub use front::FrontPage;
pub use inbox::{InboxPage, LetterRow};
pub use login::{
    AddressChoice, BackupCodePage, ConsentPage, LoginPage, ScopeLine, SentCodePage, SentLine, TotpPage, TrustBox,
};
pub use logout::{BackLink, CarriedField, LoggedOutPage, LogoutPage};
pub use mfa::{
    AddAddress, AddressEnrolPage, AddressRemovePage, AddressRow, AuthenticatorRow, BackupCodesPage,
    BackupCodesRegeneratePage, BackupCodesUnsavedPage, MfaPage, RecommendedPage, TotpEnrolPage, TotpRemovePage,
    TotpRenamePage, WaitingLine, groups_of_four,
};
pub use passkey::{
    AddPasskey, PasskeyAsk, PasskeyEnrolPage, PasskeyPage, PasskeyRemovePage, PasskeyRenamePage, PasskeyRow,
};
pub use password::{ForgotPage, PasswordPage, ReauthenticatePage, ResetPage};
pub use register::{RegisterPage, SetupPage};
pub use when::When;

/// A page: the context of one template.
pub trait Page: Serialize {
    /// The name of its template in `api/templates`.
    const TEMPLATE: &'static str;

    /// The title without the product's name. Differs from step to step and begins with `Error:` on a refused form.
    fn title(&self) -> String;
}

/// What the operator chose about the look of pages.
#[derive(Clone, Debug, Serialize)]
pub struct Branding {
    /// The name in titles and the header.
    pub product_name: String,
}

/// What surrounds every page: header, footer, and the value that all forms of the page carry.
#[derive(Clone, Debug, Serialize)]
pub struct Chrome {
    /// The language of the page, BCP 47.
    pub lang: &'static str,
    /// The issuer's origin, shown in the footer so that people can compare it with the address bar.
    pub issuer_origin: String,
    /// The hidden field `csrf` of every form of the page, the header's included (HAZARDS H18). Empty on pages without
    /// a form.
    pub csrf: Concealed,
    /// The user name of the session in this browser: gives the header its links and "Sign out".
    pub signed_in_as: Option<String>,
    /// A banner on every page of a server in development mode.
    pub dev_notice: Option<DevNotice>,
}

impl Chrome {
    /// The chrome of a page for a browser that is not signed in.
    pub fn new(issuer_origin: impl Into<String>, csrf: impl Into<Concealed>) -> Self {
        Self {
            lang: "en",
            issuer_origin: issuer_origin.into(),
            csrf: csrf.into(),
            signed_in_as: None,
            dev_notice: None,
        }
    }

    /// The same, for a browser that is signed in.
    #[must_use]
    pub fn signed_in_as(mut self, user_name: impl Into<String>) -> Self {
        self.signed_in_as = Some(user_name.into());
        self
    }

    /// The same, with the banner of a development server.
    #[must_use]
    pub fn with_dev_notice(mut self, notice: DevNotice) -> Self {
        self.dev_notice = Some(notice);
        self
    }
}

/// The banner of a server that runs on development defaults.
#[derive(Clone, Debug, Serialize)]
pub struct DevNotice {
    /// What is not fit for production here, one sentence.
    pub text: String,
}
