//! CPU time of the generator, and of the server if it runs on this machine, from the clocks that the kernel
//! keeps for processes: user and system, all threads.

use std::time::{Duration, Instant};

use super::listener::Server;

/// Reads the clocks of both sides.
#[derive(Debug)]
pub(crate) struct Meter {
    server: Result<Server, String>,
}

/// What the clocks said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    at: Instant,
    own: Option<Duration>,
    server: Option<Duration>,
    machine: Option<Duration>,
}

/// CPU time over a window.
#[derive(Clone, Debug)]
pub(crate) struct Used {
    pub window: Duration,
    pub generator: Option<Duration>,
    /// What all processes of this machine used together.
    pub machine: Option<Duration>,
    /// Which process, and what it used; or why that is not known.
    pub server: Result<(u32, Duration), String>,
}

impl Meter {
    /// For this server, or without one, for the reason that is given.
    pub(crate) const fn new(server: Result<Server, String>) -> Self {
        Self { server }
    }

    pub(crate) fn read(&self) -> Reading {
        let server = self.server.as_ref().ok().and_then(|server| time_of(server.pid));
        Reading {
            at: Instant::now(),
            own: time_of(std::process::id()),
            server,
            machine: of_machine(),
        }
    }

    /// What was used since.
    pub(crate) fn since(&self, before: &Reading) -> Used {
        let now = self.read();
        let difference = |now: Option<Duration>, before: Option<Duration>| {
            now.zip(before).map(|(now, before)| now.saturating_sub(before))
        };
        let server = match &self.server {
            Err(why) => Err(why.clone()),
            Ok(server) => match difference(now.server, before.server) {
                Some(used) => Ok((server.pid, used)),
                None => Err(format!("the CPU clock of process {} cannot be read", server.pid)),
            },
        };
        let (generator, machine) =
            (difference(now.own, before.own), difference(now.machine, before.machine));
        Used { window: now.at - before.at, generator, machine, server }
    }
}

/// CPU time that a process has used since it began, if it may be asked for: user and system, all threads, those that
/// have ended too.
#[cfg(target_os = "linux")]
pub fn time_of(pid: u32) -> Option<Duration> {
    use nix::{time::ClockId, unistd::Pid};
    let pid = Pid::from_raw(i32::try_from(pid).ok()?);
    Some(ClockId::pid_cpu_clock_id(pid).ok()?.now().ok()?.into())
}

/// CPU time that all processes of the machine have used since it was started, by the kernel's own count.
#[cfg(target_os = "linux")]
fn of_machine() -> Option<Duration> {
    // user nice system idle iowait irq softirq steal, in ticks of which Linux has a hundred a second for programs.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
    let ticks: Vec<u32> = fields
        .take(8)
        .map(|field| field.parse::<u64>().ok().map(|ticks| ticks as u32))
        .collect::<Option<_>>()?;
    let busy = [0, 1, 2, 5, 6, 7].iter().map(|&place| ticks.get(place)).sum::<Option<u32>>()?;
    Some(TICK * busy)
}

/// Unknown on this system.
#[cfg(not(target_os = "linux"))]
fn of_machine() -> Option<Duration> {
    None
}

/// Unknown on this system.
#[cfg(not(target_os = "linux"))]
pub fn time_of(_: u32) -> Option<Duration> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_for_both_sides() {
        let own = Server { pid: std::process::id() };
        let meter = Meter::new(Ok(own));
        let before = meter.read();
        let mut sum = 0_u64;
        while time_of(std::process::id()).unwrap() - before.own.unwrap() < Duration::from_millis(5)
        {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let used = meter.since(&before);
        assert!(used.generator.unwrap() >= Duration::from_millis(5));
        assert_eq!(used.server.unwrap().0, std::process::id());
    }

    #[test]
    fn a_server_that_is_not_known_is_said_to_be() {
        let meter = Meter::new(Err("far away".to_owned()));
        let used = meter.since(&meter.read());
        assert_eq!(used.server.unwrap_err(), "far away");
    }
}
