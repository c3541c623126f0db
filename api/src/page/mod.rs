//! HTML pages: one typed context per page, one template each, rendered by one environment. Nothing reaches a template
//! that is not a documented field, and a field that a template names but no context has is an error.

mod account;
mod check;
mod environment;
mod error;
mod form;
mod form_post;
mod front;
mod inbox;
mod link;
mod login;
mod logout;
mod mfa;
mod operation;
mod passkey;
mod password;
mod recovery;
mod register;
pub mod samples;
mod speech;
mod step;
mod when;

use serde::Serialize;

use crate::locale::{Locale, Text};

pub use account::{
    AccountPage, EmailLine, OwnAddressConfirmPage, OwnAddressPage, RecoveryLine, SessionRow, SessionsPage, TrustedRow,
    describe_user_agent,
};
pub use check::check;
pub use environment::{PageOptions, Pages, RenderError, built_in_files};
pub use error::{ErrorPage, Link};
pub use form::{ClientLine, Concealed, Cooldown, FormError, Notice, PasswordRule};
pub use form_post::FormPostPage;
pub use front::FrontPage;
pub use inbox::{InboxPage, LetterRow};
pub use link::{AddressLinkPage, LinkElsewherePage, LoginLinkPage};
pub use login::{
    AddressChoice, BackupCodePage, ConsentPage, LoginPage, ScopeLine, SentCodePage, SentLine, TotpPage, TrustBox,
};
pub use logout::{BackLink, CarriedField, LoggedOutPage, LogoutPage};
pub use mfa::{
    AddAddress, AddressEnrolPage, AddressRemovePage, AddressRenamePage, AddressRow, AuthenticatorRow, BackupCodesPage,
    BackupCodesRegeneratePage, BackupCodesUnsavedPage, MfaPage, RecommendedPage, Removal, TotpEnrolPage,
    TotpRemovePage, TotpRenamePage, WaitingLine, groups_of_four,
};
pub use operation::{OperationLine, OperationLines, OperationPage};
pub use passkey::{
    AddPasskey, PasskeyAsk, PasskeyEnrolPage, PasskeyPage, PasskeyRemovePage, PasskeyRenamePage, PasskeyRow,
};
pub use password::{ForgotPage, PasswordPage, ReauthenticatePage, ResetPage};
pub use recovery::{RecoveryCancelPage, RecoveryCancelledPage, RecoveryPage, RecoveryStage};
pub use register::{ConfirmRegistrationPage, RegisterByEmailPage, RegisterPage, SetupPage};
pub use step::{NextStep, StageLine};
pub use when::When;

/// A page: the context of one template.
pub trait Page: Serialize {
    /// The name of its template in `api/templates`.
    const TEMPLATE: &'static str;

    /// The title without the product's name. Differs from step to step and begins with `Error:` on a refused form.
    fn title(&self) -> Text;
}

/// What the operator chose about the look of pages.
#[derive(Clone, Debug, Serialize)]
pub struct Branding {
    /// The name in titles and the header.
    pub product_name: String,
}

impl Default for Branding {
    fn default() -> Self {
        Self { product_name: "Doorward".to_owned() }
    }
}

/// What surrounds every page: header, footer, and the value that all forms of the page carry.
#[derive(Clone, Debug, Serialize)]
pub struct Chrome {
    /// The language of the page.
    #[serde(skip)]
    pub locale: Locale,
    /// The issuer's origin, shown in the footer so that people can compare it with the address bar.
    pub issuer_origin: String,
    /// The hidden field `csrf` of every form of the page, the header's included (HAZARDS H18). Empty on pages without
    /// a form.
    pub csrf: Concealed,
    /// The user name of the session in this browser: gives the header its links and "Sign out".
    pub signed_in_as: Option<String>,
    /// A banner on every page of a server in development mode.
    pub dev_notice: Option<DevNotice>,
    /// Whether second steps link to the recovery of an account that has lost them.
    pub recovery: bool,
}

impl Chrome {
    /// The chrome of a page for a browser that is not signed in.
    pub fn new(locale: Locale, issuer_origin: impl Into<String>, csrf: impl Into<Concealed>) -> Self {
        Self {
            locale,
            issuer_origin: issuer_origin.into(),
            csrf: csrf.into(),
            signed_in_as: None,
            dev_notice: None,
            recovery: false,
        }
    }

    /// The same, for a browser that is signed in.
    #[must_use]
    pub fn signed_in_as(mut self, user_name: impl Into<String>) -> Self {
        self.signed_in_as = Some(user_name.into());
        self
    }

    /// The same, where accounts can be recovered.
    #[must_use]
    pub const fn with_recovery(mut self, offered: bool) -> Self {
        self.recovery = offered;
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
    pub text: Text,
}
