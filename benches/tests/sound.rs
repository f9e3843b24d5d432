//! Each bench of soundness in one short round: it runs, and what does not depend on the machine holds.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::process::Command;

/// Runs a command of the bench program and gives its table.
fn table(command: &str) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_benches")).args([command, "--quick"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    text
}

/// The cells of the row that begins with `name`.
fn row<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.starts_with(&format!("| {name}")));
    line.unwrap_or_else(|| panic!("no row {name} in {text}")).split('|').map(str::trim).collect()
}

#[test]
fn calls_run_as_often_as_their_callers_are_told() {
    let text = table("soak");
    for fault in [
        "answered, but not run exactly once",
        "not started, but run",
        "run more than once",
        "handlers without a call, or without an end",
        "streams with items missing or out of order, wrong answers",
        "failures without a cause",
    ] {
        assert_eq!(row(&text, fault)[2], "0", "{text}");
    }
    // All of it has happened.
    for happened in ["phases, connections cut", "calls answered", "calls back"] {
        let counts = row(&text, happened)[2].split(", ");
        assert!(counts.clone().all(|count| count.parse::<u64>().unwrap() > 0), "{text}");
    }
    // At rest both sides hold what they held at first.
    for held in
        ["files of the server", "files of the client", "tasks of the server", "tasks of the client"]
    {
        let (first, last) =
            row(&text, held)[2].split_once(',').unwrap().0.split_once(" to ").unwrap();
        assert_eq!(first, last, "{text}");
    }
}

#[test]
fn neighbours_of_floods_are_served() {
    let text = table("side-by-side");
    for flood in
        ["one-way calls", "calls of 30 us of CPU", "streams of 24 bytes", "echoes of 1 MiB"]
    {
        assert_ne!(row(&text, flood)[2], "0", "{text}");
    }
}

#[test]
fn streams_that_wait_are_read_to_the_end() {
    assert!(row(&table("waiting-streams"), "200")[2].ends_with("ns"));
}

#[test]
fn a_good_client_is_served_beside_attackers() {
    let text = table("hostile");
    assert_eq!(row(&text, "growth of the server")[4], "held", "{text}");
    assert_eq!(row(&text, "connections of theirs left")[2], "0", "{text}");
    assert!(row(&text, "calls of a good client")[2].parse::<u64>().unwrap() > 0, "{text}");
}

#[test]
fn strangers_are_told_why_on_every_face() {
    let text = table("strangers");
    assert!(!text.contains("WRONG"), "{text}");
    for client in ["the protocol", "JSON-RPC over HTTP", "in a WebSocket in TLS"] {
        assert!(
            row(&text, client)[3].split(',').next().unwrap().parse::<u64>().unwrap() > 0,
            "{text}"
        );
    }
    assert_eq!(row(&text, "connections left")[2], "0", "{text}");
}

#[test]
fn layers_are_measured_beside_nothing() {
    let text = table("layers");
    for name in [
        "nothing",
        "a layer that reads the head",
        "trace and metrics on the server",
        "inspect",
        "cache, all hits",
        "200 calls in flight, all listed",
    ] {
        row(&text, name);
    }
}
