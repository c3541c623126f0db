//! Vonage: `POST /sms/json`. The answer is 200 whatever came of it; what did stands in its body, for each part of the message.

use actors::notifier::NotCarried;
use api::mail::short::Length;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Answer, Api, Request, by_status, required};
use crate::config::{sms::Provider, value::SecretText};

pub(super) struct Vonage {
    key: String,
    secret: SecretText,
    from: String,
}

impl Vonage {
    pub(super) fn new(provider: &Provider) -> anyhow::Result<Self> {
        Ok(Self {
            key: required(provider.username.clone(), "username")?,
            secret: required(provider.password().map_err(anyhow::Error::msg)?, "password")?,
            from: required(provider.from.clone(), "from")?,
        })
    }
}

impl Api for Vonage {
    fn request(&self, to: &str, text: &str) -> anyhow::Result<Request> {
        #[derive(Serialize)]
        struct Body<'a> {
            api_key: &'a str,
            api_secret: &'a str,
            from: &'a str,
            to: &'a str,
            text: &'a str,
            r#type: &'a str,
        }
        let body = Body {
            api_key: &self.key,
            api_secret: self.secret.expose(),
            from: self.from.trim_start_matches('+'),
            to: to.trim_start_matches('+'),
            text,
            // It does not look itself, and what its default alphabet lacks would arrive as question marks.
            r#type: if Length::of(text).is_basic() { "text" } else { "unicode" },
        };
        let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        Ok(Request { path: "/sms/json".to_owned(), headers, body: Zeroizing::new(serde_json::to_string(&body)?) })
    }

    fn verdict(&self, answer: &Answer) -> Result<(), NotCarried> {
        #[derive(Deserialize)]
        struct Parts {
            messages: Vec<Part>,
        }
        #[derive(Deserialize)]
        struct Part {
            status: String,
        }
        by_status(answer.status)?;
        let unknown = |_| NotCarried::Down("the provider's answer cannot be read".to_owned());
        let parts: Parts = serde_json::from_slice(&answer.body).map_err(unknown)?;
        let refused = parts.messages.iter().map(|part| part.status.as_str()).find(|status| *status != "0");
        match refused {
            None if parts.messages.is_empty() => Err(NotCarried::Down("the provider said nothing".to_owned())),
            None => Ok(()),
            // Values of the message that are not allowed, a number that is barred or cannot be reached.
            Some(status @ ("3" | "6" | "7" | "15" | "22" | "33")) => {
                Err(NotCarried::Never(format!("the provider answered status {status}")))
            }
            Some(status) => {
                let number = status.parse::<u16>().map_or_else(|_| "that is no number".to_owned(), |n| n.to_string());
                Err(NotCarried::Down(format!("the provider answered status {number}")))
            }
        }
    }
}
