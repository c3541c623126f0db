//! A message that is made in Rust: its key and its arguments. Which words it becomes is decided where it is shown.

use std::{fmt, sync::Arc};

use minijinja::value::{Object, ObjectRepr, Value};
use serde::{Serialize, Serializer};

/// A message with its arguments. Templates show it by `t(…)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    pub(super) key: &'static str,
    pub(super) arguments: Vec<(&'static str, Given)>,
}

/// What an argument is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Word(String),
    Number(u64),
    Text(Text),
}

/// The message with this key, without arguments. A test looks every key up that stands in such a call.
pub const fn text(key: &'static str) -> Text {
    Text { key, arguments: Vec::new() }
}

impl Text {
    /// The same with a word: a name, an address, something typed.
    #[must_use]
    pub fn with(self, name: &'static str, word: impl Into<String>) -> Self {
        self.given(name, Given::Word(word.into()))
    }

    /// The same with a number, by which the message may choose a plural.
    #[must_use]
    pub fn with_number(self, name: &'static str, number: usize) -> Self {
        self.given(name, Given::Number(u64::try_from(number).unwrap_or(u64::MAX)))
    }

    /// The same with another message inside.
    #[must_use]
    pub fn with_text(self, name: &'static str, inner: Self) -> Self {
        self.given(name, Given::Text(inner))
    }

    fn given(mut self, name: &'static str, argument: Given) -> Self {
        self.arguments.push((name, argument));
        self
    }

    /// One sentence after the other.
    #[must_use]
    pub fn and_then(self, second: Self) -> Self {
        text("two-sentences").with_text("first", self).with_text("second", second)
    }

    /// `a, b or c`; nothing of nothing.
    pub fn one_of(alternatives: Vec<Self>) -> Option<Self> {
        Self::listed(alternatives, || text("list-or"))
    }

    /// `a, b and c`; nothing of nothing.
    pub fn all_of(things: Vec<Self>) -> Option<Self> {
        Self::listed(things, || text("list-and"))
    }

    fn listed(things: Vec<Self>, joined: impl Fn() -> Self) -> Option<Self> {
        let mut rest = things;
        let last = rest.pop();
        let listed =
            rest.into_iter().reduce(|first, next| text("list-more").with_text("first", first).with_text("next", next));
        match (listed, last) {
            (Some(first), Some(last)) => Some(joined().with_text("first", first).with_text("last", last)),
            (None, only) => only,
            (Some(_), None) => None,
        }
    }
}

/// The key alone: arguments may be what somebody typed.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Text").field(&self.key).finish_non_exhaustive()
    }
}

/// What a template shows that forgot `t(…)`; the check of templates looks for it.
pub(crate) const UNSAID: char = '\u{27e6}';

impl Object for Text {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{UNSAID}{}\u{27e7}", self.key)
    }
}

/// Reaches a template as it is: `t` takes it from there.
impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Value::from_object(self.clone()).serialize(serializer)
    }
}
