//! AWS Simple Notification Service: `Publish` to a number, a form signed with Signature Version 4.

use std::sync::Arc;

use actors::{clock::Clock, notifier::NotCarried};
use http::{HeaderName, HeaderValue, header};
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::{
    Answer, Api, Request, by_status, required,
    sigv4::{self, Signed, Signer},
};
use crate::config::sms::Provider;

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) struct Sns {
    signer: Signer,
    host: String,
    from: Option<String>,
    clock: Arc<dyn Clock>,
}

impl Sns {
    pub(super) fn new(provider: &Provider, host: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let signer = Signer {
            access_key: required(provider.username.clone(), "username")?,
            secret: required(provider.password().map_err(anyhow::Error::msg)?, "password")?,
            region: required(provider.region.clone(), "region")?,
            service: "sns".to_owned(),
        };
        Ok(Self { signer, host: host.to_owned(), from: provider.from.clone(), clock })
    }

    fn form(&self, to: &str, text: &str) -> Zeroizing<String> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "Publish").append_pair("Version", "2010-03-31");
        form.append_pair("PhoneNumber", to).append_pair("Message", text);
        // Codes go before news.
        let kind = [("AWS.SNS.SMS.SMSType", "Transactional")];
        let attributes = kind.into_iter().chain(self.from.as_deref().map(|from| ("AWS.SNS.SMS.SenderID", from)));
        for (n, (name, value)) in (1..).zip(attributes) {
            let key = |rest: &str| format!("MessageAttributes.entry.{n}.{rest}");
            form.append_pair(&key("Name"), name);
            form.append_pair(&key("Value.DataType"), "String").append_pair(&key("Value.StringValue"), value);
        }
        Zeroizing::new(form.finish())
    }
}

impl Api for Sns {
    fn request(&self, to: &str, text: &str) -> anyhow::Result<Request> {
        let body = self.form(to, text);
        let date = sigv4::date(self.clock.now().as_secs());
        let headers = [("content-type", FORM), ("host", &self.host), ("x-amz-date", &date)];
        let signed = Signed { method: "POST", headers: &headers, body: body.as_bytes(), date: &date };
        let mut authorization = HeaderValue::try_from(self.signer.authorization(&signed))?;
        authorization.set_sensitive(true);
        let headers = vec![
            (header::CONTENT_TYPE, HeaderValue::from_static(FORM)),
            (HeaderName::from_static("x-amz-date"), HeaderValue::try_from(&date)?),
            (header::AUTHORIZATION, authorization),
        ];
        Ok(Request { path: String::new(), headers, body })
    }

    fn verdict(&self, answer: &Answer) -> Result<(), NotCarried> {
        // 400 is also said of an account that is not let in, or asks too often. The code stands in a short XML text.
        let about_the_message = ["InvalidParameter", "OptedOut", "InvalidParameterValue"];
        let body = String::from_utf8_lossy(&answer.body);
        let code = body.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
        match by_status(answer.status) {
            Err(NotCarried::Never(said)) if !code.is_some_and(|code| about_the_message.contains(&code)) => {
                Err(NotCarried::Down(said))
            }
            verdict => verdict,
        }
    }
}
