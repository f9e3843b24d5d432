//! Allocations per call, counted by a program of its own: an allocator that counts would cost every process that
//! is timed.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead as _, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::{plan::Job, transport};

/// The allocations of one transport's calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AllocationCell {
    /// The transport's name.
    pub transport: String,
    /// The job's name.
    pub job: String,
    /// Allocations of the client per call.
    pub client: f64,
    /// Allocations of the server per call.
    pub server: f64,
}

/// The jobs that are counted, by their names in tables.
pub const JOBS: [(&str, Job); 2] = [("add", Job::Add), ("record", Job::Record)];

/// Counts every named transport that stays on its runtime's thread.
///
/// # Errors
///
/// When the counting program cannot be built or run, a server cannot be started or a call fails.
pub fn run(
    names: &[String],
    calls: u64,
    program: &Path,
    progress: &mut impl Write,
) -> Result<Vec<AllocationCell>> {
    let mut cells = Vec::new();
    let counting = counting_program(program)?;
    for name in names {
        let transport = transport::find(name)?;
        if !transport.is_apart() || transport.has_own_threads() {
            continue;
        }
        let mut child = Command::new(&counting)
            .args([name, &calls.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", counting.display()))?;
        let lines = child.stdout.take().expect("stdout was asked to be piped");
        for line in BufReader::new(lines).lines() {
            cells.push(serde_json::from_str(&line?)?);
        }
        ensure!(child.wait()?.success(), "the allocations of {name} were not counted");
        writeln!(progress, "allocations: {name}")?;
    }
    Ok(cells)
}

/// The program beside this one that counts. `cargo run` builds one program only, so that cargo is asked for it.
fn counting_program(program: &Path) -> Result<PathBuf> {
    let counting = program.with_file_name(format!("allocations{}", env::consts::EXE_SUFFIX));
    if let Some(cargo) = env::var_os("CARGO") {
        let folder = program.parent().context("this program is in no folder")?;
        let profile = match folder.file_name() {
            Some(name) if name != "debug" => name,
            _ => OsStr::new("dev"),
        };
        let built = Command::new(cargo)
            .args(["build", "--quiet", "-p", "benches", "--bin", "allocations", "--profile"])
            .arg(profile)
            .status()?;
        ensure!(built.success(), "the program that counts allocations cannot be built");
    }
    ensure!(
        counting.exists(),
        "{} is missing: `cargo build --release -p benches` builds it",
        counting.display()
    );
    Ok(counting)
}
