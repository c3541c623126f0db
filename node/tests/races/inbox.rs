//! The messages that a development server would have sent, as its inbox shows them.

use std::{collections::BTreeSet, thread, time::Duration};

use crate::{
    browser::Browser,
    http::{Gone, ORIGIN},
    person::Person,
    support::PATIENCE,
};

/// Between two looks: of several nodes each shows its own, and each request goes to another one.
const LOOK: Duration = Duration::from_millis(50);

/// Codes and links that a person was sent, each taken once.
#[derive(Debug, Default)]
pub(crate) struct Inbox(BTreeSet<String>);

impl Inbox {
    /// The next code to this address, once it is there.
    pub(crate) fn code(&mut self, person: &Person, address: &str) -> Result<String, Gone> {
        self.next(person, address, code)
    }

    /// The path of the next link to this address, once it is there.
    pub(crate) fn link(&mut self, person: &Person, address: &str) -> Result<String, Gone> {
        self.next(person, address, link)
    }

    fn next(
        &mut self,
        person: &Person,
        address: &str,
        wanted: impl Fn(&str) -> Option<String>,
    ) -> Result<String, Gone> {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            let page = Browser::new(person.browser.site).open("/dev/inbox")?;
            let letters = page.body.split("<section class=\"card\">").filter(|letter| letter.contains(address));
            let mut found = letters.filter_map(|letter| letter.lines().find_map(&wanted));
            if let Some(new) = found.find(|found| !self.0.contains(found)) {
                self.0.insert(new.clone());
                return Ok(new);
            }
            thread::sleep(LOOK);
        }
        panic!("no message to {address}");
    }
}

/// The code in a line: alone in a mail, after the name of the site in a text message.
fn code(line: &str) -> Option<String> {
    let code = match line.strip_prefix('@').and_then(|bound| bound.split_once(" #")) {
        Some((_, code)) => code.get(..6)?,
        None => line,
    };
    (code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())).then(|| code.to_owned())
}

/// The path of a link, which stands alone in its line.
fn link(line: &str) -> Option<String> {
    let line = line.replace("&#x2f;", "/");
    let path = line.strip_prefix(ORIGIN).filter(|path| path.contains("?token="))?;
    Some(path.to_owned())
}
