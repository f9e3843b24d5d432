//! The bench of TLS in one short round: it runs, and what does not depend on the machine holds.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::process::Command;

#[test]
fn tls_is_measured_beside_what_is_plain() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_benches"));
    let output = command.args(["tls", "--quick", "--connections", "2000"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    for row in [
        "| ours-tls |",
        "| tonic-tls |",
        "| bar of ours-tls |",
        "| 40 idle connections |",
        "| a whole handshake |",
        "| one that goes on with a session |",
        "| connections of theirs left | 0 | 0 | held |",
    ] {
        assert!(text.contains(row), "{row}: {text}");
    }
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}
