//! What must be found in a folder, judged by what was acknowledged.

use std::{collections::BTreeMap, path::Path};

use schema::{Cursor, Event, Store as _, Stream, contract::whole, embedded::EmbeddedStore};

use crate::child::{ITEMS, WRITERS, operation, options, partition};

/// The last acknowledged commit and event of each writer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acknowledged {
    commits: BTreeMap<u64, u64>,
    events: BTreeMap<u64, u64>,
}

impl Acknowledged {
    /// Takes note of a child's line; `true` if it acknowledged something.
    pub(crate) fn note(&mut self, line: &str) -> bool {
        let mut words = line.split(' ');
        let series = match words.next() {
            Some("commit") => &mut self.commits,
            Some("event") => &mut self.events,
            _ => return false,
        };
        let mut number = || words.next().and_then(|word| word.parse().ok()).expect("a number");
        series.insert(number(), number());
        true
    }

    /// Takes note of all that a child had to say.
    pub(crate) fn note_all(&mut self, lines: &[String]) {
        for line in lines {
            self.note(line);
        }
    }

    /// How much was acknowledged in all.
    pub(crate) fn total(&self) -> u64 {
        self.commits.values().chain(self.events.values()).sum()
    }

    /// Opens the folder and compares. What is found there counts as acknowledged from then on: it must never go again.
    /// `lost` is how many of the last commits of a writer may be missing, because the test cut them off.
    pub(crate) async fn verify(&mut self, folder: &Path, lost: u64) {
        let store = EmbeddedStore::open(folder, &options()).expect("the store opens after whatever happened");
        for writer in 0..WRITERS {
            let acknowledged = self.commits.get(&writer).copied().unwrap_or(0);
            let found = found_commit(&store, writer).await;
            assert!(
                (acknowledged.saturating_sub(lost)..=acknowledged + 1).contains(&found),
                "writer {writer}: {acknowledged} were acknowledged, {found} are there"
            );
            self.commits.insert(writer, found);
        }
        let events = store.read(Stream::Audit, &Cursor::default(), usize::MAX).await.expect("works");
        for writer in 0..WRITERS {
            let acknowledged = self.events.get(&writer).copied().unwrap_or(0);
            let found = found_events(&events, writer);
            assert!(
                (acknowledged.saturating_sub(lost)..=acknowledged + 1).contains(&found),
                "writer {writer}: {acknowledged} events were acknowledged, {found} are there"
            );
            self.events.insert(writer, found);
        }
        store.ping().await.expect("the store works");
    }
}

/// The number of the last commit of a writer, after checking that it is there whole.
async fn found_commit(store: &EmbeddedStore, writer: u64) -> u64 {
    let found = whole(store, &partition(writer)).await;
    let Some(revision) = found.revision else {
        assert!(found.items.is_empty() && found.operations.is_empty(), "writer {writer}: half of a first commit");
        return 0;
    };
    let newest = found.operations.last().expect("a revision was made by an operation");
    assert_eq!(newest.revision, revision, "writer {writer}");
    assert!(found.operations.windows(2).all(|pair| pair[0].revision.next() == pair[1].revision), "writer {writer}");
    let value = |text: &str| -> u64 {
        let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
        digits[..digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len())].parse().expect("a number")
    };
    let numbers: Vec<u64> = ITEMS.iter().map(|item| value(found.items[*item].json.get())).collect();
    assert!(numbers.iter().all(|number| *number == numbers[0]), "writer {writer}: half of a commit: {numbers:?}");
    assert_eq!(value(newest.outcome.get()), operation(writer, numbers[0]), "writer {writer}: ring and items differ");
    let notes = store.read(Stream::Dirty, &Cursor::default(), usize::MAX).await.expect("works");
    assert!(
        notes.iter().any(|note| *note.id == *partition(writer).to_string()),
        "writer {writer}: the note is missing"
    );
    numbers[0]
}

/// The number of the last event of a writer, after checking that none before it is missing.
fn found_events(events: &[Event], writer: u64) -> u64 {
    let prefix = format!("{writer}/");
    let numbers = events.iter().filter_map(|event| event.id.strip_prefix(&prefix)?.parse::<u64>().ok());
    let mut last = 0;
    for number in numbers {
        assert_eq!(number, last + 1, "writer {writer}: an event is missing");
        last = number;
    }
    last
}
