//! The results file: figures with the machine, the settings and the command that made them.
//!
//! Written as JSON for `docs/` to draw tables and plots from. Never read back here.

use std::{env, fs::File, io::BufWriter, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::{cpu, idle::IdleCell, machine::Machine, plan::Pace, record::Cell, run, transport};

/// One run, whole.
#[derive(Debug, Clone, Serialize)]
pub struct Results {
    /// The arguments of the program that made it.
    pub command: Vec<String>,
    /// Where and with what.
    pub machine: Machine,
    /// How it was measured.
    pub method: Method,
    /// Cells that were driven.
    pub cells: Vec<Cell>,
    /// Memory of idle connections.
    pub idle: Vec<IdleCell>,
}

/// How the figures of a run were made.
#[derive(Debug, Clone, Serialize)]
pub struct Method {
    /// How CPU time was read.
    pub cpu_time: &'static str,
    /// Worker threads of each side's runtime.
    pub workers: usize,
    /// Driven before counting, in milliseconds.
    pub warm_up_ms: u128,
    /// Counted, in milliseconds.
    pub window_ms: u128,
    /// How often each cell was measured.
    pub rounds: usize,
    /// Each transport's name and settings.
    pub transports: Vec<(&'static str, &'static str)>,
}

impl Results {
    /// Puts what was measured together with what it was measured on.
    pub fn new(pace: Pace, cells: Vec<Cell>, idle: Vec<IdleCell>) -> Self {
        let transports = transport::all();
        let method = Method {
            cpu_time: cpu::METHOD,
            workers: run::WORKERS,
            warm_up_ms: pace.warm_up.as_millis(),
            window_ms: pace.window.as_millis(),
            rounds: pace.rounds,
            transports: transports.iter().map(|t| (t.name(), t.settings())).collect(),
        };
        let command = env::args().skip(1).collect();
        Self { command, machine: Machine::describe(), method, cells, idle }
    }

    /// Writes the results as JSON.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(serde_json::to_writer_pretty(BufWriter::new(file), self)?)
    }
}
