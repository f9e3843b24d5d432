//! A project that `rpc new` has made compiles, and its own test passes.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{fs::File, path::Path, process::Command};

#[test]
fn a_new_project_passes_its_test() {
    let parent = tempfile::TempDir::new().unwrap();
    let folder = parent.path().join("my-service");
    let made = Command::new(env!("CARGO_BIN_EXE_rpc")).arg("new").arg(&folder).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    // What is locked here is known to build, and need not be fetched.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let target = workspace.join("target").join("new-project");
    std::fs::create_dir_all(&target).unwrap();
    // Cargo's own lock ends with its build: a second run of this test would then replace what the first runs.
    let alone = File::create(target.join("test.lock")).unwrap();
    alone.lock().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--quiet", "--workspace"]).current_dir(&folder);
    let tested = cargo.env("CARGO_TARGET_DIR", target).output().unwrap();
    let (out, errors) =
        (String::from_utf8_lossy(&tested.stdout), String::from_utf8_lossy(&tested.stderr));
    assert!(tested.status.success(), "{out}\n{errors}");
    assert!(out.contains("2 passed"), "{out}");
    assert!(!errors.contains("warning"), "{errors}");
}
