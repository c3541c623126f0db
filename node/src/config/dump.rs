//! `config dump`: the effective values, secrets masked, each with where it came from.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    keys::{Key, Keys},
    report::Origin,
    source::Settings,
};

/// One key with its effective value.
#[derive(Debug)]
pub struct Line {
    /// The key.
    pub path: String,
    /// Its value; secrets are masked, `null` is unset.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

impl Line {
    /// The section it is in; empty at the top level.
    fn section(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }
}

/// All keys; of those in sections that have names, those of the sections that there are.
pub fn lines(keys: &Keys, settings: &Settings) -> Vec<Line> {
    let line = |path: &str, key: &Key| {
        let value = match settings.value(path) {
            Some(_) if key.secret => Value::from("********"),
            Some(value) => value.clone(),
            None => key.default.clone(),
        };
        Line { path: path.to_owned(), value, origin: settings.origin(path) }
    };
    let all = keys.by_section().into_iter();
    let mut lines: Vec<_> =
        all.flat_map(|(_, path, key)| settings.paths_of(path).into_iter().map(move |path| line(&path, key))).collect();
    // Stable: only what belongs to one section comes together.
    lines.sort_by(|one, other| one.section().cmp(other.section()));
    lines
}

/// As TOML that could be the configuration file, but for the secrets.
pub fn toml(lines: &[Line]) -> String {
    let mut text = String::new();
    let mut section = "";
    for line in lines {
        if line.section() != section {
            section = line.section();
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
pub fn json(lines: &[Line]) -> Value {
    lines.iter().map(|line| json!({ "key": line.path, "value": line.value, "from": line.origin.to_string() })).collect()
}
