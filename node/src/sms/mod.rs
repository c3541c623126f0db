//! Text messages through providers, each of which has an interface of its own over HTTPS.
//!
//! 1. The [letter](Letter) is put into words, and those into the request of the provider's interface ([`Api::request`]).
//! 2. It goes over a connection of its own ([`https`]), which TLS protects unless it stays on this machine.
//! 3. The answer is judged ([`Api::verdict`]): taken, or why not, without what the provider said: that may repeat the number.

mod https;
mod sigv4;
mod sns;
pub mod template;
mod twilio;
mod vonage;

use std::sync::Arc;

use actors::{
    clock::Clock,
    domain::letter::Letter,
    notifier::{Carrier, NotCarried},
};
use anyhow::Context as _;
use api::mail::{Mail, Writer};
use async_trait::async_trait;
use http::{HeaderName, HeaderValue, StatusCode};
use schema::record::Channel;
use zeroize::Zeroizing;

use self::https::{Answer, Endpoint};
use crate::config::sms::{self as config, Kind, Provider};

/// A request to a provider, beside where it goes.
struct Request {
    /// What follows the configured path.
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Zeroizing<String>,
}

/// The interface of a provider.
trait Api: Send + Sync {
    /// What a message is sent with.
    fn request(&self, to: &str, text: &str) -> anyhow::Result<Request>;

    /// What the provider's answer means.
    fn verdict(&self, answer: &Answer) -> Result<(), NotCarried> {
        by_status(answer.status)
    }
}

/// The providers of the configuration, in the order in which they are asked.
pub fn carriers(sms: &config::Sms, writer: &Writer, clock: &Arc<dyn Clock>) -> anyhow::Result<Vec<Arc<dyn Carrier>>> {
    let mut carriers: Vec<Arc<dyn Carrier>> = Vec::new();
    for (section, provider) in sms.sections() {
        if let Some(kind) = provider.kind {
            // The first two have had names of their own since there were two.
            let name = match section.as_str() {
                "sms.provider" => "sms",
                "sms.fallback" => "sms-fallback",
                other => other,
            };
            let gateway = Gateway::new(name, (kind, provider), writer, clock).context(section.clone())?;
            carriers.push(Arc::new(gateway));
        }
    }
    Ok(carriers)
}

/// One provider.
struct Gateway {
    name: String,
    endpoint: Endpoint,
    api: Box<dyn Api>,
    writer: Writer,
}

impl Gateway {
    fn new(
        name: &str,
        (kind, provider): (Kind, &Provider),
        writer: &Writer,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let usual = match kind {
            Kind::Twilio => "https://api.twilio.com/".to_owned(),
            Kind::Vonage => "https://rest.nexmo.com/".to_owned(),
            Kind::Sns => format!("https://sns.{}.amazonaws.com/", provider.region.as_deref().unwrap_or_default()),
            Kind::Http => String::new(),
        };
        let url =
            provider.url.as_ref().map_or_else(|| usual.parse().map_err(anyhow::Error::msg), |url| Ok(url.clone()));
        let endpoint = Endpoint::new(&url?.0, provider.ca.as_deref())?;
        let api: Box<dyn Api> = match kind {
            Kind::Twilio => Box::new(twilio::Twilio::new(provider)?),
            Kind::Vonage => Box::new(vonage::Vonage::new(provider)?),
            Kind::Sns => Box::new(sns::Sns::new(provider, endpoint.authority(), Arc::clone(clock))?),
            Kind::Http => Box::new(template::Templates::new(provider)?),
        };
        Ok(Self { name: name.to_owned(), endpoint, api, writer: writer.clone() })
    }
}

#[async_trait]
impl Carrier for Gateway {
    fn name(&self) -> &str {
        &self.name
    }

    fn carries(&self, channel: Channel) -> bool {
        channel == Channel::Sms
    }

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        let Mail { to, text, .. } = self.writer.letter(letter)?;
        let request = self.api.request(&to, &text);
        let request = request.map_err(|_| NotCarried::Never("the message cannot be put into a request".to_owned()))?;
        self.api.verdict(&self.endpoint.post(request).await?)
    }
}

/// What must be there, for [`config::Sms`] was checked.
fn required<T>(value: Option<T>, name: &'static str) -> anyhow::Result<T> {
    value.with_context(|| format!("{name} is unset"))
}

/// What a status says where it says everything: whether it is about the provider or the message.
fn by_status(status: StatusCode) -> Result<(), NotCarried> {
    let said = || format!("the provider answered {}", status.as_u16());
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Err(NotCarried::Never(said())),
        // A refused account, an address that is none, too many requests: not this message's fault.
        _ => Err(NotCarried::Down(said())),
    }
}

#[cfg(test)]
mod tests;
