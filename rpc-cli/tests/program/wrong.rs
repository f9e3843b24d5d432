//! Wrong uses of every subcommand, ten at least of each: one helpful line, and the exit code of what is wrong.

use std::{fmt::Write as _, net::TcpListener};

use crate::{Demo, Ran, expect, rpc};

/// What was typed, with the parts that differ from run to run named.
const USES: &[(&str, &[&str])] = &[
    (
        "call",
        &[
            "ADDRESS",
            "nonsense Calculator.add",
            "NOBODY Calculator.add",
            "ADDRESS add",
            "ADDRESS Calculatr.add",
            "ADDRESS Calculator.ad",
            "ADDRESS Calculator.add a=1",
            "ADDRESS Calculator.add a=1 b=x",
            "ADDRESS Calculator.add a=1 b=2 c=3",
            "ADDRESS Calculator.add a=1 a=2",
            "ADDRESS Calculator.add 1 2 3",
            "ADDRESS Calculator.add {\"a\":1} b=2",
            "ADDRESS Calculator.add out.json",
            "ADDRESS Calculator.add -H key",
            "ADDRESS Calculator.add --codec xml",
            "ADDRESS Calculator.add --timeout soon",
            "ADDRESS Inventory.put item.name=x item.kind=Plian item.stock:={}",
            "ADDRESS Inventory.set_picture name=x picture=@/absent",
            "ADDRESS Clock.sleep ms=60000 --timeout 1s",
        ],
    ),
    (
        "call --explain",
        &[
            "",
            "ADDRESS",
            "nonsense Calculator.add a=1 b=2",
            "NOBODY Calculator.add a=1 b=2",
            "unix:/absent Calculator.add a=1 b=2",
            "ADDRESS add",
            "ADDRESS Calculatr.add a=1 b=2",
            "ADDRESS Calculator.ad a=1 b=2",
            "ADDRESS Calculator.add a=1",
            "ADDRESS Calculator.add a=1 b=x",
            "ADDRESS Calculator.add a=1 b=2 --raw",
            "ADDRESS Calculator.add --template",
            "ADDRESS Calculator.add a=1 b=2 --dry-run",
            "ADDRESS Calculator.average",
            "ADDRESS Clock.ticks every_ms=5",
            "ADDRESS Log.write line=x",
            "ADDRESS Calculator.div a=1 b=0",
            "ADDRESS Clock.sleep ms=60000 --timeout 1s",
        ],
    ),
    (
        "list",
        &[
            "",
            "nonsense",
            "absent.json",
            "NOBODY",
            "ADDRESS Calculatr",
            "ADDRESS Calculator more",
            "ADDRESS --lang",
            "unix:/absent",
            "ADDRESS --max-time 0",
            "ADDRESS --token-file /absent",
        ],
    ),
    (
        "describe",
        &[
            "",
            "nonsense",
            "absent.json",
            "NOBODY",
            "ADDRESS Calculatr",
            "ADDRESS Calculator.ad",
            "ADDRESS Calculator.",
            "ADDRESS Itm",
            "ADDRESS Item --format markdown",
            "ADDRESS --format xml",
            "ADDRESS --json --format html",
        ],
    ),
    (
        "ping",
        &[
            "",
            "nonsense",
            "NOBODY",
            "ADDRESS -n 0",
            "ADDRESS -n x",
            "ADDRESS --interval never",
            "ADDRESS more",
            "ADDRESS --count",
            "unix:/absent",
            "ADDRESS --connect-timeout -1",
        ],
    ),
    (
        "health",
        &[
            "",
            "nonsense",
            "NOBODY",
            "ADDRESS Inventori",
            "ADDRESS Inventory more",
            "ADDRESS --wacth",
            "ADDRESS --watch --max-time 0",
            "ADDRESS --json Nothing",
            "ADDRESS --watch=yes",
            "unix:/absent",
            "ADDRESS --max-time never",
        ],
    ),
    (
        "bench",
        &[
            "",
            "ADDRESS",
            "ADDRESS add",
            "NOBODY Calculator.add a=1 b=2",
            "ADDRESS Calculator.add a=1",
            "ADDRESS Calculator.average",
            "ADDRESS Calculator.add a:=@int(9,1) b=2",
            "ADDRESS Calculator.add a:=@gauss(1) b=2",
            "ADDRESS Calculator.add a=1 b=2 --rate fast",
            "ADDRESS Calculator.add a=1 b=2 --count 1 --duration 1s",
            "ADDRESS Calculator.add a=1 b=2 --json --csv",
            "ADDRESS Calculator.add a=1 b=2 --json=/absent/a",
            "ADDRESS Calculator.add a=1 b=2 --fail-if-worse 5",
            "ADDRESS Calculator.add a=1 b=2 --against NOBODY",
            "ADDRESS Calculator.div a=1 b=0 --count 10",
            "compare absent.json absent.json",
        ],
    ),
    (
        "ps",
        &[
            "",
            "nonsense",
            "NOBODY",
            "unix:/absent",
            "ADDRESS Calculator.add more",
            "ADDRESS --limit 0",
            "ADDRESS --limit many",
            "ADDRESS --older-than never",
            "ADDRESS --slow --older-than 1s",
            "ADDRESS --slo",
            "ADDRESS --max-time 0",
        ],
    ),
    (
        "kill",
        &[
            "",
            "ADDRESS",
            "nonsense 1",
            "NOBODY 1",
            "ADDRESS x",
            "ADDRESS -1",
            "ADDRESS 99999999",
            "ADDRESS 99999999 99999998",
            "ADDRESS 18446744073709551616",
            "ADDRESS 1 --force",
            "unix:/absent 1",
        ],
    ),
    (
        "top",
        &[
            "",
            "nonsense",
            "NOBODY",
            "ADDRESS",
            "ADDRESS --interval never",
            "ADDRESS --interval 1ms",
            "ADDRESS --once --interval 0",
            "ADDRESS --onc",
            "ADDRESS Calculator",
            "nonsense --once",
            "ADDRESS --once --max-time 0",
            "unix:/absent --once",
            "NOBODY --once",
        ],
    ),
    (
        "schema",
        &[
            "",
            "sav",
            "save",
            "save nonsense",
            "save NOBODY",
            "save ADDRESS Calculatr",
            "save ADDRESS --out /dev/null/a.json",
            "diff absent.json",
            "diff absent.json absent.json",
            "diff ADDRESS absent.json",
            "diff ADDRESS ADDRESS --ignore no-such-rule",
        ],
    ),
    (
        "codegen",
        &[
            "",
            "ADDRESS",
            "ADDRESS --lang cobol",
            "ADDRESS --lang python",
            "NOBODY --lang rust",
            "nonsense --lang rust",
            "absent.json --lang rust",
            "ADDRESS --lang rust Calculatr",
            "ADDRESS --lang rust --out /dev/null/b",
            "ADDRESS --lang python --out /dev/null",
            "--config /absent",
        ],
    ),
    (
        "new",
        &[
            "",
            "Upper",
            "2x",
            "fn",
            "self",
            "test",
            "core",
            "tokio",
            "rpc-core",
            ".",
            "a b",
            "x --rpc-core /absent",
        ],
    ),
    (
        "demo",
        &[
            "more",
            "--listen nonsense",
            "--listen ADDRESS",
            "--listen 127.0.0.1:99999",
            "--listen 203.0.113.1:7000",
            "--listen unix:/absent/socket",
            "--port 1",
            "--listen",
            "--listen tls:127.0.0.1:0 --key /absent --cert /absent",
            "--listen 127.0.0.1:0 --key /absent",
        ],
    ),
    (
        "repl",
        &[
            "",
            "nonsense",
            "NOBODY",
            "ADDRESS more",
            "unix:/absent",
            "unix:",
            "127.0.0.1",
            "ADDRESS --token-file /absent",
            "ADDRESS --cacert /absent",
            "ADDRESS --connect-timeout 0",
        ],
    ),
    (
        "completions",
        &[
            "",
            "tcsh",
            "bash zsh",
            "--shell bash",
            "Bash",
            "sh",
            "nushell",
            "--help=x",
            "1",
            "bash --out x",
        ],
    ),
    (
        "gateway",
        &[
            "",
            "ADDRESS",
            "--upstream nonsense",
            "--upstream NOBODY",
            "--upstream ADDRESS --listen nonsense",
            "--upstream ADDRESS --listen ADDRESS",
            "--upstream ADDRESS --listen ws:127.0.0.1:0",
            "--upstream ADDRESS --listen unix:/absent/socket",
            "--upstream ADDRESS --allow-origin app.example",
            "--upstream ADDRESS --tls-cert /absent",
            "--upstream ADDRESS --tls-cert /absent --tls-key /absent",
            "--upstream unix:/absent",
        ],
    ),
    (
        "ui",
        &[
            "",
            "nonsense",
            "NOBODY",
            "ADDRESS more",
            "ADDRESS --port 99999",
            "ADDRESS --port x",
            "ADDRESS --port",
            "ADDRESS --listen 127.0.0.1:0",
            "unix:/absent",
            "ADDRESS --cacert /absent",
            "ADDRESS --token-file /absent",
        ],
    ),
    (
        "cert",
        &[
            "",
            "prod /tmp",
            "dev",
            "dev /dev/null",
            "dev /dev/null/x",
            "dev x y",
            "dev /proc/x",
            "dev --name",
            "--dev",
            "dev --days 0 x",
        ],
    ),
];

