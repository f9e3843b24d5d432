//! The server of a cell, in a process of its own.
//!
//! The bench program starts itself again as `server NAME`: it prints its address on the first line
//! and ends when its stdin closes, so no server outlives the bench, whatever becomes of it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::plan::Threading;

/// A running server process; dropping it ends the process.
#[derive(Debug)]
pub struct ServerProcess {
    child: Child,
    address: String,
}

impl ServerProcess {
    /// Starts `program server TRANSPORT` and waits for its address.
    ///
    /// # Errors
    ///
    /// When the program cannot be started or ends before it names an address.
    pub fn start(program: &Path, transport: &str) -> Result<Self> {
        Self::start_on(program, transport, Threading::Workers)
    }

    /// The same, on such a runtime.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_on(program: &Path, transport: &str, threading: Threading) -> Result<Self> {
        let child = Command::new(program)
            .args(["server", transport])
            .args((threading == Threading::One).then_some("--one-thread"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        // Owned from here on, so that an early return ends the process.
        let mut server = Self { child, address: String::new() };
        let stdout = server.child.stdout.take().expect("stdout was asked to be piped");
        BufReader::new(stdout).read_line(&mut server.address)?;
        server.address.truncate(server.address.trim_end().len());
        ensure!(!server.address.is_empty(), "the {transport} server ended before it listened");
        Ok(server)
    }

    /// What a client of the same transport connects to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The process id, for CPU time and memory.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(POLL);
        }
        // Our own child, by its handle; it may have ended between the two calls.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How long a server may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(2);
