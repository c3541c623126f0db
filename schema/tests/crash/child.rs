//! The process that writes until it ends, one way or another, and says what was acknowledged.
//!
//! Each of its writers owns one partition and one series of events, and writes one after the other, so that at most one
//! write of each is under way. Lines on standard output:
//!
//! | line | meaning |
//! |---|---|
//! | `open`, `refused` | the store was opened, or not |
//! | `commit W N`, `event W N` | the Nth commit or event of writer W was acknowledged |
//! | `unknown W N`, `unavailable W N` | it was not, in these words of the store |
//! | `stopped` | after a failure the store refused everything, as it must |

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use schema::{
    Body, Commit, Event, PartitionKey, Put, Store, StoreError, Stream,
    contract::{NOW, json, user, write},
    embedded::{EmbeddedStore, Options},
};

/// Names of the variables that tell the child what to do.
const FOLDER: &str = "STORE_CRASH_FOLDER";
const BODY: &str = "STORE_CRASH_BODY";
const LAST: &str = "STORE_CRASH_LAST";

/// How many writers there are.
pub(crate) const WRITERS: u64 = 8;

/// The items that every commit writes, with the same number.
pub(crate) const ITEMS: [&str; 3] = ["a", "b", "c"];

/// What a child is to do.
pub(crate) struct Task {
    /// How many bytes an item has.
    pub(crate) body: usize,
    /// With which number each writer ends by itself.
    pub(crate) last: u64,
}

/// Small memory tables, so that flushes and compactions happen all the time.
pub(crate) fn options() -> Options {
    Options { memtable_bytes: 128 * 1024, ..Options::default() }
}

/// The partition of a writer.
pub(crate) fn partition(writer: u64) -> PartitionKey {
    user(&format!("writer-{writer}"))
}

/// The number of a writer's operation, as its outcome says it.
pub(crate) fn operation(writer: u64, number: u64) -> u64 {
    writer << 32 | number
}

/// What the first lines of a child's life are, read as they come.
pub(crate) struct Running {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a child on `folder`; `change` may add to its environment.
    pub(crate) fn start(folder: &Path, task: &Task, change: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
        command
            .args(["child::writes_until_it_ends", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder)
            .env(BODY, task.body.to_string())
            .env(LAST, task.last.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        change(&mut command);
        let mut process = command.spawn().expect("the test starts itself");
        let lines = BufReader::new(process.stdout.take().expect("a pipe"));
        Self { process, lines }
    }

    /// The next whole line; `None` at the end. A line cut short by the end of the process is no line.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("readable");
        line.ends_with('\n').then(|| line.trim().to_owned())
    }

    /// Kills the process, as a power switch would, and returns what it still had to say.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.process.kill().expect("it is ours to kill");
        self.rest()
    }

    /// Waits for its end.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let lines = std::iter::from_fn(|| self.line()).collect();
        self.process.wait().expect("it ends");
        lines
    }
}

#[test]
#[ignore = "this is the process that the other tests start and kill"]
fn writes_until_it_ends() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok()).expect("a number");
    let (body, last) = (number(BODY), number(LAST));
    // Ends the line that the test harness has begun.
    println!();
    let store = match EmbeddedStore::open(Path::new(&folder), &options()) {
        Ok(store) => Arc::new(store),
        Err(error) => return println!("refused {error}"),
    };
    println!("open");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    runtime.block_on(async {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..WRITERS {
            let store = Arc::clone(&store);
            let body = usize::try_from(body).expect("small");
            writers.spawn(async move { write_series(&*store, writer, body, last).await });
        }
        let failed = writers.join_all().await.contains(&false);
        let stopped = store.ping().await.is_err() && store.load(&partition(0), &[]).await.is_err();
        let refuses =
            matches!(store.commit(write(&partition(99), None, 0, vec![])).await, Err(StoreError::Unavailable(_)));
        if failed && stopped && refuses {
            println!("stopped");
        }
    });
}

/// Writes commits and events with rising numbers; `false` if one failed.
async fn write_series(store: &dyn Store, writer: u64, body: usize, last: u64) -> bool {
    let key = partition(writer);
    let Ok(found) = store.load(&key, &[]).await else { return false };
    let mut revision = found.revision;
    let before = found.operations.last().map_or("0", |newest| newest.outcome.get());
    let before = before.trim_start_matches("{\"number\":").trim_end_matches('}').parse::<u64>().expect("a number");
    let before = before & 0xffff_ffff;
    // The event of the last commit may be missing, or be there already: appending it again changes nothing.
    if before > 0 && !append(store, writer, before).await {
        return false;
    }
    for number in before + 1..=last {
        let puts = ITEMS.map(|item| Put { key: item.into(), body: padded(number, body) });
        let mut change = write(&key, revision, operation(writer, number), puts.into());
        change.note_dirty = true;
        match store.commit(change).await {
            Ok(Commit::Committed(made)) => revision = Some(made),
            Ok(Commit::Conflict) => panic!("nobody else writes here"),
            Err(error) => return report(&error, writer, number),
        }
        println!("commit {writer} {number}");
        if !append(store, writer, number).await {
            return false;
        }
    }
    true
}

async fn append(store: &dyn Store, writer: u64, number: u64) -> bool {
    let event = Event { at: NOW, id: format!("{writer}/{number:06}").into(), json: json("{}") };
    match store.append(Stream::Audit, vec![event]).await {
        Ok(()) => println!("event {writer} {number}"),
        Err(error) => return report(&error, writer, number),
    }
    true
}

fn report(error: &StoreError, writer: u64, number: u64) -> bool {
    let word = if matches!(error, StoreError::Unknown(_)) { "unknown" } else { "unavailable" };
    println!("{word} {writer} {number}");
    false
}

fn padded(number: u64, bytes: usize) -> Body {
    let pad = "x".repeat(bytes);
    Body { json: json(&format!(r#"{{"value":{number},"pad":"{pad}"}}"#)), expires_at: None }
}
