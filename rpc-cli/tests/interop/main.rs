//! Generated clients in other languages against a live server: one suite, run from Rust, Python and Node.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]
#![allow(missing_docs, unreachable_pub)]

#[rustfmt::skip]
#[path = "../expected/rust/services.rs"]
mod generated;
mod kinds;
mod program;
mod python;
mod rust;
mod services;
mod typescript;

use std::{process::Stdio, time::Duration};

use tokio::process::Command;

/// The longest that a suite may take before it counts as stuck.
const STUCK: Duration = Duration::from_secs(1800);

/// Serves everything on a port of its own while `suite` runs.
async fn beside_server(suite: impl AsyncFnOnce(String)) {
    let running = services::server().start("127.0.0.1:0").await.unwrap();
    suite(running.address().to_string()).await;
    running.shutdown().await;
}

/// Generates a client into a folder, with the real program.
async fn generate(address: &str, language: &str, folder: &std::path::Path) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rpc"));
    command.args(["codegen", address, "--lang", language, "--out"]).arg(folder);
    let done = command.stdin(Stdio::null()).output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Runs a program that prints a line `ok NAME` or `not ok NAME: WHY` for each case.
async fn run(command: &mut Command, least: usize) {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let done = tokio::time::timeout(STUCK, command.output()).await.expect("stuck").unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    let failed: Vec<&str> = text.lines().filter(|line| line.starts_with("not ok")).collect();
    let passed = text.lines().filter(|line| line.starts_with("ok ")).count();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(failed.is_empty() && done.status.success(), "{}\n{errors}", failed.join("\n"));
    assert!(passed >= least, "{passed} cases of at least {least} ran\n{errors}");
}

#[tokio::test]
async fn the_services_run() {
    beside_server(async |address| {
        let exchange = services::ExchangeClient::connect(address).await.unwrap();
        assert_eq!(exchange.add(1, 2).await.unwrap(), 3);
    })
    .await;
}
