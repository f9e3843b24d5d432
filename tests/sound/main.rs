//! Soundness: two sides, or one that is hostile, cannot stop a connection or its server for ever, end it while it is
//! well, starve others, or make it hold more memory than documented. Most run on a clock of their own: where nothing
//! can go on any more, hours pass at once.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod busy;
mod floods;
mod gone;
mod line;
mod long;
mod long_replies;
mod memory;
mod much;
mod nested;
mod oneway;
mod overload;
mod slow_lines;
mod turns;
mod wakers;
mod yard;
