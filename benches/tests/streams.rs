//! Each bench of streams in one short round: it runs, and its figures are figures.

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

#[test]
fn items_flow_beside_those_by_hand() {
    let text = table("streams");
    for stream in ["24 bytes, ours", "24 bytes, tonic", "64 KiB, ours"] {
        assert!(text.contains(&format!("| {stream} |")), "{text}");
    }
}

#[test]
fn stalled_streams_are_held() {
    assert!(table("stall").contains("resident memory of the receiver"));
}

#[test]
fn cancelled_handlers_are_counted() {
    let text = table("cancels");
    assert!(text.contains("| handlers left | 0 | 0 | held |"), "{text}");
}

#[test]
fn a_value_is_serialised_once() {
    let text = table("broadcast");
    assert!(text.contains("| serialisations of a value | 1 | 1 | held |"), "{text}");
}

#[test]
fn a_full_room_gets_every_line() {
    let text = table("chat");
    assert!(text.contains("| members of the room, on 50 connections | 100 |"), "{text}");
}
