//! Sections `session`, `token` and `keys`: how long things live.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{report::Report, value::Span};

/// Sessions of people in browsers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Session {
    /// A session ends this long after the sign-in.
    pub absolute: Span,
    /// A session ends when it was not used for this long.
    pub idle: Span,
}

/// Tokens and authorization codes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Token {
    /// How long an access token is good.
    pub access: Span,
    /// How long an ID token is good.
    pub id: Span,
    /// How long an authorization code is good (RFC 6749 allows ten minutes at most).
    pub code: Span,
    /// A family of refresh tokens ends this long after its code.
    pub refresh_absolute: Span,
    /// A family of refresh tokens ends when it was not used for this long.
    pub refresh_idle: Span,
}

/// Signing keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SigningKeys {
    /// A signing key is replaced when it has signed for this long.
    pub rotate_every: Span,
    /// The next key is published this long before it signs, so that clients have it in time.
    pub publish_ahead: Span,
    /// A replaced key stays published for this long; at least as long as the tokens that it signed are good, and longer
    /// so that an application can still name a session that ends by an old ID token.
    pub retire_after: Span,
}

impl Default for Session {
    fn default() -> Self {
        Self { absolute: Span::secs(24 * 3600), idle: Span::secs(3600) }
    }
}

impl Default for Token {
    fn default() -> Self {
        Self {
            access: Span::secs(300),
            id: Span::secs(300),
            code: Span::secs(60),
            refresh_absolute: Span(Duration::from_hours(30 * 24)),
            refresh_idle: Span(Duration::from_hours(14 * 24)),
        }
    }
}

impl Default for SigningKeys {
    fn default() -> Self {
        Self {
            rotate_every: Span(Duration::from_hours(30 * 24)),
            publish_ahead: Span(Duration::from_hours(1)),
            retire_after: Span(Duration::from_hours(30 * 24)),
        }
    }
}

impl Session {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        report.refuse_if(self.idle > self.absolute, "session.idle", "must not be longer than session.absolute");
        at_least(self.idle, Span::secs(60), "session.idle", report);
    }
}

impl Token {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        let longer = self.refresh_idle > self.refresh_absolute;
        report.refuse_if(longer, "token.refresh_idle", "must not be longer than token.refresh_absolute");
        for (span, key) in [(self.access, "token.access"), (self.id, "token.id"), (self.code, "token.code")] {
            at_least(span, Span::secs(1), key, report);
        }
        at_least(self.refresh_idle, Span::secs(1), "token.refresh_idle", report);
        at_most(self.code, Span::secs(600), "token.code", report);
        at_most(self.access, Span::secs(24 * 3600), "token.access", report);
        at_most(self.id, Span::secs(24 * 3600), "token.id", report);
    }
}

impl SigningKeys {
    pub(super) fn check(&self, token: &Token, report: &mut Report<'_>) {
        let late = self.publish_ahead >= self.rotate_every;
        report.refuse_if(late, "keys.publish_ahead", "must be shorter than keys.rotate_every");
        let early = self.retire_after < token.access.max(token.id);
        let message = "must be at least as long as token.access and token.id, or clients refuse good tokens";
        report.refuse_if(early, "keys.retire_after", message);
        at_least(self.rotate_every, Span::secs(60), "keys.rotate_every", report);
    }
}

fn at_least(span: Span, least: Span, key: &str, report: &mut Report<'_>) {
    if span < least {
        report.refuse(key, format!("must be at least {least}"));
    }
}

fn at_most(span: Span, most: Span, key: &str, report: &mut Report<'_>) {
    if span > most {
        report.refuse(key, format!("must be at most {most}"));
    }
}
