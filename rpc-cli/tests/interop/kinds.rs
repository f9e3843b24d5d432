//! The tables of kinds in the run-times are the one of the protocol.

use std::fmt::Write as _;

use rpc_core::proto::wire::{
    Flags,
    kinds::{About, Carries, KINDS},
};
use tokio::process::Command;

/// What Python says of its own table, a line for each kind as [`expected`] writes it.
const PYTHON: &str = "
import sys, types
# The package without its `__init__`: the table alone is looked at.
sys.modules['runtime'] = types.ModuleType('runtime')
sys.modules['runtime'].__path__ = [sys.argv[1]]
from runtime.frames import EXT, JSON, KINDS, MINE, MORE
flags = {'more': MORE, 'json': JSON, 'ext': EXT, 'mine': MINE}
for number, kind in KINDS.items():
    may, must = (' '.join(name for name in flags if flags[name] & of) for of in (kind.may, kind.must))
    print(f'{number} {kind.name.lower()} [{may}] [{must}] {kind.about} {kind.carries}')
";

/// The protocol's table, a line for each kind.
fn expected() -> String {
    let mut text = String::new();
    for row in KINDS {
        let about = match row.about {
            About::Connection => "connection",
            About::Call => "call",
            About::Either => "either",
            other => panic!("nobody has told the run-times of {other:?}"),
        };
        let carries = match row.carries {
            Carries::Message => "message",
            Carries::Fields => "fields",
            other => panic!("nobody has told the run-times of {other:?}"),
        };
        let (number, name) = (row.kind as u8, row.name);
        let (may, must) = (names(row.may), names(row.must));
        writeln!(text, "{number} {name} [{may}] [{must}] {about} {carries}").unwrap();
    }
    text
}

fn names(flags: Flags) -> String {
    let all =
        [(Flags::MORE, "more"), (Flags::JSON, "json"), (Flags::EXT, "ext"), (Flags::MINE, "mine")];
    let set: Vec<_> = all.iter().filter(|(flag, _)| flags.contains(*flag)).collect();
    set.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

fn runtime(folder: &str) -> String {
    format!("{}/runtimes/{folder}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn python_has_the_protocols_table_of_kinds() {
    let mut python = Command::new("python3");
    python.args(["-c", PYTHON, &runtime("python/rpc_runtime")]).env("PYTHONDONTWRITEBYTECODE", "1");
    let done = python.output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(String::from_utf8(done.stdout).unwrap(), expected());
}

/// Read from the source, for not everybody has the compiler: a row that is written in another way is missed here, and
/// the tables differ.
#[test]
fn typescript_has_the_protocols_table_of_kinds() {
    let source = std::fs::read_to_string(runtime("typescript/src") + "/frames.ts").unwrap();
    let (_, table) = source.split_once("export const KINDS = [").expect("the table has gone");
    let (table, _) = table.split_once("] as const;").expect("the table has no end");
    let mut text = String::new();
    for row in table.split_inclusive("},").filter(|row| !row.trim().is_empty()) {
        let field = |name: &str| {
            let (_, rest) = row.split_once(&format!(" {name}: ")).unwrap_or_default();
            rest.split([',', '}']).next().unwrap_or_default().trim().trim_matches('"')
        };
        let (number, name, may, must) =
            (field("number"), field("name"), field("may"), field("must"));
        let (about, carries) = (field("about"), field("carries"));
        writeln!(text, "{number} {name} [{may}] [{must}] {about} {carries}").unwrap();
    }
    assert_eq!(text, expected());
}
