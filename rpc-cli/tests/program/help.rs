//! Help texts, and the scripts for shells.

use crate::{expect, run};

#[test]
fn help_reads_as_it_should() {
    expect("help.txt", &run(&["help"]).stdout);
    for command in [
        "demo",
        "list",
        "describe",
        "call",
        "ping",
        "bench",
        "codegen",
        "schema",
        "repl",
        "new",
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
fn wrong_usage_is_exit_code_two() {
    for arguments in [&["frobnicate"][..], &[], &["call"], &["ping", "-n", "0", "x:1"]] {
        let ran = run(arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.stdout, "");
    }
}
