//! This machine and its processes, as the kernel tells of them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use serde::Serialize;

/// Length of the ticks in `/proc/PID/stat`: Linux counts hundredths of a second there on every architecture.
const TICK: Duration = Duration::from_millis(10);

/// Where a run took place; a figure without this is none.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) memory_mib: u64,
    pub(crate) kernel: String,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let total = kib_of(&read("/proc/meminfo"), "MemTotal:").unwrap_or(0);
        let processor = read("/proc/cpuinfo");
        let model = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Self {
            cores: processor.lines().filter(|line| line.starts_with("processor")).count(),
            processor: model.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned()),
            memory_mib: total / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

/// Cores that this process may use.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Seconds since 1970.
pub(crate) fn unix_secs() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}

/// The commit of the working copy that the command was called in; `+` where files differ from it.
pub(crate) fn commit() -> Option<String> {
    let output = Command::new("git").args(["describe", "--always", "--abbrev=12", "--dirty=+"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// CPU time that a process has used, user and system.
pub(crate) fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("--pid: {path}"))?;
    let ticks = ticks_of(&stat).with_context(|| format!("{path} is not as proc(5) says"))?;
    Ok(TICK * ticks)
}

/// Resident memory of a process in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resident {
    /// All of it.
    pub(crate) total: u64,
    /// What it allocated; the rest are pages of its binary and its files.
    pub(crate) own: u64,
}

/// Resident memory of a process.
pub(crate) fn resident_kib(pid: u32) -> anyhow::Result<Resident> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("--pid: {path}"))?;
    let line = |name| kib_of(&status, name).with_context(|| format!("{path} is not as proc(5) says"));
    Ok(Resident { total: line("VmRSS:")?, own: line("RssAnon:")? })
}

/// Asks `/readyz` once. A server that does not listen yet is not ready.
pub(crate) fn is_ready(management: SocketAddr) -> bool {
    let patience = Duration::from_secs(2);
    let Ok(mut stream) = TcpStream::connect_timeout(&management, patience) else { return false };
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {management}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let asked = stream.set_read_timeout(Some(patience)).and_then(|()| stream.write_all(request.as_bytes()));
    asked.and_then(|()| stream.read_to_string(&mut answer)).is_ok() && answer.starts_with("HTTP/1.1 200")
}

/// `utime` and `stime`, fields 14 and 15; the name in field 2 may hold spaces and parentheses.
fn ticks_of(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u32>().ok();
    Some(next()? + next()?)
}

fn kib_of(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_past_a_name_with_parentheses() {
        let stat = "42 (a) b) R 1 1 1 0 -1 4194304 100 0 0 0 120 30 0 0 20 0 1 0 1 1 1";
        assert_eq!(ticks_of(stat), Some(150));
        assert_eq!(ticks_of("42 (a"), None);
    }

    #[test]
    fn a_process_has_used_memory() {
        let resident = resident_kib(std::process::id()).unwrap();
        assert!(resident.own > 0 && resident.total > resident.own);
        assert!(cpu_time(std::process::id()).is_ok() && cpu_time(u32::MAX).is_err());
    }
}
