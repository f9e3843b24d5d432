//! All that a type consists of has to be described.

use rpc_core::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
struct Outer {
    inner: Vec<Inner>,
}

#[derive(Serialize, Deserialize)]
struct Inner;

fn main() {}
