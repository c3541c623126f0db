//! Section `store`: where state is kept.

use std::{fmt, path::PathBuf, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where state is kept.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `embedded:PATH`: the built-in store in this folder, which is created with mode 0700. A path that does not begin
    /// with `/` is taken from the folder in which the server is started.
    pub url: StoreUrl,
}

/// A store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum StoreUrl {
    /// The built-in store in this folder.
    Embedded(PathBuf),
}

impl Default for StoreUrl {
    fn default() -> Self {
        Self::Embedded("./doorward-data".into())
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Embedded(path) = self;
        write!(f, "embedded:{}", path.display())
    }
}

impl FromStr for StoreUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("embedded", "")) => Err("names no folder; write embedded:PATH, such as embedded:/var/lib/doorward"),
            Some(("embedded", path)) => Ok(Self::Embedded(path.into())),
            Some(("scylla", _)) => Err(
                "this build has the embedded store only; ScyllaDB comes with the cluster release. Write embedded:PATH",
            ),
            _ => Err("is not the URL of a store; write embedded:PATH, such as embedded:/var/lib/doorward"),
        }
    }
}

impl TryFrom<String> for StoreUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<StoreUrl> for String {
    fn from(url: StoreUrl) -> Self {
        url.to_string()
    }
}
