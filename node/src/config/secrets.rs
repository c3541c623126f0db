//! Section `secrets`: the master key ring. Every secret has a twin `…_file` that names a file with the value.

use std::path::{Path, PathBuf};

use actors::vault::MasterKeys;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{report::Report, value::SecretText};

/// Secrets of the server itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// The master key ring: `ID:BASE64` entries of 32 bytes each, separated by commas or white space; the first is
    /// active. Also read from `DOORWARD_MASTER_KEYS`. If it is unset, the embedded store generates a ring into its
    /// folder at the very first start.
    pub master_keys: Option<SecretText>,
    /// A file with the master key ring; a newline at its end is dropped. Also read from `DOORWARD_MASTER_KEYS_FILE`.
    #[schemars(with = "Option<String>")]
    pub master_keys_file: Option<PathBuf>,
}

impl Secrets {
    pub(super) fn check(&self, report: &mut Report<'_>) {
        if self.master_keys.is_some() && self.master_keys_file.is_some() {
            report.refuse("secrets.master_keys", "is set both as text and as a file; unset one of the two");
        }
        let key = if self.master_keys_file.is_some() { "secrets.master_keys_file" } else { "secrets.master_keys" };
        match self.ring() {
            Err(error) => report.refuse(key, error),
            // Names the entry that is wrong and never what stands in it.
            Ok(Some(ring)) => {
                _ = MasterKeys::parse(ring.expose()).map_err(|error| report.refuse(key, error.to_string()));
            }
            Ok(None) => {}
        }
    }

    /// The ring that is configured, if one is.
    pub fn ring(&self) -> Result<Option<SecretText>, String> {
        text_or_file(self.master_keys.as_ref(), self.master_keys_file.as_deref())
    }
}

/// A secret that is configured as text or as a file with it, if it is at all.
pub(super) fn text_or_file(text: Option<&SecretText>, file: Option<&Path>) -> Result<Option<SecretText>, String> {
    match file {
        Some(file) => read_secret(file).map(Some),
        None => Ok(text.cloned()),
    }
}

/// The secret in a file, without the newline at its end.
pub fn read_secret(file: &Path) -> Result<SecretText, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let secret = SecretText::from(text.trim_end_matches(['\n', '\r']).to_owned());
    drop(zeroize::Zeroizing::new(text));
    if secret.expose().is_empty() { Err(format!("{} is empty", file.display())) } else { Ok(secret) }
}
