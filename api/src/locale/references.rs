//! What messages refer to: other messages, terms (`-term`), and attributes of both (`message.attribute`). All that is there together in
//! one language is looked at, with an operator's files over what is built in, for each may refer to the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use fluent_bundle::FluentResource;
use fluent_syntax::ast::{Attribute, Entry, Identifier, Pattern};

use super::{
    Fault,
    words::{Arguments, Found, Lines, file_name, name_of},
};

/// A text of a message, of a term or of an attribute.
struct Text {
    line: usize,
    found: Found,
}

/// All texts of a language by name.
pub(super) struct References {
    file: String,
    texts: BTreeMap<String, Text>,
}

impl References {
    /// Of these files of a language, the later ones over the earlier ones.
    pub(super) fn of(tag: &str, resources: &[Arc<FluentResource>]) -> Self {
        let mut all = Self { file: file_name(tag), texts: BTreeMap::new() };
        for resource in resources {
            let lines = Lines::of(resource.source());
            for entry in resource.entries() {
                match entry {
                    Entry::Message(message) => {
                        let value = message.value.as_ref().map(|value| (&message.id, value));
                        all.put(&lines, message.id.name.to_owned(), value, &message.attributes);
                    }
                    Entry::Term(term) => {
                        let value = Some((&term.id, &term.value));
                        all.put(&lines, format!("-{}", term.id.name), value, &term.attributes);
                    }
                    _ => {}
                }
            }
        }
        all
    }

    /// Puts a message or a term in the place of the one of its name, whose attributes go with it.
    fn put<'a>(
        &mut self,
        lines: &Lines<'_>,
        name: String,
        value: Option<(&'a Identifier<&'a str>, &'a Pattern<&'a str>)>,
        attributes: &'a [Attribute<&'a str>],
    ) {
        let before = format!("{name}.");
        let from = self.texts.range(name.clone()..).take_while(|(other, _)| other.starts_with(&name));
        let old = from.map(|(other, _)| other).filter(|other| **other == name || other.starts_with(&before));
        for old in old.cloned().collect::<Vec<_>>() {
            self.texts.remove(&old);
        }
        let mut put = |name, id: &Identifier<&str>, pattern: &Pattern<&str>| {
            self.texts.insert(name, Text { line: lines.of_key(id.name), found: Found::of(pattern) });
        };
        for attribute in attributes {
            put(name_of(&name, Some(&attribute.id)), &attribute.id, &attribute.value);
        }
        if let Some((id, pattern)) = value {
            put(name, id, pattern);
        }
    }

    /// What is wrong with them: what is not there, what does not end, and what is not handed on. `reference` has the arguments.
    pub(super) fn faults(&self, reference: &Arguments) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (name, text) in &self.texts {
            let missing = text.found.references.iter().filter(|other| !self.texts.contains_key(*other));
            faults.extend(missing.map(|other| self.fault(name, &format!("refers to {other}, which is not there"))));
        }
        let circles = self.circles();
        // What goes round has no end of arguments either.
        if circles.is_empty() {
            for (name, given) in reference {
                faults.extend(self.not_given(name, given));
            }
        }
        faults.extend(circles);
        faults
    }

    fn fault(&self, name: &str, reason: &str) -> Fault {
        let kind = if name.starts_with('-') { "term" } else { "message" };
        let line = self.texts.get(name).map_or(0, |text| text.line);
        Fault::at(&self.file, line, format!("{kind} {name} {reason}"))
    }

    /// Each way that comes back to where it began, once.
    fn circles(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut done = BTreeSet::new();
        for name in self.texts.keys() {
            self.follow(name, &mut Vec::new(), &mut done, &mut faults);
        }
        faults
    }

    fn follow<'a>(
        &'a self,
        name: &'a str,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
        faults: &mut Vec<Fault>,
    ) {
        if let Some(at) = way.iter().position(|other| *other == name) {
            let circle: Vec<&str> = way.iter().skip(at).copied().chain([name]).collect();
            faults.push(self.fault(name, &format!("comes back to itself: {}", circle.join(" → "))));
            return;
        }
        let Some(text) = self.texts.get(name).filter(|_| !done.contains(name)) else { return };
        way.push(name);
        for other in &text.found.references {
            self.follow(other, way, done, faults);
        }
        way.pop();
        done.insert(name);
    }

    /// The arguments that a message needs through others, and is not given. A term gets its own, and may do without.
    fn not_given(&self, name: &str, given: &BTreeSet<String>) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        let mut left: Vec<&str> = vec![name];
        while let Some(of) = left.pop() {
            let Some(text) = self.texts.get(of).filter(|_| !of.starts_with('-') && seen.insert(of)) else { continue };
            if of != name {
                let lacking = text.found.arguments.difference(given);
                faults.extend(
                    lacking.map(|argument| {
                        self.fault(name, &format!("is given no argument ${argument}, which {of} names"))
                    }),
                );
            }
            left.extend(text.found.references.iter().map(String::as_str));
        }
        faults
    }
}
