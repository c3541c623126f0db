//! `config dump`: the effective values, secrets masked, each with where it came from.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{keys::Keys, report::Origin, source::Settings};

/// One key with its effective value.
#[derive(Debug)]
pub struct Line<'a> {
    /// The section it is in; empty at the top level.
    pub section: &'a str,
    /// The key.
    pub path: &'a str,
    /// Its value; secrets are masked, `null` is unset.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// All keys.
pub fn lines<'a>(keys: &'a Keys, settings: &Settings) -> Vec<Line<'a>> {
    let line = |(section, path, key): (&'a str, &'a str, &super::keys::Key)| {
        let value = match settings.value(path) {
            Some(_) if key.secret => Value::from("********"),
            Some(value) => value.clone(),
            None => key.default.clone(),
        };
        Line { section, path, value, origin: settings.origin(path) }
    };
    keys.by_section().into_iter().map(line).collect()
}

/// As TOML that could be the configuration file, but for the secrets.
pub fn toml(lines: &[Line<'_>]) -> String {
    let mut text = String::new();
    let mut section = "";
    for line in lines {
        if line.section != section {
            section = line.section;
            let _ = write!(text, "\n[{section}]\n");
        }
        let name = line.path.rsplit('.').next().unwrap_or_default();
        let _ = match &line.value {
            Value::Null => writeln!(text, "# {name} is unset"),
            value => writeln!(text, "{name} = {value} # {}", line.origin),
        };
    }
    text
}

/// As JSON: a list of keys with `value` and `from`.
pub fn json(lines: &[Line<'_>]) -> Value {
    lines.iter().map(|line| json!({ "key": line.path, "value": line.value, "from": line.origin.to_string() })).collect()
}
