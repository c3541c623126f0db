//! File and environment laid over each other: for each key that somebody set, its value and where it was set.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    path::Path,
    sync::Arc,
};

use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Config,
    keys::{ENVIRONMENT_PREFIX, Key, Keys, NAMED, Shape, environment_name},
    report::{Origin, Problems},
};

/// Short names of environment variables that the outside relies on, and the keys that they set.
pub const ENVIRONMENT_ALIASES: [(&str, &str); 2] =
    [("DOORWARD_MASTER_KEYS", "secrets.master_keys"), ("DOORWARD_MASTER_KEYS_FILE", "secrets.master_keys_file")];

/// The variable that names the configuration file; not a key.
pub const CONFIG_VARIABLE: &str = "DOORWARD_CONFIG";

/// A value that somebody set.
#[derive(Clone)]
struct Setting {
    value: Value,
    origin: Origin,
}

/// Everything that somebody set, by key.
#[derive(Default)]
pub struct Settings(BTreeMap<String, Setting>);

/// Values may be secrets, so only keys and origins are shown.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(path, setting)| (path, &setting.origin))).finish()
    }
}

impl Settings {
    /// Where the value of a key came from.
    pub fn origin(&self, path: &str) -> Origin {
        self.0.get(path).map_or(Origin::Default, |setting| setting.origin.clone())
    }

    /// The paths of a key that were set, in the order of the names in them; of a key without one, its path.
    pub fn paths_of<'a>(&'a self, known: &'a str) -> Vec<Cow<'a, str>> {
        let Some((before, after)) = known.split_once(NAMED) else { return vec![known.into()] };
        let name = |path: &'a str| path.strip_prefix(before)?.split('.').next();
        let names: BTreeSet<&str> = self.0.keys().filter_map(|path| name(path)).collect();
        names.into_iter().map(|name| format!("{before}{name}{after}").into()).collect()
    }

    /// The value of a key, if somebody set it.
    pub fn value(&self, path: &str) -> Option<&Value> {
        self.0.get(path).map(|setting| &setting.value)
    }

    /// Reads a TOML file. What is wrong in it is told with the line.
    pub fn read_file(&mut self, path: &Path, keys: &Keys, problems: &mut Problems) {
        let shared: Arc<Path> = path.into();
        let at = |line| Origin::File { path: Arc::clone(&shared), line };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return problems.add(at(1), None, format!("cannot be read: {error}")),
        };
        let (table, errors) = DeTable::parse_recoverable(&text);
        for error in errors {
            let line = error.span().map_or(1, |span| line_of(&text, span.start));
            problems.add(at(line), None, format!("not valid TOML: {}", error.message()));
        }
        Walk { text: &text, at: &at, keys, problems, settings: self }.table("", table.get_ref());
    }

    /// Reads the environment. Variables that do not begin with our prefix are not ours.
    pub fn read_environment(
        &mut self,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        keys: &Keys,
        problems: &mut Problems,
    ) {
        let mut set: BTreeMap<String, String> = BTreeMap::new();
        let mut variables: Vec<_> = environment
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX) || alias(name).is_some())
            .collect();
        variables.sort();
        for (name, value) in variables {
            let origin = Origin::Environment { name: name.clone() };
            let Some(path) = alias(&name).map(str::to_owned).or_else(|| keys.path_of_environment(&name)) else {
                problems.add(origin, None, unknown_variable(&name, keys));
                continue;
            };
            if let Some(other) = set.insert(path.clone(), name.clone()) {
                problems.add(origin, Some(&path), format!("is set by {other} as well; unset one of them"));
                continue;
            }
            let Ok(value) = value.into_string() else {
                problems.add(origin, Some(&path), "is not UTF-8");
                continue;
            };
            let Some(key) = keys.get(&path) else { continue };
            match from_text(key, &value) {
                Ok(value) => _ = self.0.insert(path, Setting { value, origin }),
                Err(message) => problems.add(origin, Some(&path), message),
            }
        }
    }

    /// Turns the values into the typed sections. A value that is refused is left out and the rest is tried again, so
    /// that all refusals come at once; what comes back then is not to be used.
    pub fn decode(&self, problems: &mut Problems) -> Config {
        let mut values = self.0.clone();
        loop {
            let mut tree = Value::Object(Map::new());
            for (path, setting) in &values {
                *entry(&mut tree, path) = setting.value.clone();
            }
            match serde_path_to_error::deserialize::<_, Config>(tree) {
                Ok(config) => return config,
                Err(error) => {
                    let found = error.path().to_string();
                    let path = found.split('[').next().unwrap_or_default();
                    let message = error.inner().to_string();
                    let Some(setting) = values.remove(path) else {
                        problems.add(Origin::Default, Some(path), message);
                        return Config::default();
                    };
                    problems.add(setting.origin, Some(path), message);
                }
            }
        }
    }
}

