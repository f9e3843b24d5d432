//! The report of a short run: parts are measured, drawn, and kept when others are measured again.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{fs, path::Path, process::Command};

/// Runs the report over few transports with further arguments; gives the page.
fn report(out: &Path, arguments: &[&str]) -> String {
    let short = ["report", "--rounds", "1", "--window-ms", "100", "--warm-up-ms", "1", "--quick"];
    let few = ["--only", "limit", "--only", "ours-tcp", "--only", "tonic", "--only", "capnp-rpc"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_benches"));
    // What is beside the program was built with it.
    command.env_remove("CARGO");
    let output =
        command.args(short).args(few).arg("--out").arg(out).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(out.join("benchmarks.md")).unwrap()
}

#[test]
fn parts_are_measured_drawn_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let page =
        report(folder.path(), &["--part", "pinned", "--part", "wire", "--part", "allocations"]);
    for chapter in ["## On one CPU", "## Bytes on the wire", "## Allocations", "## Where we lose"] {
        assert!(page.contains(chapter), "{chapter}: {page}");
    }
    // 18 bytes there and 9 back, as the protocol says.
    assert!(page.contains("| limit | 18.0 / 9.0 |"), "{page}");
    assert!(page.contains("| ours-tcp | 18.0 / 9.0 |"), "{page}");
    assert!(!page.contains("NaN"), "{page}");
    assert!(
        folder.path().join("benchmarks/pinned-add-1x64-both-processes-on-one-cpu.svg").exists()
    );

    let results = folder.path().join("benchmarks/results.json");
    let results = results.to_str().unwrap();
    let page = report(folder.path(), &["--from", results, "--part", "pending"]);
    for chapter in
        ["## On one CPU", "## Bytes on the wire", "## Handlers that are not ready at once"]
    {
        assert!(page.contains(chapter), "{chapter}: {page}");
    }
    assert_eq!(report(folder.path(), &["--from", results]), page);
}
