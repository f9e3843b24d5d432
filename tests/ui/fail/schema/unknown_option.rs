//! Options of our own are few.

use rpc_core::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Schema)]
#[schema(rename = "Person")]
struct User;

fn main() {}
