//! Only a trait lists methods.

use rpc_core::service;

#[service]
struct Calculator;

fn main() {
    let _ = Calculator;
}