/// Options of clap's own messages go over several lines; the first says what is wrong.
fn said(ran: &Ran) -> String {
    let mut lines = ran.stderr.lines().filter(|line| !line.trim().is_empty());
    let usage = ran.code == 2
        && (ran.stderr.contains("Usage: ") || ran.stderr.contains("For more information"));
    match usage {
        true => lines.take_while(|line| !line.starts_with("Usage: ")).collect::<Vec<_>>().join(" "),
        false => {
            // What went before is told of the steps of a command that went well.
            let is_error =
                |line: &&str| line.starts_with("error: ") || line.starts_with("{\"error\"");
            let first = lines.find(is_error).unwrap_or_default();
            let more: Vec<_> = lines.collect();
            assert!(more.is_empty(), "more than one line: {ran:?}");
            first.to_owned()
        }
    }
}

#[test]
fn every_wrong_use_is_told_in_one_line_with_its_exit_code() {
    let demo = Demo::start();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let folder = tempfile::TempDir::new().unwrap();
    let mut all = String::new();
    for (command, uses) in USES {
        assert!(uses.len() >= 10, "{command} has {} wrong uses", uses.len());
        for typed in *uses {
            let words = typed.split(' ').filter(|word| !word.is_empty());
            let words =
                words.map(|word| word.replace("ADDRESS", &demo.address).replace("NOBODY", &free));
            let words: Vec<String> = match typed {
                // The one name with a space.
                &"a b" => vec!["a b".to_owned()],
                _ => words.collect(),
            };
            let ran: Ran = rpc()
                .args(command.split(' '))
                .args(words)
                .current_dir(folder.path())
                .output()
                .unwrap()
                .into();
            let said = said(&ran).replace(&demo.address, "ADDRESS").replace(&free, "NOBODY");
            let pid = format!("process {}", demo.child.id());
            // Either side may be the first to see that the time is over.
            let said = said.replace("while the handler ran", "before the reply came");
            let said = said.replace(&pid, "process PID");
            writeln!(all, "$ rpc {command} {typed}\n{said}\n[{}]\n", ran.code).unwrap();
            assert_ne!(ran.code, 0, "rpc {command} {typed} went well: {ran:?}");
            assert!(!said.is_empty(), "rpc {command} {typed} said nothing: {ran:?}");
        }
    }
    expect("wrong-uses.txt", &all);
}
