//! Twilio: `POST /2010-04-01/Accounts/{SID}/Messages.json`, a form with Basic authentication.

use actors::notifier::NotCarried;
use data_encoding::BASE64;
use http::{HeaderValue, header};
use serde::Deserialize;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::{Answer, Api, Request, by_status, required};
use crate::config::sms::Provider;

/// Error codes that are about the number, so that the message is never taken: not a number, not a mobile one, no permission to send
/// to its country, its owner has unsubscribed, cannot be reached by this sender.
const ABOUT_THE_NUMBER: [u32; 6] = [21_211, 21_214, 21_408, 21_610, 21_612, 21_614];

pub(super) struct Twilio {
    path: String,
    authorization: HeaderValue,
    from: String,
}

impl Twilio {
    pub(super) fn new(provider: &Provider) -> anyhow::Result<Self> {
        let account = required(provider.username.as_deref(), "username")?;
        let token = required(provider.password().map_err(anyhow::Error::msg)?, "password")?;
        let pair = Zeroizing::new(format!("{account}:{}", token.expose()));
        let encoded = Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())));
        let mut authorization = HeaderValue::try_from(encoded.as_str())?;
        authorization.set_sensitive(true);
        let path: String = form_urlencoded::byte_serialize(account.as_bytes()).collect();
        let path = format!("/2010-04-01/Accounts/{path}/Messages.json");
        Ok(Self { path, authorization, from: required(provider.from.clone(), "from")? })
    }
}

impl Api for Twilio {
    fn request(&self, to: &str, text: &str) -> anyhow::Result<Request> {
        let sender = if self.from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("To", to).append_pair(sender, &self.from).append_pair("Body", text);
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = vec![(header::CONTENT_TYPE, form_type), (header::AUTHORIZATION, self.authorization.clone())];
        Ok(Request { path: self.path.clone(), headers, body: Zeroizing::new(form.finish()) })
    }

    fn verdict(&self, answer: &Answer) -> Result<(), NotCarried> {
        #[derive(Deserialize)]
        struct Refusal {
            code: u32,
        }
        if answer.status.is_success() {
            return Ok(());
        }
        let Ok(Refusal { code }) = serde_json::from_slice(&answer.body) else { return by_status(answer.status) };
        let said = format!("the provider answered {} with error {code}", answer.status.as_u16());
        Err(if ABOUT_THE_NUMBER.contains(&code) { NotCarried::Never(said) } else { NotCarried::Down(said) })
    }
}
