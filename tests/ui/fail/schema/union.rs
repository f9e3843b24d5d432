//! A union does not say what it holds.

use rpc_core::Schema;

#[derive(Schema)]
union Number {
    integer: u64,
    float: f64,
}

fn main() {}
