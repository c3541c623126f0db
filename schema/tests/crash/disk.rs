//! A disk that is full. Needs the right to mount a small file system; where that is missing the test fails and says so.

use std::{path::Path, process::Command};

use crate::{
    child::{Running, Task},
    verdict::Acknowledged,
};

/// A file system in memory that ends with the test.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(kilobytes: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        mount(&["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"], folder.path());
        Self(folder)
    }

    fn grow(&self) {
        mount(&["-o", "remount,size=256m"], self.0.path());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg(self.0.path()).status();
        assert!(ended.is_ok_and(|status| status.success()) || std::thread::panicking(), "the disk can be unmounted");
    }
}

fn mount(arguments: &[&str], folder: &Path) {
    let done = Command::new("mount").args(arguments).arg(folder).status().expect("the command mount");
    assert!(done.success(), "this test mounts a small file system and needs the right to do so");
}

#[tokio::test]
async fn a_full_disk_stops_the_store_and_loses_nothing_acknowledged() {
    // The first fills up by its journal, the last while memory tables are written out.
    for (kilobytes, body) in [(700, 10), (1500, 2000), (4000, 300), (9000, 9000)] {
        let disk = Disk::mount(kilobytes);
        let mut acknowledged = Acknowledged::default();
        let mut child = Running::start(disk.0.path(), &Task { body, last: u64::from(u32::MAX) }, |_| {});
        let lines = child.rest();
        assert!(lines.iter().any(|line| line == "open"), "{kilobytes} KB are enough to begin");
        acknowledged.note_all(&lines);
        assert!(lines.iter().any(|line| line.starts_with("un")), "a write fails once the disk is full");
        assert!(lines.iter().any(|line| line == "stopped"), "after that everything is refused");
        assert!(acknowledged.total() > 0);
        disk.grow();
        acknowledged.verify(disk.0.path(), 0).await;
    }
}
