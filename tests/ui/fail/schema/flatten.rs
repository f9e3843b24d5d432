//! Fields cannot be merged into the struct around them.

use rpc_core::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
struct Outer {
    #[serde(flatten)]
    inner: Inner,
}

#[derive(Serialize, Deserialize, Schema)]
struct Inner {
    x: u8,
}

fn main() {}
