//! CPU time of a process, this one or another, user and system together.
//!
//! Read from the process's CPU clock (`clock_getcpuclockid`): nanoseconds, all threads, those that
//! ended too. `/proc/PID/stat` has the same figure in ticks of 10 ms, too coarse for one window.

use std::time::Duration;

use anyhow::{Context, Result};
use nix::{time::ClockId, unistd::Pid};

/// Says what the figures of this room are, for reports.
pub const METHOD: &str =
    "process CPU clock of each process (clock_getcpuclockid: user + system, all threads, ns)";

/// Reads how much CPU time the process has used since it began.
///
/// # Errors
///
/// When there is no such process or its clock may not be read.
pub fn time_of(pid: u32) -> Result<Duration> {
    let pid = Pid::from_raw(i32::try_from(pid).context("process id out of range")?);
    let clock = ClockId::pid_cpu_clock_id(pid).context("no CPU clock for that process")?;
    Ok(clock.now().context("CPU clock cannot be read")?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_of_an_ended_thread_is_counted() {
        let me = std::process::id();
        let before = time_of(me).unwrap();
        let spun = std::thread::spawn(|| {
            // By the thread's own clock, as others may hold the CPU meanwhile.
            let thread = ClockId::CLOCK_THREAD_CPUTIME_ID;
            while Duration::from(thread.now().unwrap()) < Duration::from_millis(50) {
                std::hint::spin_loop();
            }
        });
        spun.join().unwrap();
        let used = time_of(me).unwrap() - before;
        assert!(used >= Duration::from_millis(50), "{used:?}");
    }
}
