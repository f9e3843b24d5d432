//! Everything that there is to measure, part by part, into one results file.
//!
//! A cell that fails is noted and the rest goes on: a run is long. Parts that are not asked for are
//! kept from the results of another run.

use std::{io::Write, path::Path, time::Duration};

use anyhow::Result;

use crate::{
    allocations,
    idle::{self, IdlePlan},
    plan::{Effort, Failure, Pace, Part, Plan},
    results::Results,
    run, streams, survive, wire,
};

/// What is measured, and how long.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The parts that are measured.
    pub parts: Vec<Part>,
    /// The transports, by name.
    pub transports: Vec<String>,
    /// The windows and rounds.
    pub pace: Pace,
    /// How many idle connections are held.
    pub connections: usize,
    /// How many calls are counted where time is not.
    pub calls: u64,
}

impl Survey {
    /// Measures; what `before` has of other parts is kept.
    ///
    /// # Errors
    ///
    /// When something other than a cell fails: a server that cannot be started, a wrong answer where
    /// bytes or allocations are counted.
    pub fn take(
        &self,
        before: Option<Results>,
        program: &Path,
        progress: &mut impl Write,
    ) -> Result<Results> {
        let mut results = match before {
            // What is only drawn again keeps its date and machine; the cutter's table has its own.
            Some(before) if self.parts.iter().all(|part| *part == Part::Survive) => before,
            Some(before) => Results {
                cells: before.cells,
                idle: before.idle,
                wire: before.wire,
                allocations: before.allocations,
                streams: before.streams,
                under_cutter: before.under_cutter,
                ..Results::new(self.pace, Vec::new(), Vec::new())
            },
            None => Results::new(self.pace, Vec::new(), Vec::new()),
        };
        for part in &self.parts {
            self.measure(*part, &mut results, program, progress)?;
        }
        Ok(results)
    }

    fn measure(
        &self,
        part: Part,
        results: &mut Results,
        program: &Path,
        progress: &mut impl Write,
    ) -> Result<()> {
        let (names, failure) = (self.transports.clone(), Failure::IsNoted);
        match part {
            Part::Wire => results.wire = wire::run(&names, self.calls.min(200), program, progress)?,
            Part::Allocations => {
                results.allocations = allocations::run(&names, self.calls, program, progress)?;
            }
            Part::Idle => {
                let connections = self.connections;
                let plan = IdlePlan { connections, transports: names, rounds: 1, failure };
                results.idle = idle::run(&plan, program, progress)?;
            }
            Part::Streams => {
                writeln!(progress, "streams")?;
                results.streams = Some(streams::flow(program, self.effort())?);
            }
            Part::Survive => {
                let cuts = self.calls as usize / 2;
                results.under_cutter = Some(survive::endure_all(cuts, progress)?)
            }
            _ => {
                let groups = part.groups();
                let plan = Plan { groups, transports: names, pace: self.pace, failure };
                results.cells.retain(|cell| cell.part != part);
                results.cells.extend(run::run(&plan, program, progress)?);
            }
        }
        Ok(())
    }

    /// Streams are steadier in longer windows than calls need.
    fn effort(&self) -> Effort {
        let window = self.pace.window.max(Duration::from_millis(50)) * 2;
        let (warm_up, rounds) = (self.pace.warm_up, self.pace.rounds);
        Effort { warm_up, window, rounds, divide: 1 }
    }
}
