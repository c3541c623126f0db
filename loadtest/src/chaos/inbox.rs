//! What people of a run were sent, as the gateways wrote it down.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::gateway::Message;
use crate::http::Failure;

/// A message that has not come by then is not waited for: its sender may have been killed, and the code is worth little by the time
/// another node sends it.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// The file of messages.
#[derive(Debug)]
pub(super) struct Inbox {
    file: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// As far as the file was read.
    until: u64,
    texts: BTreeMap<String, Vec<String>>,
}

impl Inbox {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, seen: Mutex::default() }
    }

    /// The next code to this address or number that is not known yet, once it is there.
    pub(super) async fn code(&self, to: &str, known: &mut BTreeSet<String>) -> Result<String, Failure> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(code) = self.codes(to)?.into_iter().find(|code| !known.contains(code)) {
                known.insert(code.clone());
                return Ok(code);
            }
            tokio::time::sleep(LOOK).await;
        }
        Err(Failure::new("inbox: no message came"))
    }

    /// The path of the link that completes a sign-in, in the message with this code.
    pub(super) fn link_beside(&self, code: &str, to: &str) -> Option<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let text = seen.texts.get(to)?.iter().find(|text| text.lines().any(|line| line == code))?;
        text.lines().find_map(|line| line.find("/login/link?token=").map(|at| line[at..].to_owned()))
    }

    fn codes(&self, to: &str) -> Result<Vec<String>, Failure> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.read_on(&self.file).map_err(|error| Failure::new(format!("inbox: {error}")))?;
        let texts = seen.texts.get(to).into_iter().flatten();
        Ok(texts.filter_map(|text| text.lines().find_map(code)).map(str::to_owned).collect())
    }
}

impl Seen {
    fn read_on(&mut self, file: &PathBuf) -> std::io::Result<()> {
        let mut file = File::open(file)?;
        file.seek(SeekFrom::Start(self.until))?;
        let mut more = Vec::new();
        file.read_to_end(&mut more)?;
        // The last line may still be on its way.
        let whole = more.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in more[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Message { to, text } = serde_json::from_slice(line)?;
            self.texts.entry(to).or_default().push(text);
        }
        self.until += whole as u64;
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn codes_are_read_as_they_come_and_half_a_line_is_left_for_later() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let inbox = Inbox::new(file.path().to_owned());
        assert_eq!(inbox.codes("+49").unwrap(), [""; 0]);
        let first = br#"{"to":"+49","text":"123456 is it.\n\n@localhost #123456"}"#;
        file.write_all(&[first.as_slice(), b"\n{\"to\":\"a@b\""].concat()).unwrap();
        assert_eq!((inbox.codes("+49").unwrap(), inbox.codes("a@b").unwrap()), (vec!["123456".to_owned()], vec![]));
        file.write_all(b",\"text\":\"Hello,\\n\\n654321\\n\"}\n").unwrap();
        assert_eq!(inbox.codes("a@b").unwrap(), ["654321"]);
        assert_eq!(inbox.codes("+49").unwrap(), ["123456"]);
    }

    #[test]
    fn a_link_is_that_of_the_message_with_its_code() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let inbox = Inbox::new(file.path().to_owned());
        for (code, token) in [("123456", "one"), ("654321", "two")] {
            let text = format!("Hello,\n\n{code}\n\nOr:\n\nhttp://localhost:1/login/link?token={token}\n");
            writeln!(file, "{}", serde_json::json!({ "to": "a@b", "text": text })).unwrap();
        }
        assert_eq!(inbox.codes("a@b").unwrap().len(), 2);
        assert_eq!(inbox.link_beside("654321", "a@b").as_deref(), Some("/login/link?token=two"));
        assert_eq!(inbox.link_beside("654322", "a@b"), None);
    }
}