/// A place in a tree of JSON objects, made on the way.
fn entry<'a>(tree: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(tree, |tree, part| &mut tree[part])
}

fn alias(name: &str) -> Option<&'static str> {
    ENVIRONMENT_ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, path)| *path)
}

fn unknown_variable(name: &str, keys: &Keys) -> String {
    let path = name.trim_start_matches(ENVIRONMENT_PREFIX).to_lowercase().replace("__", ".");
    match keys.like(&path).filter(|like| keys.get(like).is_some()) {
        Some(like) => format!("no key has this name; did you mean {}?", environment_name(like)),
        None => "no key has this name; `doorward config schema --output markdown` lists all".to_owned(),
    }
}

/// A value as text from the environment.
fn from_text(key: &Key, text: &str) -> Result<Value, String> {
    let value = match key.shape {
        Shape::Text => Value::from(text),
        Shape::Integer(..) => Value::from(text.parse::<i64>().map_err(|_| wrong_shape(key, "something else"))?),
        Shape::Boolean => Value::from(text.parse::<bool>().map_err(|_| wrong_shape(key, "something else"))?),
        Shape::List => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect(),
    };
    in_bounds(key, value)
}

fn in_bounds(key: &Key, value: Value) -> Result<Value, String> {
    match (key.shape, value.as_i64()) {
        (Shape::Integer(min, max), Some(number)) if number < min => {
            Err(format!("must be at least {min} (and at most {max})"))
        }
        (Shape::Integer(min, max), Some(number)) if number > max => {
            Err(format!("must be at most {max} (and at least {min})"))
        }
        _ => Ok(value),
    }
}

fn wrong_shape(key: &Key, found: &str) -> String {
    let example = key.default_text().map_or_else(String::new, |default| format!(", such as {default}"));
    format!("must be {}{example}, but is {found}", article(key.shape))
}

const fn article(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "a text in quotes",
        Shape::Integer(..) => "a whole number",
        Shape::Boolean => "true or false",
        Shape::List => "a list of texts",
    }
}

/// The line, counted from 1, of a byte offset.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// A walk through a parsed file.
struct Walk<'a, F> {
    text: &'a str,
    at: &'a F,
    keys: &'a Keys,
    problems: &'a mut Problems,
    settings: &'a mut Settings,
}

impl<F: Fn(usize) -> Origin> Walk<'_, F> {
    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let origin = (self.at)(line_of(self.text, name.span().start));
            let path = if path.is_empty() { name.get_ref().to_string() } else { format!("{path}.{}", name.get_ref()) };
            if let Some(key) = self.keys.get(&path) {
                match from_toml(key, value).and_then(|value| in_bounds(key, value)) {
                    Ok(value) => _ = self.settings.0.insert(path, Setting { value, origin }),
                    Err(message) => self.problems.add(origin, Some(&path), message),
                }
            } else if self.keys.is_table(&path) {
                match value.get_ref() {
                    DeValue::Table(table) => self.table(&path, table),
                    _ => self.problems.add(
                        origin,
                        Some(&path),
                        format!("is a section: write [{path}] and its keys below"),
                    ),
                }
            } else {
                let hint = self.keys.like(&path).map_or_else(
                    || "; `doorward config schema` lists all".to_owned(),
                    |like| format!("; did you mean `{like}`?"),
                );
                self.problems.add(origin, Some(&path), format!("unknown key{hint}"));
            }
        }
    }
}

/// A value from the file.
fn from_toml(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<Value, String> {
    let found = value.get_ref();
    match (key.shape, found) {
        (Shape::Text, DeValue::String(text)) => Ok(Value::from(text.as_ref())),
        (Shape::Boolean, DeValue::Boolean(value)) => Ok(Value::from(*value)),
        (Shape::Integer(..), DeValue::Integer(number)) => i64::from_str_radix(number.as_str(), number.radix())
            .map(Value::from)
            .map_err(|_| "is too large a number".to_owned()),
        (Shape::List, DeValue::Array(items)) => items
            .iter()
            .map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(Value::from(text.as_ref())),
                other => Err(wrong_shape(key, &format!("a list with {} in it", other.type_str()))),
            })
            .collect(),
        (_, other) => Err(wrong_shape(key, other.type_str())),
    }
}
