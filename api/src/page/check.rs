//! Whether templates and messages can be served with: everything is rendered in every language, with samples of every state.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Pages,
    environment::template_names,
    samples::{self, letters},
};
use crate::{
    locale::{Fault, UNSAID},
    mail::{Mail, Writer, short},
};
use actors::domain::letter::{Content, Letter};
use schema::record::Channel;

/// Blocks of a page that a form cannot do without.
const CSRF_FIELD: &str = "name=\"csrf\"";

/// What is wrong, in the order of the files; nothing if all is well. Text messages are judged for the site at this origin.
pub fn check(pages: &Arc<Pages>, origin: &str) -> Vec<Fault> {
    let mut faults = BTreeSet::new();
    let mut shown: BTreeSet<&'static str> = BTreeSet::from(["layout.html", "forms.html"]);
    let writer = Writer { pages: Arc::clone(pages), origin: origin.to_owned() };
    for locale in pages.locales().all() {
        let tag = pages.locales().tag(locale);
        for sample in samples::all(pages, locale) {
            shown.insert(sample.template);
            let reasons = match &sample.html {
                Ok(html) => page(html, sample.template),
                Err(error) => {
                    faults.insert(error.fault(&tag));
                    continue;
                }
            };
            let place = format!("in {tag}, as {}", sample.name);
            faults
                .extend(reasons.into_iter().map(|reason| Fault::whole(sample.template, format!("{place}: {reason}"))));
        }
        for (template, letter) in letters::letters(&tag) {
            shown.insert(template);
            match writer.write(&letter) {
                Ok(Some(mail)) => faults.extend(message(&mail, &letter, template, &tag, &writer.host())),
                Ok(None) => {}
                Err(error) => {
                    faults.insert(error.fault(&tag));
                }
            }
        }
    }
    faults.extend(
        template_names().filter(|name| !shown.contains(name)).map(|name| Fault::whole(name, "no sample shows it")),
    );
    faults.into_iter().collect()
}

/// What is wrong with a page.
fn page(html: &str, template: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    if html.contains(UNSAID) {
        reasons.push("a message is shown without t(…)".to_owned());
    }
    if html.contains("<script>") || html.contains(samples::HOSTILE) {
        reasons.push("what people type is shown unescaped".to_owned());
    }
    for form in html.split("<form").skip(1).filter_map(|rest| rest.split("</form").next()) {
        let action = form.split_once("action=\"").and_then(|(_, rest)| rest.split('"').next()).unwrap_or_default();
        let kept = form.contains(CSRF_FIELD) && form.contains(samples::CSRF);
        // The one form that is sent to an application has no value of ours.
        if !kept && template != "form_post.html" {
            reasons.push(format!(
                "the form to {action:?} has no hidden field csrf, and is refused; call form.csrf(chrome) in it"
            ));
        }
    }
    reasons
}

/// What a message cannot do without.
fn needed(letter: &Letter) -> Vec<&'static str> {
    match &letter.content {
        // A text message has no room for the link.
        Content::RecoveryBegun { .. } | Content::RecoveryDue { .. } if letter.channel == Channel::Sms => Vec::new(),
        Content::Notice { .. } | Content::Registered => Vec::new(),
        Content::AddressCode { .. } => vec![letters::CODE],
        Content::PasswordReset { .. }
        | Content::Registration { .. }
        | Content::RecoveryBegun { .. }
        | Content::RecoveryDue { .. } => vec![letters::TOKEN],
        Content::RecoveryCode { .. } => vec![letters::CODE, letters::TOKEN],
        Content::SignInCode { link, .. } | Content::ActivationCode { link, .. } => {
            let token = link.as_ref().map(|_| letters::TOKEN);
            [letters::CODE].into_iter().chain(token).collect()
        }
    }
}

/// What is wrong with a mail or a text message.
fn message(mail: &Mail, letter: &Letter, template: &str, tag: &str, host: &str) -> Vec<Fault> {
    let fault = |reason: String| Fault::whole(template, format!("in {tag}: {reason}"));
    let mut faults = Vec::new();
    if mail.text.contains(UNSAID) || mail.subject.as_ref().is_some_and(|subject| subject.contains(UNSAID)) {
        faults.push(fault("a message is shown without t(…)".to_owned()));
    }
    if needed(letter).into_iter().any(|needed| !mail.text.contains(needed)) {
        faults.push(fault("the code or the token that it is for is not in it".to_owned()));
    }
    match letter.channel {
        Channel::Email => {
            let subject = mail.subject.as_deref().map(str::trim);
            if subject.is_none_or(|subject| subject.is_empty() || subject.contains('\n')) {
                faults.push(fault("it must begin with one line, its subject, and a blank line after it".to_owned()));
            }
        }
        Channel::Sms => {
            let with_code = needed(letter).contains(&letters::CODE);
            if with_code && short::bound(&mail.text) != Some((host, letters::CODE)) {
                faults.push(fault("its last line must be @{{ host }} #{{ code }}".to_owned()));
            }
            let length = short::Length::of(&mail.text);
            if !length.is_one_message() {
                let reason = match length {
                    short::Length::Septets(septets) => format!("{septets} characters, and 160 fit into one message"),
                    short::Length::Units(units) => {
                        format!("{units} characters, and 70 fit into one message where one is outside of GSM-7")
                    }
                };
                faults.push(fault(reason).bearable());
            }
        }
    }
    faults
}
