//! Handlers move between threads.

use std::rc::Rc;

use rpc_core::service;

#[service]
trait Calculator {
    async fn add(&self, a: i64) -> i64;
}

struct Pocket;

impl Calculator for Pocket {
    async fn add(&self, a: i64) -> i64 {
        let a = Rc::new(a);
        std::future::ready(()).await;
        *a
    }
}

fn main() {}
