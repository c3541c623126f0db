//! The template environments, one for each language: every template compiled into the binary, or an operator's in its place. HTML
//! escaping always on, undefined names refused.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, context, value::Serde};
use thiserror::Error;

use super::{
    Branding, Chrome, Page,
    speech::{self, Unspeakable},
};
use crate::{
    assets,
    locale::{BUILT_IN, Fault, Form, Locale, Locales, Offer, Text},
};

/// Instructions and pieces of output that rendering an operator's template may take. A test shows the longest page with it.
const FUEL: u64 = 200_000;

/// A page could not be rendered: a fault of a template or of a message, never of the request. Its text names the template, the line
/// and perhaps fields, messages and arguments, but holds no values.
#[derive(Debug, Error)]
#[error("template {template} line {line}: {reason}")]
pub struct RenderError {
    template: String,
    line: usize,
    reason: String,
}

impl RenderError {
    // The detail of the template error may quote values, so only its kind and place are kept. What is wrong with a message is told
    // without any.
    fn new(template: &str, error: &minijinja::Error) -> Self {
        let mut causes =
            std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source());
        let unspeakable = causes.find_map(|cause| cause.downcast_ref::<Unspeakable>());
        Self {
            template: error.name().unwrap_or(template).to_owned(),
            line: error.line().unwrap_or(0),
            reason: unspeakable.map_or_else(|| error.kind().to_string(), ToString::to_string),
        }
    }

    fn unsaid(text: &Text, reason: &impl ToString) -> Self {
        Self { template: format!("{text:?}"), line: 0, reason: reason.to_string() }
    }

    /// The same as a fault, of this language.
    pub(crate) fn fault(&self, tag: &str) -> Fault {
        Fault::at(&self.template, self.line, format!("in {tag}: {}", self.reason))
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
    "address_link.html",
    "address_remove.html",
    "address_rename.html",
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
    "link_elsewhere.html",
    "logged_out.html",
    "login.html",
    "login_link.html",
    "logout.html",
    "mfa.html",
    "operation.html",
    "own_address.html",
    "own_address_confirm.html",
    "passkey.html",
    "passkey_enrol.html",
    "passkey_remove.html",
    "passkey_rename.html",
    "password.html",
    "reauthenticate.html",
    "recommended.html",
    "recovery.html",
    "recovery_cancel.html",
    "recovery_cancelled.html",
    "register.html",
    "register_confirm.html",
    "register_email.html",
    "reset.html",
    "sent_code.html",
    "sessions.html",
    "setup.html",
    "totp.html",
    "totp_enrol.html",
    "totp_remove.html",
    "totp_rename.html",
    "mail/activation_code.txt",
    "mail/address_code.txt",
    "mail/notice.txt",
    "mail/password_reset.txt",
    "mail/recovery_begun.txt",
    "mail/recovery_code.txt",
    "mail/recovery_due.txt",
    "mail/registered.txt",
    "mail/registration.txt",
    "mail/sign_in_code.txt",
    "sms/activation_code.txt",
    "sms/notice.txt",
    "sms/recovery_begun.txt",
    "sms/recovery_due.txt",
    "sms/sign_in_code.txt",
];

/// What an operator chose about the words and looks of pages and messages.
#[derive(Clone, Debug, Default)]
pub struct PageOptions {
    /// Names.
    pub branding: Branding,
    /// Languages.
    pub offer: Offer,
    /// Files that replace built-in ones: their path below the folder of templates, and what is in them.
    pub files: BTreeMap<String, String>,
}

/// Renders pages. One per process; cheap to share behind an `Arc`.
#[derive(Debug)]
pub struct Pages {
    locales: Arc<Locales>,
    /// One for each of the languages, in their order; the compiled templates are shared.
    environments: Vec<Environment<'static>>,
    branding: Branding,
}

impl Pages {
    /// What is built in.
    pub fn new(branding: Branding) -> Self {
        let options = PageOptions { branding, ..PageOptions::default() };
        Self::load(options).expect("templates and messages are part of the binary and tests load them all")
    }

    /// Compiles all templates, and parses all messages.
    pub fn load(options: PageOptions) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|name| if is_text(name) { AutoEscape::None } else { AutoEscape::Html });
        environment.add_filter("query", |value: &str| -> String {
            url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
        });
        environment.add_global("assets", Serde(assets::urls()));
        if !options.files.is_empty() {
            environment.set_fuel(Some(FUEL));
        }
        for (name, source) in TEMPLATES {
            let added = match options.files.get(*name) {
                Some(source) => environment.add_template_owned(*name, source.clone()),
                None => environment.add_template(name, source),
            };
            if let Err(error) = added {
                let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
                faults.push(Fault::at(name, error.line().unwrap_or(0), reason));
            }
        }
        let mut messages = BTreeMap::new();
        for (name, source) in options.files {
            let tag = name.strip_prefix("locales/").and_then(|name| name.strip_suffix(".ftl")).map(str::to_owned);
            if let Some(tag) = tag {
                messages.insert(tag, source);
            } else if !TEMPLATES.iter().any(|(known, _)| *known == name) {
                faults.push(Fault::whole(
                    &name,
                    "there is no built-in file of this name, so nothing would show this one",
                ));
            }
        }
        let locales = Locales::new(&options.offer, &messages).map_err(|more| faults.extend(more));
        let Ok(locales) = locales.map(Arc::new) else { return Err(faults) };
        if !faults.is_empty() {
            return Err(faults);
        }
        let in_language = |locale| {
            let mut environment = environment.clone();
            speech::teach(&mut environment, &locales, locale);
            environment
        };
        let environments = locales.all().map(in_language).collect();
        Ok(Self { environments, locales, branding: options.branding })
    }

    /// The languages that are offered.
    pub fn locales(&self) -> &Locales {
        &self.locales
    }

    /// The name that titles, the header and authenticator apps show.
    pub fn product_name(&self) -> &str {
        &self.branding.product_name
    }

    /// A message in words, for what is no page.
    pub fn say(&self, locale: Locale, text: &Text) -> Result<String, RenderError> {
        let said = self.locales.words(locale).say_text(Form::Plain, text);
        said.map_err(|unsaid| RenderError::unsaid(text, &unsaid))
    }

    /// The text of a message. That of a mail begins with its subject, and a blank line comes after it.
    pub(crate) fn text(
        &self,
        locale: Locale,
        template: &'static str,
        context: minijinja::Value,
    ) -> Result<String, RenderError> {
        let whole = context! { brand => Serde(&self.branding), ..context };
        self.environment(locale)
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
            title => Serde(page.title()),
        };
        self.environment(chrome.locale)
            .get_template(P::TEMPLATE)
            .and_then(|template| template.render(whole))
            .map_err(|error| RenderError::new(P::TEMPLATE, &error))
    }

    fn environment(&self, locale: Locale) -> &Environment<'static> {
        &self.environments[self.locales.position(locale)]
    }
}

fn is_text(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|kind| kind == "txt")
}

/// The names of all templates.
pub(super) fn template_names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|(name, _)| *name)
}

/// Every file that is built in, by the name under which an operator's file replaces it.
pub fn built_in_files() -> impl Iterator<Item = (String, &'static str)> {
    let templates = TEMPLATES.iter().map(|(name, source)| ((*name).to_owned(), *source));
    templates.chain(BUILT_IN.map(|(tag, source)| (format!("locales/{tag}.ftl"), source)))
}
