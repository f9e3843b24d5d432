//! Variants are known by their number.

use rpc_core::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
enum Step {
    #[serde(skip)]
    Idle,
    Walk,
}

fn main() {}
