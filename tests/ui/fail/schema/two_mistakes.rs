//! All mistakes are shown at once.

use rpc_core::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
struct User {
    #[serde(flatten)]
    name: String,
    #[serde(rename(serialize = "a", deserialize = "b"))]
    age: u8,
}

fn main() {}
