//! The configuration: defaults < one TOML file < environment, told apart by key, checked whole.
//!
//! 1. [`keys`] reads from the JSON schema of [`Config`] which keys there are, of which type, with which default.
//! 2. [`source`] lays file and environment over each other and remembers where each value came from.
//! 3. [`Loaded::load`] turns the values into [`Config`] and asks each section to [check](Report) what no single key can
//!    tell. Every problem found on the way is collected; only a configuration without any comes out.
//!
//! One file per section; a section is a struct whose doc comments are the reference that `docs/config.md` shows.

pub mod address;
pub mod cluster;
pub mod dump;
pub mod fraud;
pub mod http;
pub mod keys;
pub mod lifetimes;
pub mod limits;
pub mod locale;
pub mod mail;
pub mod markdown;
pub mod operation;
pub mod passkeys;
pub mod password;
pub mod recovery;
pub mod registration;
pub mod report;
pub mod secrets;
pub mod sms;
pub mod source;
pub mod store;
pub mod templates;
pub mod totp;
pub mod trusted_device;
pub mod value;

use std::{ffi::OsString, path::Path};

use schemars::JsonSchema;
use serde::Deserialize;

use self::{
    cluster::Cluster,
    http::{Http, Management},
    keys::Keys,
    lifetimes::{Session, SigningKeys, Token},
    limits::Limits,
    locale::Locale,
    mail::Mail,
    operation::{Log, OAuth, Shutdown},
    passkeys::Passkeys,
    password::Password,
    recovery::Recovery,
    registration::Registration,
    report::{Problems, Report},
    secrets::Secrets,
    sms::Sms,
    source::Settings,
    store::Store,
    templates::Templates,
    totp::Totp,
    trusted_device::TrustedDevice,
    value::Issuer,
};

/// Everything that can be configured, checked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Doorward configuration")]
pub struct Config {
    /// The issuer: the URL under which browsers and clients reach this server, exactly as it stands in `iss`. No
    /// trailing slash, query or fragment. `http` is allowed only for localhost, 127.0.0.0/8 and `[::1]`; that is the
    /// development mode (cookies without `__Host-` and `Secure`).
    pub issuer: Issuer,
    /// The public listener: protocol and pages.
    pub http: Http,
    /// The management listener: health and metrics. Keep it away from the public.
    pub management: Management,
    /// Where state is kept.
    pub store: Store,
    /// This node among others that share a store.
    pub cluster: Cluster,
    /// Secrets of the server itself. Better kept in files or the environment than in the configuration file.
    pub secrets: Secrets,
    /// New accounts.
    pub registration: Registration,
    /// Passwords.
    pub password: Password,
    /// One-time codes of authenticator apps.
    pub totp: Totp,
    /// Passkeys.
    pub passkeys: Passkeys,
    /// Messages by e-mail. Without `mail.smtp.url` none is sent, and codes by e-mail are not offered; in development mode
    /// messages are shown at `/dev/inbox` instead.
    pub mail: Mail,
    /// Text messages. Without `sms.provider.kind` none is sent, and codes by text message are not offered; in development mode
    /// messages are shown at `/dev/inbox` instead.
    pub sms: Sms,
    /// Browsers in which no second step is asked for.
    pub trusted_device: TrustedDevice,
    /// Accounts whose second factors are all lost.
    pub recovery: Recovery,
    /// Languages of pages, mails and text messages.
    pub locale: Locale,
    /// Templates and messages of one's own.
    pub templates: Templates,
    /// Sessions of people in browsers.
    pub session: Session,
    /// Tokens and authorization codes.
    pub token: Token,
    /// Protocol switches.
    pub oauth: OAuth,
    /// Signing keys.
    pub keys: SigningKeys,
    /// Bounds against abuse and overload. An address prefix is an IPv4 address or the first 64 bits of an IPv6 address.
    /// Each node counts addresses for itself, in memory: where the requests of one address reach several nodes it may do as many times
    /// as much, and a restart forgets. Throttles per user are not configured here: they are fixed rules, and hold over all nodes.
    pub limits: Limits,
    /// What happens on SIGTERM: not ready → wait → stop accepting → finish what is in flight → end. A second signal
    /// ends the process at once.
    pub shutdown: Shutdown,
    /// Log output, on stderr.
    pub log: Log,
}

impl Config {
    /// What no single key can tell.
    fn check(&self, report: &mut Report<'_>) {
        self.http.check(&self.management, report);
        self.store.check(&self.secrets, report);
        self.cluster.check(&self.store.url, report);
        self.secrets.check(report);
        let sends = self.mail.smtp.url.is_some() || self.issuer.is_development();
        self.registration.check(sends, report);
        self.password.check(report);
        self.passkeys.check(report);
        self.mail.check(report);
        self.sms.check(report);
        self.trusted_device.check(report);
        self.recovery.check(sends, report);
        self.locale.check(report);
        self.templates.check(report);
        self.session.check(report);
        self.token.check(report);
        self.keys.check(&self.token, report);
        self.log.check(report);
    }
}

/// A configuration and where its values came from.
#[derive(Debug)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// The same as text, with their origins, for `config dump`.
    pub settings: Settings,
}

impl Loaded {
    /// Reads `file`, if there is one, and the `environment`, and checks them together.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Problems> {
        let keys = Keys::new();
        let mut problems = Problems::default();
        let mut settings = Settings::default();
        if let Some(file) = file {
            settings.read_file(file, &keys, &mut problems);
        }
        settings.read_environment(environment, &keys, &mut problems);
        let config = settings.decode(&mut problems);
        config.check(&mut Report::new(&settings, &mut problems));
        problems.none_or(Self { config, settings })
    }
}

#[cfg(test)]
mod tests;
