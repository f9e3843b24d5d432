//! What a server does that has too much to do: which calls wait before their handlers start, which are refused, and how that
//! is found out.
//!
//! ```text
//!              ┌─ handed to the runtime ─────────────────────────────▶ Permit ─ the runtime comes to it ─▶ handler
//! offer ─▶ Limiter ─ it has to wait ─▶ Line (by rank) ─┬─ its turn ─────▶ Permit        │
//!              │                        ▲              ├─ too late ─▶ dropped           │
//!              │                        │              └─ displaced ─▶ refused          │
//!              └─ refused, in O(1)      └───────────────── next ◀───────────────────────┘
//! ```
//!
//! Only calls of methods whose handlers compute for long come here: those of the others are over sooner than they would be
//! refused. What counts is work that could run, and how late a thread comes to it: as many calls are handed to the runtime as it
//! has threads, and the next one when it has come to one of them. What a handler waits for afterwards is no load. `Limiter` and what is below it know no clock, no lock and no task; `Shedder` is all that.

mod demand;
mod figures;
mod limiter;
mod line;
mod options;
mod pace;
mod shedder;

#[cfg(test)]
mod tests;

pub(crate) use figures::Figures;
pub use options::Overload;
pub(crate) use shedder::{Queued, Shedder};
