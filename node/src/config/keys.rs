//! Which keys there are: read from the JSON schema of the sections, so that schema, reference, environment names and
//! refusals cannot drift apart.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Config;

/// What a value of a key looks like in file and environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// A whole number, between these bounds.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// A list of texts; in the environment separated by commas.
    List,
}

impl Shape {
    /// How the shape is called in messages and in the reference.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer(..) => "whole number",
            Self::Boolean => "true or false",
            Self::List => "list of texts",
        }
    }
}

/// One key.
#[derive(Clone, Debug)]
pub struct Key {
    /// What its values look like.
    pub shape: Shape,
    /// The default; `null` where it is unset.
    pub default: Value,
    /// What it does.
    pub description: String,
    /// The values it can take, where they are few.
    pub choices: Vec<String>,
    /// Is the value a secret?
    pub secret: bool,
}

/// All keys by their dotted path, and the tables between.
#[derive(Debug)]
pub struct Keys {
    keys: BTreeMap<String, Key>,
    tables: BTreeMap<String, String>,
}

/// Stands in a path for the name of a section that somebody gives it, such as `mail.relays.NAME.url`.
pub const NAMED: &str = "NAME";

/// The most characters of such a name.
const MAX_NAME: usize = 32;

/// What stands before the path in the name of an environment variable.
pub const ENVIRONMENT_PREFIX: &str = "DOORWARD__";

/// The environment variable of a key.
pub fn environment_name(path: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", path.replace('.', "__").to_uppercase())
}

/// The JSON schema of the configuration file.
pub fn json_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).into_generator();
    generator.into_root_schema_for::<Config>().to_value()
}

impl Keys {
    /// The keys of this release.
    pub fn new() -> Self {
        let mut keys = Self { keys: BTreeMap::new(), tables: BTreeMap::new() };
        keys.collect("", &json_schema());
        keys
    }

    fn collect(&mut self, path: &str, schema: &Value) {
        if let Some(properties) = schema["properties"].as_object() {
            self.tables.insert(path.to_owned(), one_line(&schema["description"]));
            for (name, property) in properties {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                self.collect(&path, property);
            }
        } else if schema["additionalProperties"].is_object() {
            // Sections with names of their own, all alike.
            let (each, about) = (format!("{path}.{NAMED}"), one_line(&schema["description"]));
            self.collect(&each, &schema["additionalProperties"]);
            self.tables.insert(each, about.clone());
            self.tables.insert(path.to_owned(), about);
        } else {
            self.keys.insert(path.to_owned(), Key::read(schema));
        }
    }

    /// The key with this path, in which names stand where [`NAMED`] does here.
    pub fn get(&self, path: &str) -> Option<&Key> {
        self.iter().find(|(known, _)| is_one_of(known, path)).map(|(_, key)| key)
    }

    /// Is this the path of a table?
    pub fn is_table(&self, path: &str) -> bool {
        self.tables.keys().any(|known| is_one_of(known, path))
    }

    /// All keys in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Key)> {
        self.keys.iter().map(|(path, key)| (path.as_str(), key))
    }

    /// All keys as a file lists them: section, path and key; those outside of any section come first.
    pub fn by_section(&self) -> Vec<(&str, &str, &Key)> {
        let section = |path: &'_ str| path.rfind('.').unwrap_or(0);
        let mut all: Vec<_> = self.iter().map(|(path, key)| (&path[..section(path)], path, key)).collect();
        all.sort_by_key(|(section, path, _)| (*section, *path));
        all
    }

    /// What a table is about.
    pub fn table(&self, path: &str) -> Option<&str> {
        self.tables.get(path).map(String::as_str)
    }

    /// The path of the key that this environment variable sets.
    pub fn path_of_environment(&self, name: &str) -> Option<String> {
        let path = name.strip_prefix(ENVIRONMENT_PREFIX)?.replace("__", ".").to_lowercase();
        (self.get(&path).is_some() && environment_name(&path) == name).then_some(path)
    }

    /// The known path that is most like `path`, if one is like it at all.
    pub fn like(&self, path: &str) -> Option<&str> {
        let all = self.keys.keys().chain(self.tables.keys().filter(|path| !path.is_empty()));
        all.map(|known| (distance(path, known), known.as_str())).min().filter(|(d, _)| *d <= 3).map(|(_, known)| known)
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self::new()
    }
}

impl Key {
    fn read(schema: &Value) -> Self {
        Self {
            shape: shape(schema),
            default: schema["default"].clone(),
            description: one_line(&schema["description"]),
            choices: choices(schema),
            secret: schema["writeOnly"] == Value::Bool(true),
        }
    }

    /// The default as it would be written in the file; `None` where the key is unset.
    pub fn default_text(&self) -> Option<String> {
        (!self.default.is_null()).then(|| self.default.to_string())
    }
}

fn shape(schema: &Value) -> Shape {
    let ty = match &schema["type"] {
        Value::Array(types) => types.first().and_then(Value::as_str),
        ty => ty.as_str(),
    };
    match ty {
        Some("integer") => {
            Shape::Integer(schema["minimum"].as_i64().unwrap_or(0), schema["maximum"].as_i64().unwrap_or(i64::MAX))
        }
        Some("boolean") => Shape::Boolean,
        Some("array") => Shape::List,
        _ => Shape::Text,
    }
}

fn choices(schema: &Value) -> Vec<String> {
    let named = schema["oneOf"].as_array().into_iter().flatten().filter_map(|choice| choice["const"].as_str());
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    named.chain(listed).map(str::to_owned).collect()
}

/// Is this path one of those that `known` stands for?
fn is_one_of(known: &str, path: &str) -> bool {
    let mut parts = path.split('.');
    let same = known
        .split('.')
        .all(|known| parts.next().is_some_and(|part| if known == NAMED { is_name(part) } else { known == part }));
    same && parts.next().is_none()
}

/// Can a section be called so? Its name is part of the name of an environment variable.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && text.len() <= MAX_NAME
}

/// Doc comments come with the line breaks of the source.
fn one_line(description: &Value) -> String {
    description.as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Levenshtein distance, for "did you mean".
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
