//! Output that does not get to where it is to go.

#![cfg(target_os = "linux")]

use std::{
    fs::OpenOptions,
    process::{Command, Stdio},
};

use crate::{Demo, Ran, rpc};

/// Runs the program with its output on a disk that is full.
fn run_on_a_full_disk(arguments: &[&str]) -> Ran {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = rpc();
    command.args(arguments).stdout(full).stderr(Stdio::piped());
    command.output().unwrap().into()
}

#[test]
fn lost_output_is_no_success() {
    let demo = Demo::start();
    let address = &*demo.address;
    for arguments in [
        &["list", address][..],
        &["list", address, "--json"],
        &["describe", address],
        &["describe", address, "--format", "html"],
        &["schema", "save", address],
        &["call", address, "Calculator.add", "a=1", "b=2"],
        &["call", address, "--raw", "Inventory.picture", "name=lamp"],
        &["call", address, "Clock.ticks", "every_ms=1"],
        &["call", address, "--template", "Calculator.add"],
        &["ping", address, "-n", "1"],
        &["bench", address, "Clock.now", "--count", "1"],
        &["completions", "bash"],
        &["--help"],
        &["call", "--help"],
        &["--version"],
    ] {
        let ran = run_on_a_full_disk(arguments);
        assert_eq!(ran.code, 1, "{arguments:?}: {ran:?}");
        let last = ran.stderr.lines().last().unwrap_or_default();
        assert!(last.contains("cannot write to stdout: "), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn ctrl_c_ends_the_loop_of_a_shell_too() {
    let demo = Demo::start();
    let script = format!(
        "for i in 1 2 3; do echo $i; '{}' call {} Clock.ticks every_ms=3600000; done; echo after",
        env!("CARGO_BIN_EXE_rpc"),
        demo.address
    );
    // Whoever runs tests in the background may ignore the signal, which shells then do as well.
    let mut shell = Command::new("env");
    shell
        .args(["--default-signal=INT", "bash", "-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // A group of its own, as a terminal has it: the signal goes to shell and program.
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let mut child = shell.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    // The number, and the first item: the call runs.
    assert_eq!([(); 2].map(|()| lines.next().unwrap().unwrap()), ["1", "1"]);
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().unwrap().success());
    assert_eq!(crate::code(child.wait().unwrap()), 130);
    assert!(lines.next().is_none(), "the loop went on");
}
