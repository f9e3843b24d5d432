//! The benches of fleets and of survival in one short round each: they run, and no call fails that must not.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::process::Command;

/// Runs a bench and gives its tables.
fn tables(arguments: &[&str]) -> String {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_benches"));
    let output = bench.args(arguments).env_remove("SOCKET_IO").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    text
}

/// The cells of the row that begins so.
fn row<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.starts_with(&format!("| {name} |")));
    line.unwrap_or_else(|| panic!("no row {name} in {text}")).split('|').map(str::trim).collect()
}

#[test]
fn what_survives_a_cutter_has_neither_failed_nor_run_twice() {
    let text = tables(&["survive", "--quick"]);
    for name in ["ours, `#[rpc(once)]`", "ours, resumption"] {
        let row = row(&text, name);
        assert_eq!((row[4], row[7]), ("0", "0"), "{text}");
    }
    // What is failed is told the truth: none of it is repeated by this framework.
    assert_eq!(row(&text, "ours")[7], "0", "{text}");
    for name in ["ours", "ours, failed calls repeated", "ours, `#[rpc(once)]`", "ours, resumption"]
    {
        assert_eq!(row(&text, name)[8], "0", "a call hangs: {text}");
    }
    assert_eq!(row(&text, "started again at once")[4], "0", "{text}");
}

#[test]
fn minutes_of_all_that_survives_are_exactly_once() {
    let text = tables(&["survive-soak", "--minutes", "0.05"]);
    for fault in [
        "run twice",
        "told something false of whether they ran",
        "failed and not started",
        "idempotent calls that failed",
        "streams with items lost, doubled or out of order",
    ] {
        assert_eq!(row(&text, fault)[2], "0", "{text}");
    }
}

#[test]
fn no_call_fails_when_a_server_is_killed() {
    let text = tables(&["fleet", "--quick"]);
    let killed = text.lines().find(|line| line.starts_with("| killed")).unwrap();
    assert_eq!(killed.split('|').nth(3).unwrap().trim(), "0", "{text}");
    assert!(text.contains("| one slow, hedged at p99 |"), "{text}");
}
