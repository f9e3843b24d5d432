//! What is encoded by a description is what serde's own code writes, and comes back as serde_json shows it.

mod differential;
mod hostile;
mod typed;
