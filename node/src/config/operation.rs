//! Sections `oauth`, `shutdown` and `log`: switches of protocol and process.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::{report::Report, value::Span};

/// Protocol switches.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth {
    /// Does `/oauth/token` take JSON bodies as well as forms?
    pub json_token_requests: bool,
}

/// What happens on SIGTERM.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shutdown {
    /// How long the server goes on accepting after `/readyz` says no, so that load balancers notice.
    pub delay: Span,
    /// How long requests in flight may take before they are cut off.
    pub drain: Span,
}

/// Log output.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// What is logged: `error`, `warn`, `info`, `debug` or `trace`, also per module, such as `info,api=debug`.
    pub level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for OAuth {
    fn default() -> Self {
        Self { json_token_requests: true }
    }
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { delay: Span::secs(0), drain: Span::secs(10) }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::default(), level: "info".to_owned() }
    }
}

impl Log {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        // A bare word is taken for the name of a module by the filter itself, so "loud" would silence everything.
        let level = |part: &str| part.rsplit('=').next().unwrap_or_default().parse::<LevelFilter>().is_ok();
        if !self.level.split(',').all(level) || self.level.parse::<Targets>().is_err() {
            report.refuse("log.level", "is not understood; write a level such as info, or info,api=debug");
        }
    }
}
