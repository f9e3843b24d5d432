//! The bench of fleets in one short round: it runs, and no call fails.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::process::Command;

#[test]
fn no_call_fails_when_a_server_is_killed() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_benches")).args(["fleet", "--quick"]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    let killed = text.lines().find(|line| line.starts_with("| killed")).unwrap();
    assert_eq!(killed.split('|').nth(3).unwrap().trim(), "0", "{text}");
    assert!(text.contains("| one slow, hedged at p99 |"), "{text}");
}
