//! What was sent: every message, in the order of its sending, and what tests look for in it.

use std::sync::Arc;

use actors::{
    domain::letter::Letter,
    notifier::{Carrier, NotCarried},
};
use api::mail::{Inbox, Mail, Writer};
use async_trait::async_trait;
use parking_lot::Mutex;
use schema::record::Channel;

use super::TestApp;

/// So often the other tasks have their turn before a message is given up: it is sent after the answer, beside the request that
/// caused it.
const ATTEMPTS: usize = 10_000_000;

/// Takes messages to the inbox, and keeps all of them; the inbox forgets the oldest.
pub(super) struct Post {
    inbox: Arc<Inbox>,
    writer: Writer,
    sent: Mutex<Vec<Mail>>,
}

impl Post {
    pub(super) fn new(inbox: Arc<Inbox>, writer: Writer) -> Self {
        Self { inbox, writer, sent: Mutex::default() }
    }
}

#[async_trait]
impl Carrier for Post {
    fn name(&self) -> &str {
        self.inbox.name()
    }

    fn carries(&self, channel: Channel) -> bool {
        self.inbox.carries(channel)
    }

    async fn carry(&self, letter: &Letter) -> Result<(), NotCarried> {
        self.inbox.carry(letter).await?;
        self.sent.lock().push(self.writer.letter(letter)?);
        Ok(())
    }
}

/// The code in a message: in mail on a line of its own, in a text message bound to this site by the last line.
fn code(letter: &Mail) -> Option<String> {
    let lines = letter.text.lines().map(|line| line.rsplit('#').next().unwrap_or(line));
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    lines.into_iter().find(digits).map(str::to_owned)
}

impl TestApp {
    /// How many messages were sent.
    pub(crate) fn sent(&self) -> usize {
        self.post.sent.lock().len()
    }

    /// The first thing that is found in one of the messages after the first `before`. Fails if none comes that has it.
    async fn found<T>(&self, before: usize, what: &str, look: impl Fn(&Mail) -> Option<T>) -> T {
        for _ in 0..ATTEMPTS {
            let found = self.post.sent.lock().iter().skip(before).find_map(&look);
            if let Some(found) = found {
                return found;
            }
            tokio::task::yield_now().await;
        }
        panic!("{what} did not come; {} messages were sent, {before} of them before", self.sent())
    }

    /// Message number `n`, counted from 1, once it was sent.
    pub(crate) async fn letter(&self, n: usize) -> Mail {
        self.found(n - 1, &format!("message number {n}"), |letter| Some(letter.clone())).await
    }

    /// The code in message number `n`.
    pub(crate) async fn mailed_code(&self, n: usize) -> String {
        let letter = self.letter(n).await;
        let code = letter.text.lines().find(|line| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit()));
        code.expect("a code on a line of its own").to_owned()
    }

    /// Where the link in message number `n` leads, within this site.
    pub(crate) async fn mailed_link(&self, n: usize) -> String {
        let letter = self.letter(n).await;
        self.link_in(&letter, "").unwrap_or_else(|| panic!("a link on a line of its own: {}", *letter.text))
    }

    fn link_in(&self, letter: &Mail, path: &str) -> Option<String> {
        let begin = format!("{}{path}", self.issuer.origin().ascii_serialization());
        let mut lines = letter.text.lines();
        let line = lines.find(|line| line.strip_prefix(&begin).is_some_and(|rest| rest.contains("token=")))?;
        Some(format!("{path}{}", &line[begin.len()..]))
    }

    /// The code in message number `n`, a text message.
    pub(crate) async fn texted_code(&self, n: usize) -> String {
        let letter = self.letter(n).await;
        let code = letter.text.lines().last().and_then(|line| line.split_once(" #")).map(|(_, code)| code.to_owned());
        code.expect("a last line that binds a code to this site")
    }

    /// The first code that was sent in a message after the first `before`, by whichever way.
    pub(crate) async fn code_after(&self, before: usize) -> String {
        self.found(before, "a message with a code", code).await
    }

    /// Where the first link to this path leads that was sent in a message after the first `before`.
    pub(crate) async fn link_after(&self, before: usize, path: &str) -> String {
        self.found(before, &format!("a message with a link to {path}"), |letter| self.link_in(letter, path)).await
    }
}
