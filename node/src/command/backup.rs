//! `doorward backup …`
//!
//! A backup is written by the command and with its rights, whoever reads the store: a running server sends the bytes over
//! the command socket, so no path and no file of the command is anything to it (HAZARDS H20).

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    io::{BufReader, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use actors::{
    clock::{Clock as _, SystemClock},
    domain::restore::{Ended, Terms},
    entropy::{Entropy, SystemEntropy},
    restored::{self, Tools},
    vault::{MasterKeys, Vault},
};
use anyhow::{Context as _, bail, ensure};
use indicatif::ProgressBar;
use rustix::process::geteuid;
use schema::{
    Body, Event, Kind, Partition, PartitionKey, Store as _, Stream,
    embedded::{EmbeddedStore, Frozen, Options},
    export::{
        Contents, Entry, Importer, Tally,
        file::{Head, Reader},
        pack::{Packing, Piece},
    },
    record::{ActiveKey, AuditEvent, Canary, Record as _, Unknown},
};

use super::progress;
use crate::{
    cli::{BackupRestore, BackupVerb},
    config::{Config, secrets::read_secret, store::StoreUrl},
    data_folder::{DataFolder, KEY_FILE, RESTORING, parse_ring},
    print, socket, telemetry,
};

/// What a server is asked for.
pub(crate) const QUESTION: &[u8] = b"\"backup\"";
/// Entries put in at once.
const BATCH: usize = 64;

/// Runs a verb.
pub(super) fn run(verb: BackupVerb, config: &Config) -> anyhow::Result<()> {
    telemetry::install_command_logs()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match verb {
        BackupVerb::Create { out } => runtime.block_on(create(&out, config)),
        BackupVerb::Verify { file, keys } => verify(&file, keys.as_deref()),
        BackupVerb::Restore(restore) => runtime.block_on(Box::pin(restored_from(&restore))),
    }
}

/// A backup as a running server hands it out: each piece is the count of entries done, then the bytes.
pub(crate) struct Frames(pub(crate) Packing<Frozen>);

impl socket::Pieces for Frames {
    fn next(&mut self) -> socket::NextPiece<'_> {
        Box::pin(async {
            let piece = self.0.piece().await.inspect_err(|error| tracing::error!(%error, "a backup failed"))?;
            Ok(piece.map(|piece| [&piece.done.to_be_bytes()[..], &piece.bytes].concat()))
        })
    }
}

/// Where the pieces come from.
enum Pieces {
    Server(socket::Incoming),
    Here(Box<Packing<Frozen>>),
}

impl Pieces {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let StoreUrl::Embedded(path) = &config.store.url else {
            bail!(
                "this store is a cluster's: back it up with snapshots of its keyspace, as docs/operating.md says, and \
                 run `doorward store restored` after putting one back"
            );
        };
        ensure!(path.join("store").exists(), "there is no store in {}", path.display());
        let folder = DataFolder::open(path)?;
        if socket::is_served(&folder).await? {
            return Ok(Self::Server(socket::ask_for_pieces(&folder, QUESTION).await?));
        }
        let store = EmbeddedStore::open(path, &Options::default())?;
        Ok(Self::Here(Box::new(packing(&store, geteuid().as_raw()).await?)))
    }

    async fn next(&mut self) -> anyhow::Result<Option<Piece>> {
        match self {
            Self::Here(packing) => Ok(packing.piece().await?),
            Self::Server(incoming) => {
                let Some(frame) = incoming.next().await? else { return Ok(None) };
                let (done, bytes) = frame.split_first_chunk().context("the server's answer is not understood")?;
                Ok(Some(Piece { done: u64::from_be_bytes(*done), bytes: bytes.to_vec() }))
            }
        }
    }
}

/// Begins a backup of the store as it is now, for this uid. The audit log is told first: whoever has a backup has
/// everything that is not sealed.
pub(crate) async fn packing(store: &EmbeddedStore, uid: u32) -> anyhow::Result<Packing<Frozen>> {
    // Before anything is written: a store that was moved must not change any more.
    schema::standing::check(store).await?;
    let at = SystemClock::new().now();
    let event = AuditEvent {
        kind: "store.backed_up".to_owned(),
        at,
        user: None,
        actor: format!("operator uid {uid}"),
        address: None,
        facts: BTreeMap::new(),
        unknown: Unknown::default(),
    };
    let random: [u8; 16] = (&SystemEntropy as &dyn Entropy).array();
    let id = format!("store/backed-up/{}", data_encoding::HEXLOWER.encode(&random));
    store.append(Stream::Audit, vec![Event { at, id: id.into(), json: event.encode()? }]).await?;
    let frozen = store.frozen()?;
    let entries = frozen.count()?;
    Ok(Packing::begin(frozen, env!("CARGO_PKG_VERSION"), entries, SystemClock::new().now()).await?)
}

