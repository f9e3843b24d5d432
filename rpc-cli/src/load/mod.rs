//! The load engine: a load goes in, figures come out. `rpc bench` is its command line, and the benches of this
//! repository count, clock, describe and draw with it.
//!
//! ```text
//! plan ──▶ drive (closed: one call after the other, open: by the clock) ──▶ summary ──▶ text, csv, html, compare
//!   │        │ ▲ record, cpu, listener, machine                             └ results, doubts
//!   │        └ caller (ours), http (JSON-RPC) with a pool of arguments from random, any
//!   └────▶ ramp (many of them), against (two by turns)
//! ```
//!
//! **Unstable**: what is public here is so for the benches, and may change with any version.

pub(crate) mod against;
pub(crate) mod any;
pub(crate) mod caller;
pub(crate) mod compare;
pub mod cpu;
pub(crate) mod csv;
pub(crate) mod doubts;
pub(crate) mod drive;
pub(crate) mod html;
pub(crate) mod http;
pub(crate) mod listener;
pub mod machine;
pub(crate) mod plan;
pub mod plot;
pub(crate) mod pool;
pub(crate) mod progress;
pub(crate) mod ramp;
pub(crate) mod random;
pub mod record;
pub(crate) mod results;
pub mod statistics;
pub(crate) mod summary;
pub(crate) mod target;
pub(crate) mod text;
pub(crate) mod words;
