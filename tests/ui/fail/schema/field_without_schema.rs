//! All fields of a type need descriptions.

use rpc_core::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
struct Outer {
    inner: Vec<Inner>,
}

#[derive(Serialize, Deserialize)]
struct Inner;

fn main() {}
