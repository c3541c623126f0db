//! Messages by SMTP: a connection for each, which TLS protects unless it stays on this machine. None is used again: one on which
//! an answer was not waited for would give it to the next message.

use std::{sync::Arc, time::Duration};

use actors::{
    domain::letter::Letter,
    entropy::{Entropy, SystemEntropy},
    notifier::{Carrier, NotCarried},
};
use anyhow::Context as _;
use api::mail::{Mail, Writer};
use async_trait::async_trait;
use data_encoding::HEXLOWER;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};

use schema::record::Channel;

use crate::config::mail::{self as config, Protection, Relay, RelayUrl};

/// How long a relay may take until it is connected.
const CONNECTED_WITHIN: Duration = Duration::from_secs(3);
/// SMTP replies that speak of the relay, not of the message (RFC 5321, 4.2.3; RFC 4954, 6).
const RELAY_DOWN: [u16; 6] = [421, 454, 530, 534, 535, 538];

/// The relays of the configuration, in the order in which they are asked.
pub fn carriers(mail: &config::Mail, writer: &Writer) -> anyhow::Result<Vec<Arc<dyn Carrier>>> {
    let Some(from) = &mail.from else { return Ok(Vec::new()) };
    let from: Mailbox = from.parse().context("mail.from")?;
    let mut carriers: Vec<Arc<dyn Carrier>> = Vec::new();
    for (name, relay) in [("smtp", &mail.smtp), ("fallback", &mail.fallback)] {
        if let Some(url) = &relay.url {
            let transport = transport(relay, url).with_context(|| format!("mail.{name}"))?;
            carriers.push(Arc::new(Smtp { name, transport, from: from.clone(), writer: writer.clone() }));
        }
    }
    Ok(carriers)
}

fn transport(relay: &Relay, url: &RelayUrl) -> anyhow::Result<AsyncSmtpTransport<Tokio1Executor>> {
    let tls = match url.protection {
        Protection::Tls => Tls::Wrapper(tls(relay, url)?),
        Protection::StartTls => Tls::Required(tls(relay, url)?),
        Protection::Loopback => Tls::None,
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(url.host.as_str());
    let mut builder = builder.port(url.port).tls(tls).timeout(Some(CONNECTED_WITHIN));
    let password = relay.password().map_err(anyhow::Error::msg)?;
    if let (Some(user), Some(password)) = (&relay.username, password) {
        builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
    }
    Ok(builder.build())
}

fn tls(relay: &Relay, url: &RelayUrl) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(url.host.clone());
    if let Some(file) = &relay.ca {
        let pem = std::fs::read(file).with_context(|| file.display().to_string())?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(Certificate::from_pem(&pem)?);
    }
    Ok(builder.build()?)
}

/// One relay.
struct Smtp {
    name: &'static str,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    writer: Writer,
}

#[async_trait]
impl Carrier for Smtp {
    fn name(&self) -> &str {
        self.name
    }

    fn carries(&self, channel: Channel) -> bool {
        channel == Channel::Email
    }

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        let mail = self.writer.letter(letter)?;
        let message =
            self.message(&mail).map_err(|_| NotCarried::Never("the address cannot be written to".to_owned()))?;
        self.transport.send(message).await.map(drop).map_err(|error| reason(&error))
    }
}

impl Smtp {
    fn message(&self, mail: &Mail) -> anyhow::Result<Message> {
        let entropy: &dyn Entropy = &SystemEntropy;
        let id = format!("<{}@{}>", HEXLOWER.encode(&entropy.array::<16>()), self.from.email.domain());
        // No answer by a machine is wanted (RFC 3834, 5).
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        let builder = Message::builder().from(self.from.clone()).to(mail.to.parse()?).message_id(Some(id));
        let builder = builder
            .subject(mail.subject.clone().unwrap_or_default())
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN);
        Ok(builder.body(mail.text.as_str().to_owned())?)
    }
}

/// Why, without what the relay said: that may repeat the address.
fn reason(error: &smtp::Error) -> NotCarried {
    if let Some(code) = error.status().map(u16::from) {
        let said = format!("the relay answered {code}");
        return match code {
            code if RELAY_DOWN.contains(&code) => NotCarried::Down(said),
            500.. => NotCarried::Never(said),
            _ => NotCarried::Later(said),
        };
    }
    if error.is_client() {
        return NotCarried::Never("the relay does not take addresses like this one".to_owned());
    }
    let why = if error.is_timeout() {
        "the relay did not answer in time"
    } else if error.is_tls() {
        "there is no TLS with the relay"
    } else {
        "the relay cannot be reached"
    };
    NotCarried::Down(why.to_owned())
}
