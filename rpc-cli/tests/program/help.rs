//! Help texts, and the scripts for shells.

use std::process::Stdio;

use crate::{Ran, expect, rpc, run};

#[test]
fn help_reads_as_it_should() {
    expect("help.txt", &run(&["help"]).stdout);
    for command in [
        "demo",
        "list",
        "describe",
        "call",
        "ping",
        "health",
        "bench",
        "ps",
        "kill",
        "top",
        "codegen",
        "schema",
        "repl",
        "new",
        "cert",
        "completions",
    ] {
        expect(&format!("help-{command}.txt"), &run(&[command, "--help"]).stdout);
    }
    for command in ["save", "diff"] {
        expect(&format!("help-schema-{command}.txt"), &run(&["schema", command, "--help"]).stdout);
    }
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]).stdout;
        for command in ["demo", "describe", "ping"] {
            assert!(script.contains(command), "{shell} lacks {command}");
        }
    }
}

#[test]
fn a_reader_may_have_enough_of_a_script() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        // Closed before anything is written, so that no script fits into the pipe.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = rpc();
        command.args(["completions", shell]).stdout(writer).stderr(Stdio::piped());
        let ran: Ran = command.output().unwrap().into();
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{shell}");
    }
}

#[test]
fn wrong_usage_is_exit_code_two() {
    for arguments in [&["frobnicate"][..], &[], &["call"], &["ping", "-n", "0", "x:1"]] {
        let ran = run(arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.stdout, "");
    }
}
