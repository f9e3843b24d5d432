//! A variant cannot be left to be guessed.

use rpc_core::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
#[serde(untagged)]
enum Either {
    Number(u8),
    Text(String),
}

fn main() {}
