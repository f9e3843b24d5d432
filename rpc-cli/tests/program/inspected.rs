//! `rpc ps`, `rpc kill` and `rpc top` against the demo.

use std::process::{Child, Stdio};

use serde_json::Value;

use crate::{Demo, rpc, run};

/// A call that sleeps, until it is ended.
fn sleeping(demo: &Demo) -> Child {
    let mut command = rpc();
    command.args(["call", &demo.address, "Clock.sleep", "ms=60000"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The calls of a method, once there are so many.
fn listed(demo: &Demo, method: &str, count: usize) -> Vec<Value> {
    loop {
        let ran = demo.run("ps", &[method, "--json"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let calls: Vec<Value> =
            ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if calls.len() == count {
            return calls;
        }
    }
}

#[test]
fn a_call_is_listed_and_ended() {
    let demo = Demo::start();
    let empty = demo.run("ps", &["Clock"]);
    assert_eq!((empty.stdout.as_str(), empty.stderr.as_str()), ("", "0 calls in flight\n"));
    let call = sleeping(&demo);
    let calls = listed(&demo, "Clock.sleep", 1);
    assert_eq!(
        (&calls[0]["method"], &calls[0]["waits_for"]),
        (&"Clock.sleep".into(), &"handler".into())
    );
    let table = demo.run("ps", &["Clock"]);
    assert!(table.stdout.starts_with("CALL  METHOD"), "{}", table.stdout);
    assert_eq!(table.stderr, "1 call in flight\n");
    let number = calls[0]["call"].to_string();
    let ended = demo.run("kill", &[&number]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.starts_with(&format!("ended call {number}: Clock.sleep from 127.0.0.1:")));
    let call = call.wait_with_output().unwrap();
    assert_eq!(call.status.code(), Some(65));
    let told = String::from_utf8(call.stderr).unwrap();
    assert!(told.contains("an operator of the server ended the call"), "{told}");
    listed(&demo, "Clock.sleep", 0);
    let again = demo.run("kill", &[&number]);
    assert_eq!(again.code, 69);
    let slow = demo.run("ps", &["Clock", "--slow"]);
    assert!(
        slow.stdout.contains("CANCELLED: an operator of the server ended the call"),
        "{}",
        slow.stdout
    );
    let slow = demo.run("ps", &["--slow", "--json"]);
    let slow: Value = serde_json::from_str(slow.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(slow["end"], "CANCELLED");
}

#[test]
fn what_comes_in_an_interval_is_printed_once() {
    let demo = Demo::start();
    demo.gives(&["Calculator.add", "a=1", "b=2"], "3");
    let once = demo.run("top", &["--once", "--interval", "100ms"]);
    assert_eq!(once.code, 0, "{}", once.stderr);
    let mut lines = once.stdout.lines();
    assert!(lines.next().unwrap().starts_with("METHOD"));
    assert!(once.stdout.lines().any(|line| line.starts_with("Calculator.add")), "{}", once.stdout);
}

#[test]
fn a_server_that_may_not_be_looked_at_says_so() {
    let (address, _server) = plain();
    for arguments in [&["ps", &address][..], &["kill", &address, "1"], &["top", &address, "--once"]]
    {
        let ran = run(arguments);
        let told = format!(
            "error: {address} cannot be looked at: its program allows it by Server::inspect\n"
        );
        assert_eq!((ran.code, ran.stderr), (76, told));
    }
}

/// A server without anything, and what keeps it.
fn plain() -> (String, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(rpc_core::Server::new().start("127.0.0.1:0")).unwrap();
    (server.address().to_string(), runtime)
}
