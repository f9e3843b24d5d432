//! Benchmarks of rpc-core beside its peers: what a call costs over each transport.
//!
//! A `plan` says what is measured, `run` does it with one server process per cell, `record` holds
//! what came out, `report` prints it and `results` writes it to a file. A `survey` measures all that
//! there is, and `page` draws it. Transports plug in behind
//! one trait in `transport`. Nothing here leaves the loopback interface.

pub mod allocations;
pub mod compile;
pub mod fleet;
pub mod gauge;
pub mod idle;
pub mod jobs;
pub mod jsonrpc;
pub mod layers;
pub mod machine;
pub mod memory;
pub mod meter;
pub mod overload;
pub mod page;
pub mod pin;
pub mod plan;
pub mod process;
pub mod record;
pub mod report;
pub mod results;
pub mod run;
pub mod runtime;
pub mod server;
pub mod sound;
pub mod strangers;
pub mod streams;
pub mod survey;
pub mod survive;
pub mod tls;
pub mod transport;
pub mod wire;
