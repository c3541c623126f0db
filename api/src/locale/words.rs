//! The messages of one language.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
};

use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue, concurrent::FluentBundle};
use fluent_syntax::ast::{
    CallArguments, Entry, Expression, Identifier, InlineExpression, Message, Pattern, PatternElement,
};
use thiserror::Error;
use unic_langid::LanguageIdentifier;

use super::{BUILT_IN, Fault, REFERENCE, Text, references::References, text::Given};

/// The messages of one language, parsed.
pub(crate) struct Words {
    plain: FluentBundle<Arc<FluentResource>>,
    /// The same messages, whose own characters are escaped.
    html: FluentBundle<Arc<FluentResource>>,
}

impl std::fmt::Debug for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Words").field("locales", &self.plain.locales).finish_non_exhaustive()
    }
}

/// For what words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Mail and text messages.
    Plain,
    /// Pages.
    Html,
}

/// An argument of a message.
#[derive(Clone, Debug)]
pub(crate) enum Argument<'a> {
    /// Text of any origin.
    Word(Cow<'a, str>),
    /// Markup that a template made.
    Markup(Cow<'a, str>),
    /// A number.
    Number(i64),
    /// A message.
    Text(&'a Text),
}

/// Why there are no words. It names keys and arguments, and holds no values.
#[derive(Debug, Error)]
pub(crate) enum Unsaid {
    /// There is no such message.
    #[error("there is no message {0}")]
    NoMessage(String),
    /// Something that it names is not there.
    #[error("message {key}: {reason}")]
    Incomplete {
        key: String,
        /// In Fluent's words.
        reason: String,
    },
}

/// What each message of the reference is given: its key, and the names of its arguments.
pub(super) type Arguments = BTreeMap<String, BTreeSet<String>>;

/// The file of a language below the folder of templates.
pub(super) fn file_name(tag: &str) -> String {
    format!("locales/{tag}.ftl")
}

/// The messages that every language has.
pub(super) fn reference() -> Arguments {
    let source = BUILT_IN.iter().find(|(tag, _)| *tag == REFERENCE).map_or("", |(_, source)| *source);
    let mut faults = Vec::new();
    let read = read(REFERENCE, source, &mut faults);
    arguments_of(&read)
}

impl Words {
    /// What is built in for a language, with an operator's file over it. Either may be missing, not both.
    pub(super) fn new(
        tag: &LanguageIdentifier,
        built_in: Option<&str>,
        file: Option<&str>,
        reference: &Arguments,
    ) -> Result<Self, Vec<Fault>> {
        let name = tag.to_string();
        let mut faults = Vec::new();
        let resources: Vec<Arc<FluentResource>> =
            [built_in, file].into_iter().flatten().map(|source| Arc::new(read(&name, source, &mut faults))).collect();
        if resources.is_empty() {
            let reason = format!("{name} is not built in, and there is no {}", file_name(&name));
            return Err(vec![Fault::whole("locale.offered", reason)]);
        }
        let mut given = Arguments::new();
        for resource in &resources {
            check(&name, resource, reference, &mut faults);
            given.extend(arguments_of(resource));
        }
        faults.extend(References::of(&name, &resources).faults(reference));
        for key in reference.keys().filter(|key| !given.contains_key(*key)) {
            faults.push(Fault::whole(&file_name(&name), format!("message {key} is missing")));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { plain: bundle(tag, &resources, None), html: bundle(tag, &resources, Some(escape)) })
    }

    /// A message in words.
    pub(crate) fn say(&self, form: Form, key: &str, arguments: &[(&str, Argument<'_>)]) -> Result<String, Unsaid> {
        let bundle = if form == Form::Html { &self.html } else { &self.plain };
        let message = bundle.get_message(key).and_then(|message| message.value());
        let pattern = message.ok_or_else(|| Unsaid::NoMessage(key.to_owned()))?;
        let mut given = FluentArgs::with_capacity(arguments.len());
        for (name, argument) in arguments {
            given.set(Cow::Borrowed(*name), self.value(form, argument)?);
        }
        let mut errors = Vec::new();
        let said = bundle.format_pattern(pattern, Some(&given), &mut errors);
        if errors.is_empty() { Ok(said.into_owned()) } else { Err(incomplete(key, &errors)) }
    }

    /// A message that was made in Rust.
    pub(crate) fn say_text(&self, form: Form, text: &Text) -> Result<String, Unsaid> {
        let arguments: Vec<(&str, Argument<'_>)> = text
            .arguments
            .iter()
            .map(|(name, given)| {
                let argument = match given {
                    Given::Word(word) => Argument::Word(Cow::Borrowed(word)),
                    Given::Number(number) => Argument::Number(i64::try_from(*number).unwrap_or(i64::MAX)),
                    Given::Text(inner) => Argument::Text(inner),
                };
                (*name, argument)
            })
            .collect();
        self.say(form, text.key, &arguments)
    }

    /// An argument as it stands in the words: escaped, unless it is markup already.
    fn value<'a>(&self, form: Form, argument: &'a Argument<'_>) -> Result<FluentValue<'a>, Unsaid> {
        Ok(match (argument, form) {
            (Argument::Number(number), _) => FluentValue::from(*number),
            (Argument::Word(word), Form::Html) => FluentValue::String(escape(word)),
            (Argument::Word(word), Form::Plain) | (Argument::Markup(word), _) => {
                FluentValue::String(Cow::Borrowed(word))
            }
            (Argument::Text(text), form) => FluentValue::String(Cow::Owned(self.say_text(form, text)?)),
        })
    }
}

fn bundle(
    tag: &LanguageIdentifier,
    resources: &[Arc<FluentResource>],
    transform: Option<fn(&str) -> Cow<'_, str>>,
) -> FluentBundle<Arc<FluentResource>> {
    let mut bundle = FluentBundle::new_concurrent(vec![tag.clone()]);
    bundle.set_use_isolating(false);
    bundle.set_transform(transform);
    for resource in resources {
        bundle.add_resource_overriding(Arc::clone(resource));
    }
    bundle
}

fn incomplete(key: &str, errors: &[FluentError]) -> Unsaid {
    let reasons: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Unsaid::Incomplete { key: key.to_owned(), reason: reasons.join("; ") }
}

/// What HTML gives a meaning to, in text and in quoted attributes; as the template engine writes it, so that a name is the same
/// text on a page whichever way it came there.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'', '/']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            '/' => escaped.push_str("&#x2f;"),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Parses a file. What does not parse is a fault, and the rest goes on, so that all faults are told together.
pub(super) fn read(tag: &str, source: &str, faults: &mut Vec<Fault>) -> FluentResource {
    FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, errors)| {
        for error in errors {
            let line = Lines::of(source).at(error.pos.start);
            faults.push(Fault::at(&file_name(tag), line, format!("this cannot be read: {}", error.kind)));
        }
        resource
    })
}

/// Where the lines of a file end.
pub(super) struct Lines<'a> {
    source: &'a str,
    ends: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(source: &'a str) -> Self {
        Self { source, ends: source.match_indices('\n').map(|(end, _)| end).collect() }
    }

    fn at(&self, offset: usize) -> usize {
        self.ends.partition_point(|end| *end < offset) + 1
    }

    /// The line of a key, which is a slice of the source.
    pub(super) fn of_key(&self, key: &str) -> usize {
        self.at(key.as_ptr().addr().saturating_sub(self.source.as_ptr().addr()))
    }
}

fn messages(resource: &FluentResource) -> impl Iterator<Item = &Message<&str>> {
    resource.entries().filter_map(|entry| match entry {
        Entry::Message(message) => Some(message),
        _ => None,
    })
}

pub(super) fn arguments_of(resource: &FluentResource) -> Arguments {
    let named = |message: &Message<&str>| {
        let found = message.value.as_ref().map(Found::of).unwrap_or_default();
        (message.id.name.to_owned(), found.arguments)
    };
    messages(resource).map(named).collect()
}

/// What can be told of each message by itself.
fn check(tag: &str, resource: &FluentResource, reference: &Arguments, faults: &mut Vec<Fault>) {
    let line_of = |key: &str| Lines::of(resource.source()).of_key(key);
    for entry in resource.entries() {
        let Entry::Term(term) = entry else { continue };
        if Found::of(&term.value).markup {
            let reason = format!("term -{} quotes markup; markup belongs into templates", term.id.name);
            faults.push(Fault::at(&file_name(tag), line_of(term.id.name), reason));
        }
    }
    let mut seen = BTreeSet::new();
    for message in messages(resource) {
        let key = message.id.name;
        let mut fault = |reason: String| faults.push(Fault::at(&file_name(tag), line_of(key), reason));
        if !seen.insert(key) {
            fault(format!("message {key} is there twice"));
        }
        let Some(pattern) = &message.value else {
            fault(format!("message {key} has no text"));
            continue;
        };
        let found = Found::of(pattern);
        if found.markup {
            fault(format!("message {key} quotes markup; markup belongs into templates"));
        }
        if let Some(known) = reference.get(key) {
            for name in found.arguments.difference(known) {
                let mut names = String::new();
                for known in known {
                    // Writing to a string does not fail.
                    let _ = write!(names, " ${known}");
                }
                let has = if names.is_empty() { " none".to_owned() } else { names };
                fault(format!("message {key} is given no argument ${name}; its arguments are:{has}"));
            }
        }
    }
}

/// What stands in a pattern.
#[derive(Default)]
pub(super) struct Found {
    pub(super) arguments: BTreeSet<String>,
    /// Messages, terms (`-term`) and attributes (`message.attribute`).
    pub(super) references: BTreeSet<String>,
    /// Does a quoted text hold what HTML gives a meaning to? Quoted texts are not escaped.
    markup: bool,
}

/// The name of a message or a term, or of an attribute of it.
pub(super) fn name_of(of: &str, attribute: Option<&Identifier<&str>>) -> String {
    attribute.map_or_else(|| of.to_owned(), |attribute| format!("{of}.{}", attribute.name))
}

impl Found {
    pub(super) fn of(pattern: &Pattern<&str>) -> Self {
        let mut found = Self::default();
        found.pattern(pattern);
        found
    }

    fn pattern(&mut self, pattern: &Pattern<&str>) {
        for element in &pattern.elements {
            if let PatternElement::Placeable { expression } = element {
                self.expression(expression);
            }
        }
    }

    fn expression(&mut self, expression: &Expression<&str>) {
        match expression {
            Expression::Inline(inline) => self.inline(inline),
            Expression::Select { selector, variants } => {
                self.inline(selector);
                for variant in variants {
                    self.pattern(&variant.value);
                }
            }
        }
    }

    fn inline(&mut self, inline: &InlineExpression<&str>) {
        match inline {
            InlineExpression::VariableReference { id } => {
                self.arguments.insert(id.name.to_owned());
            }
            // An escape such as \u003C is markup as well.
            InlineExpression::StringLiteral { value } => self.markup |= value.contains(['&', '<', '>', '\\']),
            InlineExpression::Placeable { expression } => self.expression(expression),
            InlineExpression::FunctionReference { arguments, .. } => self.handed(arguments),
            InlineExpression::TermReference { id, attribute, arguments } => {
                self.references.insert(name_of(&format!("-{}", id.name), attribute.as_ref()));
                if let Some(arguments) = arguments {
                    self.handed(arguments);
                }
            }
            InlineExpression::MessageReference { id, attribute } => {
                self.references.insert(name_of(id.name, attribute.as_ref()));
            }
            InlineExpression::NumberLiteral { .. } => {}
        }
    }

    fn handed(&mut self, arguments: &CallArguments<&str>) {
        for argument in &arguments.positional {
            self.inline(argument);
        }
        for named in &arguments.named {
            self.inline(&named.value);
        }
    }
}
