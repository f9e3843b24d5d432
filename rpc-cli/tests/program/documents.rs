//! Descriptions as documents: saved, compared, and in the forms of others.

use std::{collections::BTreeSet, fs, path::Path};

use rpc_core::schema::{Document, MethodKind, ServiceBuilder};
use tempfile::TempDir;

use crate::{Demo, Ran, expect, rpc, run};

/// Writes a schema with one method, `S.m`, to a file.
fn saved(folder: &TempDir, name: &str, wide: bool) -> String {
    let mut service = ServiceBuilder::new("S", "");
    let mut method = service.method("m", "", MethodKind::Unary);
    if wide {
        method.argument::<i64>("a");
    } else {
        method.argument::<i32>("a");
    }
    let path = folder.path().join(name);
    fs::write(&path, Document::new(vec![service.build()]).to_json()).unwrap();
    path.display().to_string()
}

#[track_caller]
fn fails(ran: &Ran, code: i32, error: &str) {
    assert_eq!((ran.code, ran.stderr.trim()), (code, error));
}

#[test]
fn a_description_is_the_same_from_a_server_and_from_its_file() {
    let (demo, folder) = (Demo::start(), TempDir::new().unwrap());
    let path = folder.path().join("api.json");
    let file = path.to_str().unwrap();
    assert_eq!(run(&["schema", "save", &demo.address, "--out", file]).code, 0);
    expect("schema-calculator.json", &run(&["schema", "save", file, "-s", "Calculator"]).stdout);
    for form in ["rust", "json", "openrpc", "markdown", "html"] {
        let live = demo.run("describe", &["Inventory", "--format", form]);
        assert_eq!(live.code, 0, "{live:?}");
        assert_eq!(run(&["describe", file, "Inventory", "--format", form]).stdout, live.stdout);
        if form != "rust" && form != "json" {
            expect(&format!("describe-inventory.{form}"), &live.stdout);
        }
    }
    // In a file they are sorted and there is no reflection, whose name makes the column wider.
    let lines = |ran: Ran| {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        ran.stdout.lines().map(words).collect::<BTreeSet<_>>()
    };
    let (live, kept) =
        (lines(demo.run("list", &["--long"])), lines(run(&["list", "--long", file])));
    assert!(live.is_superset(&kept), "{live:?}\n{kept:?}");
    assert_eq!(live.len(), kept.len() + 3);
    for what in
        [&["--template", "Inventory.put"][..], &["--dry-run", "Calculator.add", "a=1", "b=2"]]
    {
        let live = demo.run("call", what);
        assert_eq!((live.code, run(&[&["call", file], what].concat()).stdout), (0, live.stdout));
    }
    assert_eq!(run(&["call", file, "Calculator.add", "a=1", "b=2"]).code, 2, "nobody is there");
    assert_eq!(run(&["call", file, "--template", "Calculator.ad"]).code, 76);
    // All of it has the name of the server; a file has none to give.
    let titled = |source: &str| run(&["describe", source, "--format", "markdown"]).stdout;
    assert!(titled(&demo.address).starts_with("# rpc demo\n"));
    assert!(titled(file).starts_with(&format!("# {file}\n")));
    for (source, title) in [(&*demo.address, "# rpc demo\n"), (file, "# Services\n")] {
        let out = folder.path().to_str().unwrap();
        assert_eq!(run(&["codegen", source, "--lang", "markdown", "--out", out]).code, 0);
        assert!(fs::read_to_string(folder.path().join("api.md")).unwrap().starts_with(title));
    }
    let same = run(&["schema", "diff", file, &demo.address]);
    assert_eq!((same.code, same.stdout.as_str()), (0, ""));
    // The program's own file formats, below a folder that it makes.
    let out = folder.path().join("made/by/it");
    for (language, made) in
        [("openrpc", "openrpc.json"), ("markdown", "api.md"), ("html", "api.html")]
    {
        let ran = run(&["codegen", file, "--lang", language, "--out", out.to_str().unwrap()]);
        assert_eq!(Path::new(ran.stdout.trim()), out.join(made), "{ran:?}");
        assert!(fs::metadata(out.join(made)).unwrap().len() > 1000);
    }
}

#[test]
fn a_breaking_change_is_an_exit_code() {
    let folder = TempDir::new().unwrap();
    let (narrow, wide) = (saved(&folder, "old.json", false), saved(&folder, "new.json", true));
    let ran = run(&["schema", "diff", &narrow, &wide]);
    assert_eq!(ran.stdout, "breaks bincode  S.m argument a was i32 and is i64  [value-type]\n");
    fails(&ran, 1, "error: 1 change is breaking");
    let json = run(&["schema", "diff", &narrow, &wide, "--callers", "json", "--json"]);
    let change = r#"[{"path":"S.m","rule":"value-type","what":"argument a was i32 and is i64","breaks_bincode":true,"breaks_json":false}]"#;
    assert_eq!((json.code, json.stdout.trim()), (0, change));
    let back = run(&["schema", "diff", &wide, &narrow, "--callers", "json"]);
    assert_eq!(back.stdout, "breaks both     S.m argument a was i64 and is i32  [value-type]\n");
    assert_eq!(back.code, 1);
}

