//! What is wrong with a template or with a file of messages.

use std::fmt;

/// A fault, with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file, below the folder of templates; or the key of the configuration.
    pub file: String,
    /// The line, counted from 1; 0 where it is about the whole file.
    pub line: usize,
    /// What is wrong, and perhaps what to do.
    pub reason: String,
    /// It can be served with, and an operator should know it.
    pub bearable: bool,
}

impl Fault {
    /// About a line.
    pub fn at(file: &str, line: usize, reason: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, reason: reason.into(), bearable: false }
    }

    /// About a whole file.
    pub fn whole(file: &str, reason: impl Into<String>) -> Self {
        Self::at(file, 0, reason)
    }

    /// The same, with which one can live.
    #[must_use]
    pub fn bearable(self) -> Self {
        Self { bearable: true, ..self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.reason),
            line => write!(f, "{}:{line}: {}", self.file, self.reason),
        }
    }
}
