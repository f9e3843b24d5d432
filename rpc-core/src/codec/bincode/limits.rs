//! Bounds on the time, the stack and the memory that a message can cost its reader.

/// The deepest nesting of values, counted at every option, struct, enum, sequence, map and tuple.
pub(crate) const MAX_DEPTH: u32 = 128;

/// The most elements in one message that take no bytes at all, such as those of a `Vec<()>`: a claimed length
/// costs nothing to send, and each element costs time to make.
pub(crate) const EMPTY_ELEMENTS: u64 = 65_536;

/// The most elements of one sequence or map that are allocated for before any is read.
pub(super) const HINT: usize = 4096;
