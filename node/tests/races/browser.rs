//! A browser: cookies, forms with their hidden fields, redirects within the origin.

use std::{collections::BTreeMap, net::SocketAddr};

use url::form_urlencoded;

use crate::http::{Answer, Gone, ORIGIN, Request};

/// Redirects of one step, at most.
const REDIRECTS: usize = 8;

/// One person's browser.
#[derive(Clone, Debug)]
pub(crate) struct Browser {
    pub(crate) site: SocketAddr,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// One that was never here.
    pub(crate) fn new(site: SocketAddr) -> Self {
        Self { site, cookies: BTreeMap::new() }
    }

    /// Opens a path and follows redirects; the last answer may lead to another origin.
    pub(crate) fn open(&mut self, path: &str) -> Result<Answer, Gone> {
        let answer = self.request(path, None).served(self.site)?;
        self.follow(answer)
    }

    /// Sends a form of a page and follows redirects.
    #[track_caller]
    pub(crate) fn submit(&mut self, page: &Answer, action: &str, fields: &[(&str, &str)]) -> Result<Answer, Gone> {
        let answer = self.fill(page, action, fields).served(self.site)?;
        self.follow(answer)
    }

    /// The request that sending a form makes: the first whose action begins with `action` and has no segment more.
    #[track_caller]
    pub(crate) fn fill(&self, page: &Answer, action: &str, fields: &[(&str, &str)]) -> Request {
        let (action, hidden) = form(&page.body, action).unwrap_or_else(|| panic!("no form for {action} on {page}"));
        // A script may have filled in a hidden field.
        let left = hidden.iter().filter(|(name, _)| fields.iter().all(|(filled, _)| filled != name));
        let hidden = left.map(|(name, value)| (name.as_str(), value.as_str()));
        self.request(&action, Some(&encoded(hidden.chain(fields.iter().copied()))))
    }

    /// A request with the cookies that it has.
    pub(crate) fn request(&self, path: &str, form: Option<&str>) -> Request {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = vec![("Accept", "text/html"), ("Origin", ORIGIN), ("Cookie", &cookies)];
        headers.retain(|(_, value)| !value.is_empty());
        Request::new(path, &headers, form)
    }

    /// Takes the cookies of an answer and goes where it leads.
    pub(crate) fn follow(&mut self, mut answer: Answer) -> Result<Answer, Gone> {
        for _ in 0..REDIRECTS {
            self.keep(&answer);
            let Some(location) = answer.location() else { return Ok(answer) };
            let path = location.strip_prefix(ORIGIN).unwrap_or(location);
            if !path.starts_with('/') {
                return Ok(answer);
            }
            answer = self.request(path, None).served(self.site)?;
        }
        panic!("more than {REDIRECTS} redirects, the last to {:?}", answer.location());
    }

    /// Keeps the cookies of an answer.
    pub(crate) fn keep(&mut self, answer: &Answer) {
        for line in answer.headers("set-cookie") {
            let mut parts = line.split(';').map(str::trim);
            let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            if parts.any(|part| part.eq_ignore_ascii_case("max-age=0")) {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// Fields as a form or a query sends them.
pub(crate) fn encoded<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// The action and the hidden fields of a form; `*` in the wanted action stands for one segment.
fn form(page: &str, wanted: &str) -> Option<(String, Vec<(String, String)>)> {
    page.split("<form").skip(1).find_map(|rest| {
        let (head, body) = rest.split_once('>')?;
        let action = attribute(head, "action")?;
        let same = action.split('/').count() == wanted.split('/').count();
        let fits = action.split('/').zip(wanted.split('/')).all(|(is, wanted)| wanted == "*" || is == wanted);
        let inputs = body.split("</form>").next()?.split("<input").skip(1).filter_map(|rest| rest.split('>').next());
        let hidden = inputs.filter(|input| attribute(input, "type").as_deref() == Some("hidden"));
        let hidden = hidden.filter_map(|input| Some((attribute(input, "name")?, attribute(input, "value")?)));
        (same && fits).then(|| (action, hidden.collect()))
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
    Some(value.replace("&#x2f;", "/").replace("&amp;", "&"))
}
