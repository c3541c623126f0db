//! Messages by SMTP: a connection for each, which TLS protects unless it stays on this machine. None is used again: one on which
//! an answer was not waited for would give it to the next message.
//!
//! 1. Until a message is begun ([`Smtp::connected`]) and until the relay takes the sender, whatever is refused would be refused to
//!    every message: the relay does not work, and the next one is asked.
//! 2. From the recipient on a refusal is about the message ([`of_message`]), unless its code says otherwise.
//! 3. The relay has it with its answer to the last dot. A farewell is said, and not insisted on.

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
    Message,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        authentication::{Credentials, DEFAULT_MECHANISMS},
        client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters},
        commands::{Data, Mail as MailFrom, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use schema::record::Channel;

use crate::config::mail::{self as config, Protection, Relay, RelayUrl};

/// How long a relay may take until it is connected.
const CONNECTED_WITHIN: Duration = Duration::from_secs(3);
/// How long it may take to say goodbye.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);
/// SMTP replies that speak of the relay, not of the message (RFC 5321, 4.2.3; RFC 4954, 6).
const RELAY_DOWN: [u16; 6] = [421, 454, 530, 534, 535, 538];

/// The relays of the configuration, in the order in which they are asked.
pub fn carriers(mail: &config::Mail, writer: &Writer) -> anyhow::Result<Vec<Arc<dyn Carrier>>> {
    let Some(from) = &mail.from else { return Ok(Vec::new()) };
    let from: Mailbox = from.parse().context("mail.from")?;
    let mut carriers: Vec<Arc<dyn Carrier>> = Vec::new();
    for (section, relay) in mail.sections() {
        if let Some(url) = &relay.url {
            // The first two have had names of their own since there were two.
            let name = match section.as_str() {
                "mail.smtp" => "smtp",
                "mail.fallback" => "fallback",
                other => other,
            };
            let smtp = Smtp::new(name, (relay, url), &from, writer).context(section.clone())?;
            carriers.push(Arc::new(smtp));
        }
    }
    Ok(carriers)
}

/// One relay.
struct Smtp {
    name: String,
    url: RelayUrl,
    /// None where the relay is on this machine.
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    from: Mailbox,
    writer: Writer,
}

#[async_trait]
impl Carrier for Smtp {
    fn name(&self) -> &str {
        &self.name
    }

    fn carries(&self, channel: Channel) -> bool {
        channel == Channel::Email
    }

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        let mail = self.writer.letter(letter)?;
        let message =
            self.message(&mail).map_err(|_| NotCarried::Never("the address cannot be written to".to_owned()))?;
        self.hand_over(&message).await
    }
}

/// The authorities that vouch for a relay, and the name that they vouch for.
fn tls(relay: &Relay, url: &RelayUrl) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(url.host.clone());
    if let Some(file) = &relay.ca {
        let pem = std::fs::read(file).with_context(|| file.display().to_string())?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(Certificate::from_pem(&pem)?);
    }
    Ok(builder.build()?)
}

impl Smtp {
    fn new(name: &str, (relay, url): (&Relay, &RelayUrl), from: &Mailbox, writer: &Writer) -> anyhow::Result<Self> {
        let password = relay.password().map_err(anyhow::Error::msg)?;
        let credentials = relay.username.clone().zip(password);
        let credentials = credentials.map(|(user, password)| Credentials::new(user, password.expose().to_owned()));
        let tls = (url.protection != Protection::Loopback).then(|| tls(relay, url)).transpose()?;
        Ok(Self {
            name: name.to_owned(),
            url: url.clone(),
            tls,
            credentials,
            from: from.clone(),
            writer: writer.clone(),
        })
    }

    /// A connection that takes messages.
    async fn connected(&self) -> Result<AsyncSmtpConnection, NotCarried> {
        let server = (self.url.host.as_str(), self.url.port);
        let me = ClientId::default();
        let tls = |protection| self.tls.clone().filter(|_| self.url.protection == protection);
        let connecting =
            AsyncSmtpConnection::connect_tokio1(server, Some(CONNECTED_WITHIN), &me, tls(Protection::Tls), None);
        let mut connection = connecting.await.map_err(|error| of_relay(&error))?;
        if let Some(tls) = tls(Protection::StartTls) {
            if !connection.can_starttls() {
                return Err(NotCarried::Down("the relay does not offer STARTTLS".to_owned()));
            }
            connection.starttls(tls, &me).await.map_err(|error| of_relay(&error))?;
        }
        if let Some(credentials) = &self.credentials {
            if connection.server_info().get_auth_mechanism(DEFAULT_MECHANISMS).is_none() {
                return Err(NotCarried::Down("the relay offers no way to log in".to_owned()));
            }
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(|error| of_relay(&error))?;
        }
        Ok(connection)
    }

    /// Gives a message to the relay.
    async fn hand_over(&self, message: &Message) -> Result<(), NotCarried> {
        let mut connection = self.connected().await?;
        let (envelope, text) = (message.envelope(), message.formatted());
        let mut parameters = Vec::new();
        let mut addresses = envelope.to().iter().chain(envelope.from());
        if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
            parameters.push((Extension::SmtpUtfEight, MailParameter::SmtpUtfEight));
        }
        if !text.is_ascii() {
            parameters.push((Extension::EightBitMime, MailParameter::Body(MailBodyParameter::EightBitMime)));
        }
        if parameters.iter().any(|(needed, _)| !connection.server_info().supports_feature(*needed)) {
            return Err(NotCarried::Never("the relay does not take addresses like this one".to_owned()));
        }
        let parameters = parameters.into_iter().map(|(_, parameter)| parameter).collect();
        let begun = connection.command(MailFrom::new(envelope.from().cloned(), parameters)).await;
        begun.map_err(|error| of_relay(&error))?;
        for recipient in envelope.to() {
            let taken = connection.command(Rcpt::new(recipient.clone(), Vec::new())).await;
            taken.map_err(|error| of_message(&error))?;
        }
        connection.command(Data).await.map_err(|error| of_message(&error))?;
        connection.message(&text).await.map_err(|error| of_message(&error))?;
        let _ = tokio::time::timeout(FAREWELL_WITHIN, connection.abort()).await;
        Ok(())
    }

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

/// Why a message was not taken, without what the relay said: that may repeat the address.
fn of_message(error: &smtp::Error) -> NotCarried {
    match error.status().map(u16::from) {
        Some(code) if RELAY_DOWN.contains(&code) => of_relay(error),
        Some(code @ 500..) => NotCarried::Never(format!("the relay answered {code}")),
        Some(code) => NotCarried::Later(format!("the relay answered {code}")),
        None => of_relay(error),
    }
}

/// Why a relay takes no message.
fn of_relay(error: &smtp::Error) -> NotCarried {
    NotCarried::Down(match error.status().map(u16::from) {
        Some(code) => format!("the relay answered {code}"),
        None if error.is_timeout() => "the relay did not answer in time".to_owned(),
        None if error.is_tls() => "there is no TLS with the relay".to_owned(),
        None => "the relay cannot be reached".to_owned(),
    })
}

#[cfg(test)]
mod tests;
