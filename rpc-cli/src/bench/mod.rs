//! `rpc bench` behind its arguments: a load goes in, figures come out.
//!
//! ```text
//! plan ──▶ generator (closed) ──▶ measure ──▶ results ──▶ text, csv, html, compare
//!   │      open_loop (by the clock)  ▲ cpu, listener, machine
//!   └────▶ ramp (many of them)       └ caller (ours), http (JSON-RPC) with arguments from random, any
//! ```

pub(crate) mod any;
pub(crate) mod caller;
pub(crate) mod compare;
pub(crate) mod cpu;
pub(crate) mod csv;
pub(crate) mod doubts;
pub(crate) mod generator;
pub(crate) mod html;
pub(crate) mod http;
pub(crate) mod listener;
pub(crate) mod machine;
pub(crate) mod measure;
pub(crate) mod open_loop;
pub(crate) mod plan;
pub(crate) mod plot;
pub(crate) mod progress;
pub(crate) mod ramp;
pub(crate) mod random;
pub(crate) mod results;
pub(crate) mod target;
pub(crate) mod text;
