//! The machine and the software that figures belong to: without them a figure means nothing.
//!
//! Goes out into every results file and above every table. Reads `/proc` and the lock file that
//! was built from; asks nothing of the network.

use std::fmt;

use rpc_cli::load;
use serde::{Deserialize, Serialize};

/// A description of where and with what a run was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// The CPU's own name for itself.
    pub cpu: String,
    /// How many CPUs this process may use.
    pub cpus: usize,
    /// The kernel's release.
    pub kernel: String,
    /// The compiler that built this program.
    pub rustc: String,
    /// When the run was made, UTC.
    pub date: String,
    /// Versions of what is measured, by crate.
    pub crates: Vec<Version>,
}

/// One crate and the version that was built in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The crate's name.
    pub name: String,
    /// Its version, from the lock file.
    pub version: String,
}

impl Machine {
    /// Describes this machine at this moment.
    pub fn describe() -> Self {
        let host = load::machine::Machine::describe();
        let kernel = host.kernel.strip_prefix("linux ").unwrap_or(&host.kernel).to_owned();
        Self {
            cpu: host.cpu,
            cpus: host.cores,
            kernel,
            rustc: env!("BENCHES_RUSTC").to_owned(),
            date: host.date,
            crates: MEASURED.iter().filter_map(|name| locked(LOCK_FILE, name)).collect(),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cpus, kernel, rustc, date, crates } = self;
        writeln!(f, "{date}, {cpu}, {cpus} CPUs, Linux {kernel}, {rustc}")?;
        let versions: Vec<_> = crates.iter().map(|c| format!("{} {}", c.name, c.version)).collect();
        write!(f, "{}", versions.join(", "))
    }
}

/// Finds the version of a crate in a lock file.
fn locked(lock_file: &str, name: &str) -> Option<Version> {
    let entry = format!("name = \"{name}\"\nversion = \"");
    // Where there are several, as of bincode, ours first: it is the newer.
    let versions = lock_file.split(&entry).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0));
    Some(Version { name: name.to_owned(), version: versions.last()?.to_owned() })
}

const LOCK_FILE: &str = include_str!("../../Cargo.lock");

const MEASURED: [&str; 20] = [
    "rpc-core",
    "tokio",
    "bytes",
    "serde_json",
    "bincode",
    "tarpc",
    "tonic",
    "prost",
    "h2",
    "capnp-rpc",
    "capnp",
    "jsonrpsee-server",
    "jsonrpsee-ws-client",
    "jsonrpsee-http-client",
    "axum",
    "hyper",
    "reqwest",
    "dxr_server",
    "dxr_client",
    "quick-xml",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_crate_is_read_from_the_lock_file() {
        let lock = "[[package]]\nname = \"tokio-util\"\nversion = \"0.7.1\"\n\n[[package]]\n\
                    name = \"tokio\"\nversion = \"1.2.3\"\n";
        assert_eq!(locked(lock, "tokio").unwrap().version, "1.2.3");
        assert_eq!(locked(lock, "axum"), None);
    }

    #[test]
    fn this_machine_is_described_with_every_peer_that_was_built_in() {
        let machine = Machine::describe();
        assert!(machine.rustc.starts_with("rustc "), "{}", machine.rustc);
        for peer in ["tokio", "axum", "reqwest", "jsonrpsee-server"] {
            assert!(machine.crates.iter().any(|version| version.name == peer), "{peer}");
        }
    }
}
