//! `rpc repl`, typed at by a program.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
};

use tempfile::TempDir;

use crate::{Demo, Ran, expect, rpc, run};

/// Types these lines at a prompt of its own.
fn typed(address: &str, lines: &[&str]) -> Ran {
    let state = TempDir::new().unwrap();
    let mut command = rpc();
    command.env("XDG_STATE_HOME", state.path()).args(["repl", address]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

#[test]
fn calls_are_made_as_typed() {
    let demo = Demo::start();
    let ran = typed(
        &demo.address,
        &[
            "Calculator.add a=1 b=2",
            "Calculator.sum {\"numbers\":",
            "  [1, 2,",
            "   4]}",
            "Calculator.average",
            "1",
            "2",
            "",
            "Log.shout",
            "rock 'n roll",
            "",
            "Clock.ticks every_ms=1 count=3",
            ":set header who=me",
            ":set timeout 1m",
            "Clock.whoami",
        ],
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines[..7], ["3", "7", "1.5", r#""ROCK 'N ROLL""#, "1", "2", "3"]);
    assert!(lines[7].contains(r#""metadata":{"who":"me"}"#), "{}", lines[7]);
    assert!(!lines[7].contains(r#""remaining_ms":null"#), "{}", lines[7]);
}

#[test]
fn quotes_are_those_of_a_shell_and_leaving_has_many_words() {
    let demo = Demo::start();
    for leave in [":quit", "quit", "exit", ":exit"] {
        let lines = ["Calculator.sum 'numbers:=[1, 2,3]'", leave, "Calculator.add a=2 b=2"];
        let ran = typed(&demo.address, &lines);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "6\n", ""), "{leave}");
    }
}

#[test]
fn a_server_that_was_started_again_is_found_at_the_next_line() {
    let state = TempDir::new().unwrap();
    // Not a port, which another test might get meanwhile.
    let address = format!("unix:{}", state.path().join("demo").display());
    let demo = Demo::listening(&address);
    let mut command = rpc();
    command.env("XDG_STATE_HOME", state.path()).args(["repl", &address]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    writeln!(stdin, "Calculator.add a=1 b=2").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "3");

    drop(demo);
    for line in ["Calculator.add a=1 b=2", ":list"] {
        writeln!(stdin, "{line}").unwrap();
        assert_eq!(told.next().unwrap().unwrap(), "the connection was lost: reconnecting");
        let nobody = format!("error: nothing is listening at {address}");
        assert_eq!(told.next().unwrap().unwrap(), nobody);
    }

    let _demo = Demo::listening(&address);
    writeln!(stdin, "Calculator.add a=3 b=4").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "7");
    assert_eq!(told.next().unwrap().unwrap(), "the connection was lost: reconnecting");
    writeln!(stdin, ":template Calculator.sum\nquit").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "{");
    // What failed meanwhile has failed.
    assert_eq!(child.wait().unwrap().code(), Some(78));
    assert!(told.next().is_none());
}

#[test]
fn mistakes_are_told_and_the_prompt_goes_on() {
    let demo = Demo::start();
    let ran = typed(
        &demo.address,
        &[
            "Clok.now",
            "Calculator.ad a=1",
            "Calculator.add a=x b=1",
            "Calculator",
            "Calculator.div a=1 b=0",
            ":set timeout soon",
            ":set timeout 50ms",
            "Clock.sleep ms=60000",
            ":what",
            "Calculator.average",
            "x",
            "",
            "Calculator.add a=1 b=1",
            ":quit",
            "Calculator.add a=2 b=2",
        ],
    );
    assert_eq!((ran.code, ran.stdout.as_str()), (76, "2\n"));
    // Either side may be the first to see that the time is over.
    let told = ran.stderr.replace("while the handler ran", "before the reply came");
    expect("repl-mistakes.txt", &told.replace(&demo.address, "ADDRESS"));
}

#[test]
fn it_tells_what_there_is() {
    let demo = Demo::start();
    let ran =
        typed(&demo.address, &[":help", ":describe Calculator.div", ":template Calculator.add"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    expect("repl-told.txt", &ran.stdout);
    let list = typed(&demo.address, &[":list"]).stdout;
    assert_eq!(list.lines().next(), Some("Calculator"));
}

#[test]
fn a_script_fails_if_any_of_its_lines_did() {
    let demo = Demo::start();
    for (lines, code) in [
        (&["Calculator.add a=x"][..], 67),
        (&["Calculator.div a=1 b=0", ""], 66),
        (&["Calculator.add a=x", ":quit"], 67),
        (&["Calculator.add a=x", "Calculator.add a=1 b=1"], 67),
        (&["Calculator.div a=1 b=0", "Calculator.add a=x", ":list"], 66),
        (&["Calculator.average", "x", "", "Calculator.add a=1 b=1"], 67),
        (&[":set timeout soon", "Calculator.add a=1 b=1"], 67),
    ] {
        let ran = typed(&demo.address, lines);
        assert_eq!(ran.code, code, "{lines:?}: {ran:?}");
        let failures = if code == 66 && lines.len() == 3 { 2 } else { 1 };
        assert_eq!(ran.stderr.lines().count(), failures, "{lines:?}: {ran:?}");
    }
}

#[test]
fn a_script_has_comments() {
    let demo = Demo::start();
    let lines = ["#!/usr/bin/env rpc", "# it's {", "  # so", "Calculator.add a=1 b=2", "#"];
    let ran = typed(&demo.address, &lines);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (0, "3\n", ""));
}

#[test]
fn a_script_that_ends_within_a_line_says_so() {
    let demo = Demo::start();
    for lines in
        [&["Calculator.add a=1 b=2", "Calculator.add {"][..], &["Calculator.average", "1", "[2,"]]
    {
        let ran = typed(&demo.address, lines);
        let told = "error: the last line does not end: a bracket or a quote is open\n";
        assert_eq!((ran.code, ran.stderr.as_str()), (67, told), "{lines:?}");
    }
}

#[test]
fn the_history_is_not_left_in_the_folder_where_it_was_started() {
    let demo = Demo::start();
    for state in ["", "relative"] {
        let folder = TempDir::new().unwrap();
        let mut command = rpc();
        command.env("XDG_STATE_HOME", state).env("HOME", folder.path().join("home"));
        command.current_dir(folder.path()).args(["repl", &demo.address]);
        assert!(command.output().unwrap().status.success());
        let made: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(made.len(), 1, "{made:?}");
        assert!(folder.path().join("home/.local/state/rpc").exists());
    }
}

#[test]
fn nobody_there_is_one_line() {
    let ran = run(&["repl", "127.0.0.1:1"]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (78, 1), "{ran:?}");
}
