//! Items have a type.

use rpc_core::service;

#[service]
trait Feed {
    fn ticks(&self) -> impl Stream;
}

fn main() {}
