//! A project that `rpc new` has made compiles, and its own test passes.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{fs::File, path::Path, process::Command};

#[test]
fn a_new_project_passes_its_test() {
    let parent = tempfile::TempDir::new().unwrap();
    let folder = parent.path().join("my-service");
    let made = Command::new(env!("CARGO_BIN_EXE_rpc")).arg("new").arg(&folder).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(folder.join(".git").is_dir(), "no repository was begun");
    // What is locked here is known to build, and need not be fetched.
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let target = workspace.join("target").join("new-project");
    std::fs::create_dir_all(&target).unwrap();
    // Cargo's own lock ends with its build: a second run of this test would then replace what the first runs.
    let alone = File::create(target.join("test.lock")).unwrap();
    alone.lock().unwrap();
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(arguments).current_dir(&folder);
        cargo.env("CARGO_TARGET_DIR", &target).output().unwrap()
    };
    let tested = cargo(&["test", "--quiet", "--workspace"]);
    let (out, errors) =
        (String::from_utf8_lossy(&tested.stdout), String::from_utf8_lossy(&tested.stderr));
    assert!(tested.status.success(), "{out}\n{errors}");
    assert!(out.contains("2 passed"), "{out}");
    assert!(!errors.contains("warning"), "{errors}");
    let api = std::fs::read_to_string(folder.join("api/src/lib.rs")).unwrap();
    assert!(api.contains("pub trait MyService {"), "{api}");
    for (program, arguments, error) in [
        ("my-service-client", &["Ada", "127.0.0.1:1"][..], "nothing is listening at 127.0.0.1:1"),
        ("my-service-server", &["nonsense"], "\"nonsense\" is not an address: "),
    ] {
        let ran = cargo(&[&["run", "--quiet", "-p", program, "--"], arguments].concat());
        let told = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{ran:?}");
        assert!(told.starts_with(&format!("error: {error}")), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn a_minimal_project_passes_its_test() {
    let parent = tempfile::TempDir::new().unwrap();
    let folder = parent.path().join("tiny");
    let mut rpc = Command::new(env!("CARGO_BIN_EXE_rpc"));
    let made = rpc.args(["new", "--minimal", "--no-git"]).arg(&folder).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    assert!(!folder.join(".git").exists());
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    let target = workspace.join("target").join("new-project");
    std::fs::create_dir_all(&target).unwrap();
    let alone = File::create(target.join("test.lock")).unwrap();
    alone.lock().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--quiet"]).current_dir(&folder).env("CARGO_TARGET_DIR", &target);
    let tested = cargo.output().unwrap();
    let (out, errors) =
        (String::from_utf8_lossy(&tested.stdout), String::from_utf8_lossy(&tested.stderr));
    assert!(tested.status.success() && out.contains("1 passed"), "{out}\n{errors}");
    assert!(!errors.contains("warning"), "{errors}");
}

#[test]
fn a_new_project_is_formatted_whatever_it_is_called() {
    let parent = tempfile::TempDir::new().unwrap();
    // Before and behind the names of all crates that it uses, and as long as a name is likely to be.
    for name in ["a", "greeter", "zebra", "my-service", "a-name-that-is-as-long-as-anybody-would"] {
        let folder = parent.path().join(name);
        for minimal in [&[][..], &["--minimal"]] {
            let mut rpc = Command::new(env!("CARGO_BIN_EXE_rpc"));
            let made = rpc.args(["new", "--no-git"]).args(minimal).arg(&folder).output();
            assert!(made.unwrap().status.success());
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["fmt", "--all", "--", "--check"]).current_dir(&folder);
            let checked = cargo.output().unwrap();
            assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
            std::fs::remove_dir_all(&folder).unwrap();
        }
    }
}
