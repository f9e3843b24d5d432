//! The program as people run it: its help, its output, its errors and exit codes, against its own demo on a
//! free port. Expected texts are files in `tests/expected`; `UPDATE=1` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod access;
mod bench;
mod calls;
mod codegen;
mod demo;
mod documents;
mod explain;
mod gateway;
mod health;
mod help;
mod hostile;
mod inspected;
mod lost;
mod repl;
mod silence;
mod strangers;
mod streams;
mod tls;
mod wrong;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
};

/// The program, without colours and without a terminal.
fn rpc() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rpc"));
    command.env("NO_COLOR", "1").env_remove("RPC_TOKEN").stdin(Stdio::null());
    command
}

/// What a run of the program printed, and how it ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: code(output.status),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The exit code, as shells give it for programs that a signal ended too.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn run(arguments: &[&str]) -> Ran {
    rpc().args(arguments).output().unwrap().into()
}

fn run_with_stdin(arguments: &[&str], stdin: &str) -> Ran {
    let mut command = rpc();
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A demo server that ends with the test.
struct Demo {
    child: Child,
    address: String,
}

impl Demo {
    fn start() -> Self {
        Self::listening("127.0.0.1:0")
    }

    fn listening(address: &str) -> Self {
        Self::with(&["--listen", address])
    }

    fn with(options: &[&str]) -> Self {
        let mut command = rpc();
        command.arg("demo").args(options).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().to_owned() }
    }

    /// Runs `rpc COMMAND ADDRESS ARGUMENTS…`.
    fn run(&self, command: &str, arguments: &[&str]) -> Ran {
        run(&[&[command, &self.address], arguments].concat())
    }

    /// Runs `rpc call ADDRESS ARGUMENTS…` and demands this result.
    #[track_caller]
    fn gives(&self, arguments: &[&str], expected: &str) {
        let ran = self.run("call", arguments);
        assert_eq!((ran.code, ran.stdout.trim()), (0, expected), "{}", ran.stderr);
    }

    /// Runs `rpc call ADDRESS ARGUMENTS…` and demands this error and exit code.
    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32, expected: &str) {
        let ran = self.run("call", arguments);
        let error = ran.stderr.replace(&self.address, "ADDRESS");
        assert_eq!((ran.code, error.trim()), (code, expected));
        assert_eq!(ran.stdout, "");
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Compares a text with the file of that name.
#[track_caller]
fn expect(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} differs; UPDATE=1 writes it anew. It is now:\n{text}");
}
