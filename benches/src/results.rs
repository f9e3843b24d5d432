//! The results file: figures with the machine, the settings and the command that made them.
//!
//! Written as JSON, from which `page` draws its tables and plots.

use std::{
    env,
    fs::File,
    io::{BufReader, BufWriter},
    path::Path,
};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    allocations::AllocationCell, gauge, idle::IdleCell, machine::Machine, plan::Pace, record::Cell,
    runtime, streams::Flow, survive::UnderCutter, transport, wire::WireCell,
};

/// One run, whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// Bytes on the wire.
    #[serde(default)]
    pub wire: Vec<WireCell>,
    /// Allocations.
    #[serde(default)]
    pub allocations: Vec<AllocationCell>,
    /// Streams.
    #[serde(default)]
    pub streams: Option<Flow>,
    /// Calls under a cutter.
    #[serde(default)]
    pub under_cutter: Option<UnderCutter>,
}

/// How the figures of a run were made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Method {
    /// How CPU time was read.
    pub cpu_time: String,
    /// Worker threads of each side's runtime.
    pub workers: usize,
    /// Driven before counting, in milliseconds.
    pub warm_up_ms: u64,
    /// Counted, in milliseconds.
    pub window_ms: u64,
    /// How often each cell was measured.
    pub rounds: usize,
    /// Each transport's name and settings.
    pub transports: Vec<(String, String)>,
}

impl Results {
    /// Puts what was measured together with what it was measured on.
    pub fn new(pace: Pace, cells: Vec<Cell>, idle: Vec<IdleCell>) -> Self {
        let transports = transport::all();
        let method = Method {
            cpu_time: gauge::METHOD.to_owned(),
            workers: runtime::WORKERS,
            warm_up_ms: pace.warm_up.as_millis() as u64,
            window_ms: pace.window.as_millis() as u64,
            rounds: pace.rounds,
            transports: transports
                .iter()
                .map(|t| (t.name().to_owned(), t.info().settings.to_owned()))
                .collect(),
        };
        let command = env::args().skip(1).collect();
        Self {
            command,
            machine: Machine::describe(),
            method,
            cells,
            idle,
            wire: Vec::new(),
            allocations: Vec::new(),
            streams: None,
            under_cutter: None,
        }
    }

    /// Reads results that were written before.
    ///
    /// # Errors
    ///
    /// When there is no such file or it holds something else.
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(serde_json::from_reader(BufReader::new(file))?)
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