async fn create(out: &Path, config: &Config) -> anyhow::Result<()> {
    ensure!(!out.try_exists()?, "{} exists already; name another file", out.display());
    let mut pieces = Pieces::open(config).await?;
    let new = beside(out);
    let written = write(&mut pieces, &new).await;
    let read = written.and_then(|()| check(&new, "checking").with_context(|| format!("{} was written", new.display())));
    let done = read.and_then(|read| {
        // Never over another file that came meanwhile.
        fs::hard_link(&new, out).with_context(|| format!("cannot make {}", out.display()))?;
        File::open(out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
            .sync_all()?;
        Ok(read)
    });
    let _ = fs::remove_file(&new);
    let (head, tally) = done?;
    print::text(&format!("{}\n", out.display()))?;
    print::text(&contents(&head, &tally))?;
    print::text(
        "The master key ring is not in it. Without the ring this backup is worth nothing; keep a copy elsewhere.\n",
    )
}

/// The file while it is written.
fn beside(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    out.with_file_name(name)
}

async fn write(pieces: &mut Pieces, new: &Path) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(new);
    let mut file = file.with_context(|| format!("cannot make {}", new.display()))?;
    let mut bar: Option<ProgressBar> = None;
    while let Some(piece) = pieces.next().await? {
        if bar.is_none() {
            bar = Some(progress::bar(Reader::new(&piece.bytes[..])?.head().entries, "backing up"));
        }
        if let Some(bar) = &bar {
            bar.set_position(piece.done);
        }
        file.write_all(&piece.bytes).with_context(|| format!("cannot write {}", new.display()))?;
    }
    let bar = bar.context("the server could not begin a backup; its log says why")?;
    bar.finish_and_clear();
    file.sync_all().with_context(|| format!("cannot write {}", new.display()))
}

fn open(file: &Path) -> anyhow::Result<Reader<BufReader<File>>> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    Reader::new(BufReader::new(opened)).with_context(|| file.display().to_string())
}

/// Reads it to its end.
fn check(file: &Path, what: &'static str) -> anyhow::Result<(Head, Tally)> {
    read(file, what, |_| {})
}

fn read(file: &Path, what: &'static str, mut look: impl FnMut(&Entry)) -> anyhow::Result<(Head, Tally)> {
    let mut reader = open(file)?;
    let bar = progress::bar(reader.head().entries, what);
    while let Some(entry) = reader.entry().with_context(|| file.display().to_string())? {
        bar.inc(1);
        look(&entry);
    }
    bar.finish_and_clear();
    Ok((reader.head().clone(), reader.tally().clone()))
}

fn contents(head: &Head, tally: &Tally) -> String {
    let facts = print::facts(&[
        ("written by", format!("doorward {}", print::harmless(&head.program))),
        ("shows", print::moment(head.created_at)),
        ("incarnation", print::harmless(&head.incarnation)),
    ]);
    let row = |(name, count): (&String, &schema::export::Count)| {
        vec![print::harmless(name), count.entries.to_string(), count.items.to_string()]
    };
    facts + &print::columns(&["KIND", "ENTRIES", "ITEMS"], &tally.0.iter().map(row).collect::<Vec<_>>())
}

fn verify(file: &Path, keys: Option<&Path>) -> anyhow::Result<()> {
    let mut ring = None;
    let (head, tally) = read(file, "reading", |entry| {
        if let Entry::Partition(contents) = entry
            && (contents.kind, &*contents.id) == (Kind::Keyring, "data")
        {
            ring = Some(contents.clone());
        }
    })?;
    if let Some(path) = keys {
        let text = read_secret(path).map_err(anyhow::Error::msg)?;
        let text = parse_ring(&text, &path.display())?;
        opens(&text, ring.context("the backup is of a store that has no master keys yet")?)?;
    }
    print::text(&contents(&head, &tally))?;
    print::text(if keys.is_some() { "whole, and the key ring opens it\n" } else { "whole\n" })
}

/// Does the ring open the canaries?
fn opens(keys: &MasterKeys, contents: Contents) -> anyhow::Result<()> {
    let key = PartitionKey { kind: contents.kind, id: contents.id };
    let items = contents.items.into_iter().map(|(key, text)| (key, Body::from(text))).collect();
    let partition = Partition { items, ..Partition::default() };
    let active: ActiveKey = partition.get(&key, "active")?.context("the backup names no active master key")?;
    let vault = Vault::new(keys, active.key, &active.incarnation)?;
    for (_, canary) in partition.list::<Canary>(&key, "canary/")? {
        let opened = vault.check_canary(&canary.key, &canary.sealed);
        opened.with_context(|| format!("master key {} of this ring does not open the backup", canary.key))?;
    }
    Ok(())
}

