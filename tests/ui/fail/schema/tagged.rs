//! A variant cannot be told by a field.

use rpc_core::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
#[serde(tag = "kind", content = "value")]
enum Either {
    Number(u8),
    Text(String),
}

fn main() {}