#[test]
fn changes_are_left_out_by_rule_and_shown_where_a_service_shows_them() {
    let folder = TempDir::new().unwrap();
    let (narrow, wide) = (saved(&folder, "old.json", false), saved(&folder, "new.json", true));
    let ignored = run(&["schema", "diff", &narrow, &wide, "--ignore", "value-type"]);
    assert_eq!((ignored.code, ignored.stdout.as_str()), (0, ""), "{ignored:?}");
    let unknown = run(&["schema", "diff", &narrow, &wide, "--ignore", "value-tipe"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("value-type"), "{unknown:?}");
    let shown = run(&["schema", "diff", &narrow, &wide, "--annotate", "github"]);
    let expected =
        format!("::error file={wide},title=value-type::S.m argument a was i32 and is i64\n");
    assert_eq!((shown.code, shown.stdout), (1, expected));
    // Where clients answer, callers are the ones that have the new description.
    for (old, new, code) in [(&narrow, &wide, 1), (&wide, &narrow, 0)] {
        let clients = ["--answered-by", "clients", "--callers", "json"];
        let ran = run(&[&["schema", "diff", old, new], &clients[..]].concat());
        assert_eq!(ran.code, code, "{ran:?}");
    }
}

#[test]
fn a_file_may_come_from_a_revision() {
    let folder = TempDir::new().unwrap();
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]);
        let done = git.args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    let diff = |old: &str, new: &str| -> Ran {
        let mut command = rpc();
        command.args(["schema", "diff", old, new]).current_dir(folder.path());
        command.output().unwrap().into()
    };
    git(&["init", "--quiet"]);
    saved(&folder, "api.json", false);
    git(&["add", "api.json"]);
    git(&["commit", "--quiet", "--message", "one"]);
    saved(&folder, "api.json", true);
    let ran = diff("git:HEAD:api.json", "api.json");
    assert_eq!(ran.stdout, "breaks bincode  S.m argument a was i32 and is i64  [value-type]\n");
    assert_eq!(ran.code, 1);
    for wrong in ["git:HEAD:absent.json", "git:nowhere:api.json", "git:--help", "git:HEAD"] {
        let ran = diff(wrong, "api.json");
        assert!(ran.code == 2 && ran.stderr.starts_with(&format!("error: {wrong}: ")), "{ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
}

#[test]
fn what_is_no_schema_says_why() {
    let folder = TempDir::new().unwrap();
    let file = saved(&folder, "api.json", false);
    let text = fs::read_to_string(&file).unwrap();
    let wrong = |change: &dyn Fn(&str) -> String| {
        let path = folder.path().join("wrong.json");
        fs::write(&path, change(&text)).unwrap();
        let ran = run(&["describe", path.to_str().unwrap()]);
        assert_eq!(ran.code, 2, "{ran:?}");
        ran.stderr.replace(path.to_str().unwrap(), "FILE").trim().to_owned()
    };
    assert_eq!(
        wrong(&|_| "{}".to_owned()),
        "error: FILE: this is not a schema document: missing field `rpc_schema` at line 1 column 2"
    );
    assert_eq!(
        wrong(&|text| text.replace("\"rpc_schema\": 1", "\"rpc_schema\": 2")),
        "error: FILE: the schema document is of version 2, and this program reads up to 1: update it"
    );
    let key = wrong(&|text| text.replace("I32", "I64"));
    assert!(key.starts_with("error: FILE: the key of S.m is "), "{key}");
    assert!(key.ends_with(": save the schema again"), "{key}");
    let missing = wrong(&|text| text.replace("\"I32\"", "{\"Named\": \"x::Y\"}"));
    assert_eq!(missing, "error: FILE: S uses the type \"x::Y\", which is not among its types");
    let absent = run(&["describe", "nowhere.json"]);
    assert_eq!(absent.code, 2, "{absent:?}");
    assert!(absent.stderr.starts_with("error: cannot read the schema from nowhere.json: "));
    let unknown = run(&["schema", "save", &file, "--service", "T"]);
    fails(&unknown, 76, "error: no service T; did you mean S?");
    let unreachable = run(&["schema", "save", "127.0.0.1:1"]);
    assert_eq!(unreachable.code, 78);
    assert_eq!(unreachable.stderr.lines().count(), 1, "{unreachable:?}");
}
