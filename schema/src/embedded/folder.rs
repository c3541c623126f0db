//! The folder of an embedded store: made whole or not at all, of a known format, and held by one process.
//!
//! | entry | what |
//! |---|---|
//! | `lock` | held with `flock` while the store is open; its text is the holder's pid |
//! | `store/` | the database; made under `store.new/` and renamed when complete |
//! | `store/doorward-format` | the version of the layout |

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Seek as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{OpenError, Options, engine::Engine, journal};

/// The layout that this build reads and writes.
pub(super) const FORMAT: u32 = 1;

/// How often and how long to wait for a lock: a process that is just ending holds it for a moment, and so does one that
/// asks [`locked_by`].
const LOCK_ATTEMPTS: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Who holds a store's folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id in its own namespace, if the lock file could be read.
    pub pid: Option<u32>,
}

/// The process that has the store in `path` open, or `None` if nobody has or there is no store. For a command line that
/// must know whether a server runs here.
pub fn locked_by(path: &Path) -> std::io::Result<Option<Holder>> {
    let file = match File::open(path.join("lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder(file))),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The lock on a folder; ends when it is dropped.
pub(super) struct Lock {
    _file: File,
}

/// Makes the folder if it is not there and locks it.
pub(super) fn lock(path: &Path) -> Result<Lock, OpenError> {
    let failed = |source| OpenError::Folder { path: path.to_owned(), source };
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(path.join("lock")).map_err(failed)?;
    for attempt in 1..=LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).map_err(failed)?;
                file.write_all(std::process::id().to_string().as_bytes()).map_err(failed)?;
                return Ok(Lock { _file: file });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::WouldBlock) => {}
        }
    }
    Err(OpenError::Locked { path: path.to_owned(), holder: holder(file) })
}

/// Reads the pid from a lock file that somebody else holds.
fn holder(mut file: File) -> Holder {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    Holder { pid: read.ok().and_then(|_| text.trim().parse().ok()) }
}

/// Opens the database in a locked folder, making it first where there is none. Also says whether it was made.
pub(super) fn open_database(path: &Path, options: &Options) -> Result<(Engine, bool), OpenError> {
    let store = path.join("store");
    let failed = |source| OpenError::Folder { path: path.to_owned(), source };
    let fresh = !store.try_exists().map_err(failed)?;
    if fresh {
        create_database(path, &store, options)?;
    }
    check_format(&store)?;
    let engine = match Engine::open(&store, options) {
        Err(fjall::Error::JournalRecovery(torn)) if journal::cut_torn_end(&store).map_err(failed)? => {
            tracing::warn!(?torn, "the last write before a power cut was torn and not acknowledged; it was cut off");
            Engine::open(&store, options)
        }
        opened => opened,
    };
    Ok((engine.map_err(|error| OpenError::Database(error.to_string()))?, fresh))
}

/// A database that was begun and not finished cannot be opened, so it is made beside its place and renamed.
fn create_database(path: &Path, store: &Path, options: &Options) -> Result<(), OpenError> {
    let failed = |source| OpenError::Folder { path: path.to_owned(), source };
    let new = path.join("store.new");
    match std::fs::remove_dir_all(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let engine = Engine::open(&new, options).map_err(|error| OpenError::Database(error.to_string()))?;
    drop(engine);
    let mut format = File::create_new(format_file(&new)).map_err(failed)?;
    writeln!(format, "{FORMAT}").and_then(|()| format.sync_all()).map_err(failed)?;
    sync_folder(&new).and_then(|()| std::fs::rename(&new, store)).and_then(|()| sync_folder(path)).map_err(failed)
}

/// Refuses a layout that this build does not know.
fn check_format(store: &Path) -> Result<(), OpenError> {
    let file = format_file(store);
    let text = std::fs::read_to_string(&file).map_err(|source| OpenError::Folder { path: file.clone(), source })?;
    match text.trim().parse::<u32>() {
        Ok(FORMAT) => Ok(()),
        Ok(found) => Err(OpenError::Format { path: file, found: Some(found) }),
        Err(_) => Err(OpenError::Format { path: file, found: None }),
    }
}

fn format_file(store: &Path) -> PathBuf {
    store.join("doorward-format")
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}
