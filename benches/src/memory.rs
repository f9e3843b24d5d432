//! Resident memory and open files of another process, and the limit on this one's open files.
//!
//! Comes in: a process id. Goes out: bytes, from `/proc/PID/status`. Memory that the kernel holds
//! for sockets is in neither process's figure.

use std::fs;

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Reads how many bytes of memory the process has resident.
///
/// # Errors
///
/// When there is no such process, or `/proc` has no figure for it.
pub fn resident(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().strip_suffix("kB"));
    let kib: u64 = kib.with_context(|| format!("no VmRSS in {path}"))?.trim().parse()?;
    Ok(kib * 1024)
}

/// Counts the files that the process has open, sockets included.
///
/// # Errors
///
/// When there is no such process, or it belongs to somebody else.
pub fn open_files(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/fd");
    Ok(fs::read_dir(&path).with_context(|| format!("cannot read {path}"))?.count() as u64)
}

/// Counts the sockets that the process has open.
///
/// # Errors
///
/// When there is no such process, or it belongs to somebody else.
pub fn sockets(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/fd");
    let files = fs::read_dir(&path).with_context(|| format!("cannot read {path}"))?;
    // One that is closed meanwhile has no target any more.
    let targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    Ok(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count() as u64)
}

/// Raises the limit on open files to what is allowed; children inherit it.
///
/// # Errors
///
/// When fewer than `needed` files may be open even so.
pub fn allow_open_files(needed: u64) -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    ensure!(
        hard >= needed,
        "{needed} open files are needed and the hard limit is {hard}: raise it (`ulimit -Hn`) or \
         ask for fewer connections"
    );
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("cannot raise RLIMIT_NOFILE")
}

/// Files that each process holds beside its connections.
pub const SPARE_FILES: u64 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_grows_with_what_is_touched() {
        let before = resident(std::process::id()).unwrap();
        let block = std::hint::black_box(vec![1_u8; 32 << 20]);
        let after = resident(std::process::id()).unwrap();
        assert!(after > before + (24 << 20), "{before} {after} {}", block.len());
    }

    #[test]
    fn more_files_than_the_hard_limit_are_refused_with_the_limit_named() {
        let refused = allow_open_files(u64::MAX).unwrap_err().to_string();
        assert!(refused.contains("hard limit is"), "{refused}");
    }
}
