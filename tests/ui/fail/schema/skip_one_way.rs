//! A field cannot travel in one direction only.

use rpc_core::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
struct User {
    name: String,
    #[serde(skip_serializing)]
    password: String,
}

fn main() {}
