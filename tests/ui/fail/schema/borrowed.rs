//! Contents cannot be borrowed.

use rpc_core::Schema;
use serde::Serialize;

#[derive(Serialize, Schema)]
struct Line<'a> {
    text: &'a str,
}

fn main() {}
