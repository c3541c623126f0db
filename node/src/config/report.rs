//! What is wrong with a configuration: every problem, each with its place and its remedy.

use std::{fmt, path::Path, sync::Arc};

use super::source::Settings;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the file, counted from 1.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment { name } => f.write_str(name),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it was written.
    pub origin: Origin,
    /// The key, where it is about one.
    pub key: Option<String>,
    /// What is wrong and how to mend it. Never repeats a value that may be a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.origin != Origin::Default {
            write!(f, "{}: ", self.origin)?;
        }
        if let Some(key) = &self.key {
            write!(f, "`{key}`: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong, in the order in which it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn add(&mut self, origin: Origin, key: Option<&str>, message: impl Into<String>) {
        self.0.push(Problem { origin, key: key.map(str::to_owned), message: message.into() });
    }

    /// `value`, if nothing is wrong.
    pub fn none_or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The problems.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is refused:")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

/// Takes the findings of the sections' checks, and looks up where the key in question was set.
#[derive(Debug)]
pub struct Report<'a> {
    settings: &'a Settings,
    problems: &'a mut Problems,
}

impl<'a> Report<'a> {
    /// A report about `settings` into `problems`.
    pub fn new(settings: &'a Settings, problems: &'a mut Problems) -> Self {
        Self { settings, problems }
    }

    /// Refuses the value of `key`.
    pub fn refuse(&mut self, key: &str, message: impl Into<String>) {
        self.problems.add(self.settings.origin(key), Some(key), message);
    }

    /// Refuses the value of `key` where `wrong` holds.
    pub fn refuse_if(&mut self, wrong: bool, key: &str, message: &str) {
        if wrong {
            self.refuse(key, message);
        }
    }

    /// Refuses the value of `key` if it names a file that cannot be read.
    pub fn refuse_unreadable(&mut self, file: Option<&Path>, key: &str) {
        if let Some(Err(error)) = file.map(std::fs::File::open) {
            self.refuse(key, format!("names a file that cannot be read: {error}"));
        }
    }
}
