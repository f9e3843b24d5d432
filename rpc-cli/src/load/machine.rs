//! The machine that figures belong to: without it a figure means nothing.

use std::{fmt, fs, thread, time::SystemTime};

use serde::{Deserialize, Serialize};

/// Where, when and with what a run was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The CPU's own name for itself.
    pub cpu: String,
    /// CPUs that this process may use.
    pub cores: usize,
    /// The system and its kernel's release.
    pub kernel: String,
    /// UTC.
    pub date: String,
    /// The version of this program.
    pub rpc: String,
}

impl Machine {
    /// This machine, at this moment.
    pub fn describe() -> Self {
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: model(&cpu).unwrap_or("unknown CPU").to_owned(),
            cores: thread::available_parallelism().map_or(1, usize::from),
            kernel: format!("{} {}", std::env::consts::OS, release.trim()).trim().to_owned(),
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            rpc: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

fn model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    line.map(|(_, name)| name.trim())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, kernel, date, rpc } = self;
        write!(f, "{cpu}, {cores} cores, {kernel}, {date}, rpc {rpc}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_says_who_and_when_it_is() {
        assert_eq!(
            model("processor : 0\nmodel name\t: Some CPU @ 3 GHz\n"),
            Some("Some CPU @ 3 GHz")
        );
        let machine = Machine::describe();
        assert!(machine.cores > 0 && machine.date.ends_with('Z'), "{machine}");
    }
}
