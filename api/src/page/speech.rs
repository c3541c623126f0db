//! What templates say words with: `t`, and the helpers that put an element around a name or a time so that a message can name it.

use std::{borrow::Cow, sync::Arc};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, ValueKind},
};

use thiserror::Error as ThisError;

use crate::locale::{Argument, Form, Locale, Locales, Text, Words, escape};

/// What is wrong with what a template says. It names messages and arguments, and holds no values.
#[derive(Debug, ThisError)]
#[error("{0}")]
pub(super) struct Unspeakable(pub(super) String);

/// Gives an environment the words of one language.
pub(super) fn teach(environment: &mut Environment<'static>, locales: &Arc<Locales>, locale: Locale) {
    environment.add_global("lang", locales.tag(locale));
    environment.add_global("dir", locales.direction(locale));
    let of = Arc::clone(locales);
    environment.add_function("t", move |state: &State<'_, '_>, what: Value, arguments: Kwargs| {
        say(of.words(locale), form_of(state), &what, &arguments)
    });
    let of = Arc::clone(locales);
    environment.add_function("time", move |at: Value| -> Result<Value, Error> {
        let said = spoken(of.words(locale), Form::Html, &at.get_attr("text")?)?;
        element_of_time(&at, &said)
    });
    environment.add_function("clock", |at: Value| -> Result<Value, Error> {
        let clock = at.get_attr("clock")?;
        element_of_time(&at, &format!("{} UTC", escape(word(&clock)?)))
    });
    environment.add_filter("strong", |value: Value| wrap("<strong>", &value, "</strong>"));
    environment.add_filter("origin", |value: Value| wrap("<span class=\"origin\">", &value, "</span>"));
}

fn form_of(state: &State<'_, '_>) -> Form {
    match state.auto_escape() {
        AutoEscape::None => Form::Plain,
        _ => Form::Html,
    }
}

/// `t("key", name=value)`, or `t(text)` for what was made in Rust.
fn say(words: &Words, form: Form, what: &Value, given: &Kwargs) -> Result<Value, Error> {
    let said = match what.as_str() {
        None => spoken(words, form, what)?,
        Some(key) => {
            let values = given.args().map(|name| Ok((name, given.get::<Value>(name)?)));
            let values = values.collect::<Result<Vec<_>, Error>>()?;
            let arguments = values.iter().map(|(name, value)| Ok((*name, argument(name, value)?)));
            let arguments = arguments.collect::<Result<Vec<_>, Error>>()?;
            words.say(form, key, &arguments).map_err(|unsaid| fault(unsaid.to_string()))?
        }
    };
    Ok(match form {
        Form::Html => Value::from_safe_string(said),
        Form::Plain => Value::from(said),
    })
}

/// A message that was made in Rust, in words.
fn spoken(words: &Words, form: Form, value: &Value) -> Result<String, Error> {
    let text = value.downcast_object_ref::<Text>();
    let text = text.ok_or_else(|| fault(format!("this is no message, but {}", value.kind())))?;
    words.say_text(form, text).map_err(|unsaid| fault(unsaid.to_string()))
}

fn argument<'a>(name: &str, value: &'a Value) -> Result<Argument<'a>, Error> {
    if let Some(text) = value.downcast_object_ref::<Text>() {
        return Ok(Argument::Text(text));
    }
    match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(word)) if value.is_safe() => Ok(Argument::Markup(Cow::Borrowed(word))),
        (ValueKind::String, Some(word)) => Ok(Argument::Word(Cow::Borrowed(word))),
        (ValueKind::Number, _) if value.as_i64().is_some() => Ok(Argument::Number(value.as_i64().unwrap_or_default())),
        (kind, _) => Err(fault(format!("argument {name} is {kind}, and neither text nor a whole number"))),
    }
}

fn word(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| fault(format!("this is no text, but {}", value.kind())))
}

fn element_of_time(at: &Value, said: &str) -> Result<Value, Error> {
    let iso = at.get_attr("iso")?;
    Ok(Value::from_safe_string(format!("<time datetime=\"{}\">{said}</time>", escape(word(&iso)?))))
}

/// An element around a text, which is escaped unless it is markup already.
fn wrap(open: &str, value: &Value, close: &str) -> Result<Value, Error> {
    let inside = word(value)?;
    let inside = if value.is_safe() { Cow::Borrowed(inside) } else { escape(inside) };
    Ok(Value::from_safe_string(format!("{open}{inside}{close}")))
}

fn fault(reason: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason.clone()).with_source(Unspeakable(reason))
}
