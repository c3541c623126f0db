//! Any other provider: a POST whose body and headers are templates of the configuration.

use anyhow::Context as _;
use api::mail::short::Length;
use data_encoding::BASE64;
use http::{HeaderName, HeaderValue};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::{Api, Request, required};
use crate::config::{sms::Provider, value::SecretText};

const BODY: &str = "body";

/// The templates of a provider.
pub(super) struct Templates {
    environment: Environment<'static>,
    headers: Vec<HeaderName>,
    from: String,
    username: String,
    password: Option<SecretText>,
}

impl Templates {
    pub(super) fn new(provider: &Provider) -> anyhow::Result<Self> {
        let password = provider.password().map_err(anyhow::Error::msg)?;
        Self::compile(provider, password).map_err(|(key, error)| anyhow::Error::msg(error).context(key))
    }

    fn compile(provider: &Provider, password: Option<SecretText>) -> Result<Self, (&'static str, String)> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment
            .add_filter("query", |value: &str| form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>());
        environment.add_filter("base64", |value: &str| BASE64.encode(value.as_bytes()));
        let body = required(provider.body.clone(), BODY).map_err(|error| (BODY, error.to_string()))?;
        environment.add_template_owned(BODY, body).map_err(|error| (BODY, wrong(&error)))?;
        let mut headers = Vec::new();
        for (n, line) in provider.headers.iter().enumerate() {
            let no_header = || ("headers", "has a line that is no header; write Name: value".to_owned());
            let (name, value) = line.split_once(':').ok_or_else(no_header)?;
            headers.push(HeaderName::try_from(name.trim()).map_err(|_| no_header())?);
            let added = environment.add_template_owned(format!("header {n}"), value.trim().to_owned());
            added.map_err(|error| ("headers", wrong(&error)))?;
        }
        let (from, username) =
            (provider.from.clone().unwrap_or_default(), provider.username.clone().unwrap_or_default());
        Ok(Self { environment, headers, from, username, password })
    }

    fn render(&self, template: &str, (to, text): (&str, &str)) -> Result<Zeroizing<String>, minijinja::Error> {
        let password = self.password.as_ref().map_or("", SecretText::expose);
        let (from, username) = (&self.from, &self.username);
        let unicode = !Length::of(text).is_basic();
        let context = context! { to, text, unicode, from, username, password };
        self.environment.get_template(template)?.render(context).map(Zeroizing::new)
    }

    fn header(&self, n: usize, message: (&str, &str)) -> anyhow::Result<HeaderValue> {
        let mut value = HeaderValue::try_from(self.render(&format!("header {n}"), message)?.as_str())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Api for Templates {
    fn request(&self, to: &str, text: &str) -> anyhow::Result<Request> {
        let message = (to, text);
        let named = self.headers.iter().enumerate();
        let headers = named.map(|(n, name)| Ok((name.clone(), self.header(n, message)?)));
        let headers = headers.collect::<anyhow::Result<Vec<_>>>().context("headers")?;
        Ok(Request { path: String::new(), headers, body: self.render(BODY, message).context(BODY)? })
    }
}

/// Can requests be made with these templates? If not, the key that is wrong, and why.
pub fn check(provider: &Provider, password: Option<&SecretText>) -> Result<(), (&'static str, String)> {
    let templates = Templates::compile(provider, password.cloned())?;
    let message = ("+4915112345678", "123456 \"\n\n@id.example #123456");
    templates.render(BODY, message).map_err(|error| (BODY, wrong(&error)))?;
    for n in 0..templates.headers.len() {
        let header = templates.header(n, message);
        header.map_err(|_| ("headers", "has a line that cannot be filled in, or makes no header".to_owned()))?;
    }
    Ok(())
}

/// Where and why, without the line itself: a secret may stand in it.
fn wrong(error: &minijinja::Error) -> String {
    format!("is not a template that can be filled in: {} in line {}", error.kind(), error.line().unwrap_or(1))
}
