//! The template environment: every template compiled into the binary, HTML escaping always on, undefined names refused.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context, value::Serde};
use thiserror::Error;

use super::{Branding, Chrome, Page};
use crate::assets;

/// A page could not be rendered: a fault of a template, never of the request. Its text names the template and the line
/// and may name fields, but holds no values.
#[derive(Debug, Error)]
#[error("template {template} line {line}: {kind}")]
pub struct RenderError {
    template: &'static str,
    line: usize,
    kind: minijinja::ErrorKind,
}

impl RenderError {
    // The detail of the template error may quote values, so only its kind and place are kept.
    fn new(template: &'static str, error: &minijinja::Error) -> Self {
        Self { template, line: error.line().unwrap_or(0), kind: error.kind() }
    }
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        /// Every template, by name.
        const TEMPLATES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../templates/", $name)))),*];
    };
}

templates![
    "layout.html",
    "forms.html",
    "account.html",
    "address_enrol.html",
    "address_remove.html",
    "backup_code.html",
    "backup_codes.html",
    "backup_codes_regenerate.html",
    "backup_codes_unsaved.html",
    "consent.html",
    "error.html",
    "forgot.html",
    "form_post.html",
    "front.html",
    "inbox.html",
    "logged_out.html",
    "login.html",
    "logout.html",
    "mfa.html",
    "passkey.html",
    "passkey_enrol.html",
    "passkey_remove.html",
    "passkey_rename.html",
    "password.html",
    "reauthenticate.html",
    "recommended.html",
    "register.html",
    "reset.html",
    "sent_code.html",
    "sessions.html",
    "setup.html",
    "totp.html",
    "totp_enrol.html",
    "totp_remove.html",
    "totp_rename.html",
    "mail/activation_code.txt",
    "mail/notice.txt",
    "mail/password_reset.txt",
    "mail/sign_in_code.txt",
    "sms/activation_code.txt",
    "sms/sign_in_code.txt",
];

/// Renders pages. One per process; cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Pages {
    environment: Environment<'static>,
    branding: Branding,
}

impl Pages {
    /// Compiles all templates.
    pub fn new(branding: Branding) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let is_text = |name: &str| std::path::Path::new(name).extension().is_some_and(|kind| kind == "txt");
        environment
            .set_auto_escape_callback(move |name| if is_text(name) { AutoEscape::None } else { AutoEscape::Html });
        environment.add_filter("query", |value: &str| -> String {
            url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
        });
        environment.add_global("assets", Serde(assets::urls()));
        for (name, source) in TEMPLATES {
            environment
                .add_template(name, source)
                .expect("templates are part of the binary and tests compile them all");
        }
        Self { environment, branding }
    }

    /// The name that titles, the header and authenticator apps show.
    pub fn product_name(&self) -> &str {
        &self.branding.product_name
    }

    /// The text of a message. That of a mail begins with its subject, and a blank line comes after it.
    pub(crate) fn text(&self, template: &'static str, context: minijinja::Value) -> Result<String, RenderError> {
        let whole = context! { brand => Serde(&self.branding), ..context };
        self.environment
            .get_template(template)
            .and_then(|template| template.render(whole))
            .map_err(|error| RenderError::new(template, &error))
    }

    /// The whole HTML document of a page.
    pub fn render<P: Page>(&self, chrome: &Chrome, page: &P) -> Result<String, RenderError> {
        let whole = context! {
            page => Serde(page),
            chrome => Serde(chrome),
            brand => Serde(&self.branding),
            title => page.title(),
        };
        self.environment
            .get_template(P::TEMPLATE)
            .and_then(|template| template.render(whole))
            .map_err(|error| RenderError::new(P::TEMPLATE, &error))
    }
}
