//! The messages that a development server would have sent, as its inbox shows them.

use std::{collections::BTreeSet, thread, time::Duration};

use crate::{browser::Browser, person::Person, support::PATIENCE};

/// Between two looks: of several nodes each shows its own, and each request goes to another one.
const LOOK: Duration = Duration::from_millis(50);

/// Codes that a person was sent, each taken once.
#[derive(Debug, Default)]
pub(crate) struct Inbox(BTreeSet<String>);

impl Inbox {
    /// The next code to this address, once it is there.
    pub(crate) fn code(&mut self, person: &Person, address: &str) -> String {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            let page = Browser::new(person.browser.site).open("/dev/inbox").expect("served");
            let letters = page.body.split("<section class=\"card\">").filter(|letter| letter.contains(address));
            let codes = letters.filter_map(|letter| letter.lines().find_map(code));
            let new = codes.map(str::to_owned).find(|code| !self.0.contains(code));
            if let Some(code) = new {
                self.0.insert(code.clone());
                return code;
            }
            thread::sleep(LOOK);
        }
        panic!("no message to {address}");
    }
}

/// The code in a line: alone in a mail, after the name of the site in a text message.
fn code(line: &str) -> Option<&str> {
    let code = match line.strip_prefix('@').and_then(|bound| bound.split_once(" #")) {
        Some((_, code)) => code.get(..6)?,
        None => line,
    };
    (code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}
