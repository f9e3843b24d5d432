//! The reader against the rules, one by one, and against the crate that writes the format.

mod differential;
mod rules;
