//! What the nodes' logs say: whether a node was ready, why it ended, and which wrong passwords were looked at, which no answer
//! tells a stranger.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use super::{House, name};
use crate::chaos::history::RequestId;

/// The level at which they say all of it.
pub(super) const LEVEL: &str = "info,actors::sign_in=debug";
/// What a node writes into its log once it is ready.
const READY: &str = ": ready issuer=";
/// How a program begins to say why it ends.
const LAST_WORDS: &str = "doorward: ";

impl House {
    /// Did a node end because it found no store at its start, or was started while its clock was far off?
    pub(super) fn could_not_begin(&self, n: usize, status: ExitStatus) -> anyhow::Result<bool> {
        // No connection, a question that was not answered, or a write of the self-test whose answer did not come.
        const REASONS: [&str; 3] =
            ["cannot connect to", "the store is unavailable", "the outcome of the commit is unknown"];
        // The last words of a program may take several lines.
        let last = self.last_lines(n, 10)?;
        let last = last.rfind(LAST_WORDS).map_or("", |from| &last[from..]);
        let clock = self.options.faketime.is_some() && last.contains("this machine's clock is");
        let said = status.code() == Some(1) && (clock || REASONS.iter().any(|reason| last.contains(reason)));
        Ok(said && !self.was_ready(n)?)
    }

    /// Has this start of the node been ready?
    pub(super) fn was_ready(&self, n: usize) -> anyhow::Result<bool> {
        let log = std::fs::read(self.log(n))?;
        let since = String::from_utf8_lossy(log.get(self.nodes[n].log_from..).unwrap_or_default()).into_owned();
        Ok(since.lines().any(|line| line.contains(READY)))
    }

    pub(super) fn last_lines(&self, n: usize, count: usize) -> anyhow::Result<String> {
        let log = std::fs::read_to_string(self.log(n))?;
        let lines: Vec<_> = log.lines().rev().take(count).collect();
        Ok(lines.into_iter().rev().collect::<Vec<_>>().join("\n"))
    }

    /// Which refused passwords were looked at, by the logs of all nodes.
    pub(in crate::chaos) fn passwords_looked_at(&self) -> anyhow::Result<BTreeMap<RequestId, bool>> {
        let mut all = BTreeMap::new();
        for n in 0..self.nodes.len() {
            all.extend(passwords_looked_at(&String::from_utf8_lossy(&std::fs::read(self.log(n))?)));
        }
        Ok(all)
    }

    /// Keeps the logs of all nodes in this folder.
    pub(in crate::chaos) fn keep_logs(&self, to: &Path) -> anyhow::Result<()> {
        std::fs::create_dir_all(to)?;
        for n in 0..self.nodes.len() {
            std::fs::copy(self.log(n), to.join(format!("{}.log", name(n))))?;
        }
        Ok(())
    }

    pub(super) fn log(&self, n: usize) -> PathBuf {
        self.folder.path().join(format!("{}.log", name(n)))
    }
}

/// Each refused password by its request: was it looked at?
fn passwords_looked_at(log: &str) -> impl Iterator<Item = (RequestId, bool)> + '_ {
    log.lines().filter_map(|line| {
        let (span, event) = line.split_once("actors::sign_in: password refused reason=\"")?;
        let (_, id) = span.split_once("request{id=\"")?;
        let id = RequestId::parse(id.split('"').next()?)?;
        let looked_at = match event.split('"').next()? {
            "wrong" => true,
            "throttled" | "suspended" => false,
            // Nothing that somebody with a password is refused for.
            _ => return None,
        };
        Some((id, looked_at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"2026-12-01T13:44:48.1Z  INFO node::serve: ready issuer="http://localhost:18080" address=127.0.0.1:18080
2026-12-01T13:45:01.2Z DEBUG request{id="2ccc591b518efcef" trace_id="a46f" method="POST" endpoint="/login"}: actors::sign_in: password refused reason="wrong"
2026-12-01T13:45:01.7Z DEBUG request{id="aa50713be496160f" trace_id="74af" method="POST" endpoint="/login"}: actors::sign_in: password refused reason="throttled"
2026-12-01T13:45:01.9Z DEBUG request{id="aa50713be496160f" trace_id="74af" method="POST" endpoint="/login"}: api::layer: answered
2026-12-01T13:45:01.9Z DEBUG request{id="04" trace_id="74af" method="POST" endpoint="/login"}: actors::sign_in: password refused reason="nobody"
2026-12-01T13:45:02.0Z DEBUG request{id="03" tra"#;

    #[test]
    fn a_refused_password_is_told_by_its_request() {
        let told = [(RequestId(0x2ccc_591b_518e_fcef), true), (RequestId(0xaa50_713b_e496_160f), false)];
        assert_eq!(passwords_looked_at(LOG).collect::<Vec<_>>(), told);
    }
}
