//! The folder of the embedded store: whose it is, who may look inside, and the key ring that is made there at the very
//! first start (HAZARDS H19, H20).

use std::{
    ffi::OsStr,
    io::{ErrorKind, Write as _},
    os::fd::{AsRawFd as _, OwnedFd},
    path::{Path, PathBuf},
};

use actors::{
    entropy::Entropy,
    vault::{KeyRingError, MasterKeys},
};
use anyhow::{Context as _, bail, ensure};
use rustix::{
    fs::{AtFlags, Mode, OFlags, RenameFlags, fchmod, fstat, fsync, openat, renameat_with, unlinkat},
    io::Errno,
    process::geteuid,
};

use crate::config::{secrets::read_secret, value::SecretText};

/// The key file.
pub const KEY_FILE: &str = "master-keys";
/// The key file while it is written.
const NEW_KEY_FILE: &str = "master-keys.new";

/// Where a backup is made into a store, before that takes its place.
pub const RESTORING: &str = "restore.new";

/// Entries that only a data folder has.
const OURS: [&str; 3] = ["lock", "store", KEY_FILE];

/// The folder, held open so that nobody can swap it.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    folder: OwnedFd,
    owner: u32,
}

/// A key ring, and whether it was made just now.
#[derive(Debug)]
pub struct Ring {
    /// The keys.
    pub keys: MasterKeys,
    /// Was it made just now?
    pub generated: bool,
}