async fn restored_from(restore: &BackupRestore) -> anyhow::Result<()> {
    let StoreUrl::Embedded(path) = &restore.to else {
        bail!("a backup becomes an embedded store; from there, `doorward store copy` moves it to {}", restore.to);
    };
    let Some(new) = make_room(path)? else {
        return print::text(&format!(
            "{} holds the store that a restore, cut short at its very end, has made; that is finished now\n",
            path.display()
        ));
    };
    // Everything is read before anything is made of it.
    let (head, _) = check(&restore.file, "checking")?;
    let terms = Terms { at: SystemClock::new().now(), passwords: restore.require_password_reset };
    let store = EmbeddedStore::open(&new, &Options::default())?;
    restored::begin(&store, terms).await?;
    fill(&store, &restore.file, terms).await?;
    let bar = progress::bar(0, "ending what was under way");
    let tools = Tools { store: &store, entropy: &SystemEntropy, progress: &|done| bar.set_position(done) };
    let ended = restored::finish(tools, terms).await?;
    bar.finish_and_clear();
    store.close();
    fs::rename(new.join("store"), path.join("store")).with_context(|| format!("cannot make {}", path.display()))?;
    tidy_up(path, &new)?;
    print::text(&format!("{} holds the store as of {}\n", path.display(), print::moment(head.created_at)))?;
    print::text(&told(&ended, restore.require_password_reset))?;
    if !path.join(KEY_FILE).exists() {
        print::text("Put the master key ring that belongs to it in place before you start the server.\n")?;
    }
    Ok(())
}

/// What remains once the store is in its place.
fn tidy_up(path: &Path, new: &Path) -> anyhow::Result<()> {
    File::open(path)?.sync_all()?;
    Ok(fs::remove_dir_all(new)?)
}

/// An empty folder with a place to build in. What a restore left that was cut short is removed; one that had put its store
/// in place already is finished, and there is nothing to build.
fn make_room(path: &Path) -> anyhow::Result<Option<PathBuf>> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("cannot make {}", path.display()))?;
    let new = path.join(RESTORING);
    ensure!(schema::embedded::locked_by(&new)?.is_none(), "another restore into {} is running", path.display());
    // A restore begins where no store is, and moves its own there when that is whole.
    let moved = new.exists() && !new.join("store").exists() && path.join("store").exists();
    let ours = |name: &OsStr| name == RESTORING || name == KEY_FILE || (moved && name == "store");
    for entry in fs::read_dir(path)? {
        ensure!(ours(&entry?.file_name()), "{} is not empty; name an empty folder", path.display());
    }
    if moved {
        tidy_up(path, &new)?;
        return Ok(None);
    }
    match fs::remove_dir_all(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error)?,
        _ => Ok(Some(new)),
    }
}

async fn fill(store: &EmbeddedStore, file: &Path, terms: Terms) -> anyhow::Result<()> {
    let mut reader = open(file)?;
    let bar = progress::bar(reader.head().entries, "restoring");
    let importer = Importer::new(store, (&SystemEntropy as &dyn Entropy).array(), terms.at);
    let mut batch = Vec::new();
    while let Some(entry) = reader.entry()? {
        batch.push(entry);
        if batch.len() == BATCH {
            bar.inc(batch.len() as u64);
            importer.put(std::mem::take(&mut batch)).await?;
        }
    }
    importer.put(batch).await?;
    bar.finish_and_clear();
    Ok(())
}

/// What ended by a restore, and what did not.
pub(super) fn told(ended: &Ended, passwords: bool) -> String {
    let mut text = format!(
        "Ended: {} sessions, {} sign-ins under way, {} codes, {} tokens' families, {} links, {} known devices, {} \
         trusted browsers, {} backup codes, {} enrolments, of {} accounts. Everybody signs in anew; the first try is possible in 30 seconds.\n\
         As of the backup are: passwords, second factors, who is disabled, applications, consents, signing keys, \
         policies and roles. Who was disabled, lost a role, or changed a password or a factor, since then, and which \
         policy was set: do it again.\n",
        ended.sessions,
        ended.logins,
        ended.codes,
        ended.families,
        ended.links,
        ended.devices,
        ended.trusted,
        ended.backup_codes,
        ended.enrolments,
        ended.users
    );
    text.push_str(if passwords {
        "Passwords are good no more. `doorward user password reset NAME` prints a link for each person.\n"
    } else {
        "Passwords that were changed since the backup are the old ones again. If that is not acceptable, run `doorward \
         store restored --require-password-reset` on the new store before it is served from.\n"
    });
    text
}