impl DataFolder {
    /// Opens the folder and makes it if it is not there. It is closed to group and others; a folder with somebody
    /// else's things in it is left alone.
    pub fn prepare(path: &Path) -> anyhow::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make the data folder {}", path.display()))?;
        let folder = Self::open(path)?;
        let me = geteuid().as_raw();
        ensure!(
            folder.owner == me,
            "the data folder {} belongs to uid {}, and this is uid {me}; run this as uid {}",
            path.display(),
            folder.owner,
            folder.owner
        );
        let entries = folder.entries()?;
        ensure!(
            !entries.iter().any(|entry| entry == RESTORING),
            "a restore into {} was cut short; run the same `doorward backup restore` again",
            path.display()
        );
        let foreign = !entries.is_empty() && !entries.iter().any(|entry| OURS.iter().any(|ours| entry == ours));
        ensure!(!foreign, "{} is not empty and not a data folder of this program; name another", path.display());
        let mode = Mode::from_raw_mode(fstat(&folder.folder)?.st_mode);
        if mode.intersects(Mode::RWXG | Mode::RWXO) {
            tracing::warn!(folder = %path.display(), "the data folder was open to others; it is now of mode 0700");
            fchmod(&folder.folder, Mode::RWXU).with_context(|| format!("cannot close {} to others", path.display()))?;
        }
        Ok(folder)
    }

    /// Opens the folder as it is.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(rustix::fs::CWD, path, flags, Mode::empty())
            .with_context(|| format!("cannot open the data folder {}", path.display()))?;
        let owner = fstat(&folder)?.st_uid;
        Ok(Self { path: path.to_owned(), folder, owner })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The user it belongs to.
    pub const fn owner(&self) -> u32 {
        self.owner
    }

    /// An entry by way of the open folder: short enough for any system call, and in this very folder whatever its path
    /// names by now. Good for as long as the folder is held.
    pub fn entry(&self, name: &str) -> PathBuf {
        format!("/proc/self/fd/{}/{name}", self.folder.as_raw_fd()).into()
    }

    /// Gives an entry another name, in the place of what may have it.
    pub fn rename(&self, from: &str, to: &str) -> std::io::Result<()> {
        Ok(renameat_with(&self.folder, from, &self.folder, to, RenameFlags::empty())?)
    }

    /// Removes an entry if it is there.
    pub fn remove(&self, name: &str) -> std::io::Result<()> {
        match unlinkat(&self.folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The names in it.
    pub fn entries(&self) -> anyhow::Result<Vec<std::ffi::OsString>> {
        let entries = std::fs::read_dir(self.entry("."))?;
        Ok(entries.map(|entry| entry.map(|entry| entry.file_name())).collect::<Result<_, _>>()?)
    }

    /// The ring in the key file; in an empty folder it is made first, and never again. A folder that has lost its ring
    /// is refused: what is sealed in it could not be opened.
    pub fn ring(&self, entropy: &dyn Entropy) -> anyhow::Result<Ring> {
        let file = self.entry(KEY_FILE);
        let shown = self.path.join(KEY_FILE);
        match std::fs::symlink_metadata(&file) {
            Ok(_) => {
                let text =
                    read_secret(&file).map_err(|error| anyhow::anyhow!("the key file {}: {error}", shown.display()))?;
                self.refuse_open_key_file(&shown)?;
                return Ok(Ring { keys: parse_ring(&text, &shown.display())?, generated: false });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", shown.display())),
        }
        let entries = self.entries()?;
        if entries.iter().any(|entry| entry != OsStr::new(NEW_KEY_FILE)) {
            bail!(
                "{} holds a store, but its key file {} is missing; put it back, or name the key ring in \
                 DOORWARD_MASTER_KEYS_FILE",
                self.path.display(),
                shown.display()
            );
        }
        let keys = MasterKeys::generate(entropy, &"k1".parse().expect("`k1` is a key id"))?;
        match self.write_key_file(keys.to_text().expose()) {
            // Another process was first; its ring counts.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.ring(entropy),
            written => {
                written.with_context(|| format!("cannot write the key file {}", shown.display()))?;
                Ok(Ring { keys, generated: true })
            }
        }
    }

    fn refuse_open_key_file(&self, shown: &Path) -> anyhow::Result<()> {
        let stat = rustix::fs::statat(&self.folder, KEY_FILE, AtFlags::empty())?;
        let open = Mode::from_raw_mode(stat.st_mode).intersects(Mode::RWXG | Mode::RWXO);
        ensure!(!open, "the key file {} can be read by others; close it with chmod 600", shown.display());
        Ok(())
    }

    /// Whole or not at all, and never over another.
    fn write_key_file(&self, text: &str) -> std::io::Result<()> {
        self.remove(NEW_KEY_FILE)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let mut file = std::fs::File::from(openat(&self.folder, NEW_KEY_FILE, flags, Mode::RUSR | Mode::WUSR)?);
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        renameat_with(&self.folder, NEW_KEY_FILE, &self.folder, KEY_FILE, RenameFlags::NOREPLACE)?;
        Ok(fsync(&self.folder)?)
    }
}

/// Reads a ring from its text; `place` says where the text stood.
pub fn parse_ring(text: &SecretText, place: &dyn std::fmt::Display) -> anyhow::Result<MasterKeys> {
    MasterKeys::parse(text.expose()).map_err(|error: KeyRingError| anyhow::anyhow!("{place}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use actors::entropy::SeededEntropy;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn a_ring_is_made_once_and_closed_to_others() {
        let root = tempfile::tempdir().expect("a folder");
        let path = root.path().join("data");
        let folder = DataFolder::prepare(&path).expect("prepared");
        let made = folder.ring(&SeededEntropy::new(1)).expect("a ring");
        assert!(made.generated);
        assert_eq!((mode(&path), mode(&path.join(KEY_FILE))), (0o700, 0o600));
        let read = folder.ring(&SeededEntropy::new(2)).expect("a ring");
        assert!(!read.generated);
        assert_eq!(read.keys.to_text().expose(), made.keys.to_text().expose());
    }

    #[test]
    fn a_store_that_has_lost_its_ring_is_refused_and_gets_no_new_one() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir(root.path().join("store")).expect("made");
        let folder = DataFolder::prepare(root.path()).expect("prepared");
        let error = folder.ring(&SeededEntropy::new(1)).expect_err("refused").to_string();
        assert!(error.contains("master-keys is missing; put it back"), "{error}");
        assert!(!root.path().join(KEY_FILE).exists());
    }

    #[test]
    fn a_half_written_ring_of_a_killed_start_is_replaced() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::prepare(root.path()).expect("prepared");
        fs::write(root.path().join(NEW_KEY_FILE), "k1:AA").expect("written");
        assert!(folder.ring(&SeededEntropy::new(1)).expect("a ring").generated);
        assert!(!root.path().join(NEW_KEY_FILE).exists());
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = DataFolder::prepare(root.path()).expect("prepared");
        folder.ring(&SeededEntropy::new(1)).expect("a ring");
        fs::set_permissions(root.path().join(KEY_FILE), fs::Permissions::from_mode(0o640)).expect("opened");
        let error = folder.ring(&SeededEntropy::new(1)).expect_err("refused").to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_folder_with_other_things_in_it_is_left_alone() {
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join("thesis.tex"), "").expect("written");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        let error = DataFolder::prepare(root.path()).expect_err("refused").to_string();
        assert!(error.contains("is not empty and not a data folder"), "{error}");
        assert_eq!(mode(root.path()), 0o755);
    }

    #[test]
    fn a_data_folder_that_is_open_to_others_is_closed() {
        let root = tempfile::tempdir().expect("a folder");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        DataFolder::prepare(root.path()).expect("prepared");
        assert_eq!(mode(root.path()), 0o700);
    }
}
