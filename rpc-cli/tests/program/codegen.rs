//! `rpc codegen`: what is written where, what `--check` finds, and what `rpc.toml` wants.

use std::{fs, path::Path};

use rpc_core::schema::{Document, MethodKind, ServiceBuilder};
use tempfile::TempDir;

use crate::{Ran, rpc};

/// A folder with a description in `api.json`.
fn project() -> TempDir {
    let folder = TempDir::new().unwrap();
    let services = ["Clock", "Log"].map(|name| {
        let mut service = ServiceBuilder::new(name, "");
        service.method("now", "", MethodKind::Unary).returns::<u64>();
        service.build()
    });
    let text = Document::new(services.into()).to_json();
    fs::write(folder.path().join("api.json"), text).unwrap();
    folder
}

fn codegen(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = rpc();
    command.arg("codegen").args(arguments).current_dir(folder);
    command.output().unwrap().into()
}

#[test]
fn check_lists_what_differs_and_writes_nothing() {
    let project = project();
    let rust = ["api.json", "--lang", "rust", "--out", "src"];
    let check = [&rust[..], &["--check"]].concat();
    let ran = codegen(project.path(), &check);
    assert_eq!((ran.code, ran.stdout.trim()), (1, "src/services.rs"));
    assert_eq!(ran.stderr.trim(), "error: 1 file is out of date");
    assert!(!project.path().join("src").exists());
    assert_eq!(codegen(project.path(), &rust).stdout.trim(), "src/services.rs");
    let ran = codegen(project.path(), &check);
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (0, "", ""));
    let path = project.path().join("src/services.rs");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}// by hand\n")).unwrap();
    assert_eq!(codegen(project.path(), &check).code, 1);
    assert!(fs::read_to_string(&path).unwrap().ends_with("// by hand\n"));
    let python = ["api.json", "--lang", "python", "--out", "client", "--check"];
    let ran = codegen(project.path(), &python);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.lines().count() > 10, "{}", ran.stdout);
}

#[test]
fn a_configuration_wants_several_outputs() {
    let project = project();
    let config = r#"
        source = "api.json"
        [[output]]
        language = "rust"
        out = "src"
        services = ["Log"]
        [[output]]
        source = "./api.json"
        language = "html"
        out = "docs"
    "#;
    fs::write(project.path().join("rpc.toml"), config).unwrap();
    let ran = codegen(project.path(), &["--check"]);
    assert_eq!((ran.code, &*ran.stdout), (1, "src/services.rs\ndocs/api.html\n"), "{}", ran.stderr);
    let ran = codegen(project.path(), &[]);
    assert_eq!((ran.code, &*ran.stdout), (0, "src/services.rs\ndocs/api.html\n"), "{}", ran.stderr);
    let rust = fs::read_to_string(project.path().join("src/services.rs")).unwrap();
    assert!(rust.contains("trait Log") && !rust.contains("trait Clock"));
    assert_eq!(codegen(project.path(), &["--check"]).code, 0);
    // Its paths are its own, from wherever the program runs.
    let elsewhere = TempDir::new().unwrap();
    let config = project.path().join("rpc.toml");
    let ran = codegen(elsewhere.path(), &["--check", "--config", config.to_str().unwrap()]);
    assert_eq!((ran.code, &*ran.stdout), (0, ""), "{}", ran.stderr);
}

#[test]
fn one_output_that_cannot_be_generated_leaves_all_unwritten() {
    let project = project();
    let config = "source = 'api.json'\n[[output]]\nlanguage = 'rust'\nout = 'src'\n\
        [[output]]\nlanguage = 'python'\nout = 'client'\nservices = ['Clok']\n";
    fs::write(project.path().join("rpc.toml"), config).unwrap();
    let ran = codegen(project.path(), &[]);
    assert_eq!((ran.code, ran.stderr.trim()), (76, "error: no service Clok; did you mean Clock?"));
    assert!(!project.path().join("src").exists());
}

#[test]
fn a_configuration_that_is_wrong_says_why() {
    let project = project();
    let ran = codegen(project.path(), &[]);
    let absent = "error: there is no rpc.toml here: name a source, --lang and --out";
    assert_eq!((ran.code, ran.stderr.trim()), (2, absent));
    let wrong = |text: &str, why: &str| {
        fs::write(project.path().join("rpc.toml"), text).unwrap();
        let ran = codegen(project.path(), &[]);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.starts_with("error: rpc.toml: "), "{}", ran.stderr);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    };
    wrong("output = 1", "invalid type");
    wrong("[[output]]\nlanguage = 'rust'\nout = 'src'\n", "an output has no source");
    let output = "source = 'api.json'\n[[output]]\nout = 'src'\n";
    wrong(&format!("{output}language = 'cobol'\n"), "cobol");
    wrong(&format!("{output}language = 'rust'\nservice = 'Log'\n"), "unknown field `service`");
    wrong(output, "missing field `language`");
}

#[test]
fn clients_become_packages() {
    let project = project();
    let python = ["api.json", "--lang", "python", "--out", "py", "--package", "acme-client@1.2.0"];
    let ran = codegen(project.path(), &python);
    assert_eq!(ran.code, 0, "{ran:?}");
    let read = |path: &str| fs::read_to_string(project.path().join(path)).unwrap();
    let made = read("py/pyproject.toml");
    let table: toml::Table = made.parse().unwrap();
    assert_eq!(table["project"]["name"].as_str(), Some("acme-client"));
    assert_eq!(table["project"]["version"].as_str(), Some("1.2.0"));
    assert!(read("py/acme_client/services.py").starts_with("# Generated by `rpc codegen` "));
    assert!(project.path().join("py/acme_client/_runtime/protocol.py").is_file());
    let script = ["api.json", "--lang", "typescript", "--out", "js", "--package", "@acme/client"];
    assert_eq!(codegen(project.path(), &script).code, 0);
    let package: serde_json::Value = serde_json::from_str(&read("js/package.json")).unwrap();
    assert_eq!(package["name"], "@acme/client");
    assert_eq!(package["exports"]["."]["types"], "./dist/index.d.ts");
    assert!(read("js/src/services.ts").starts_with("// Generated by `rpc codegen` "));
    assert!(project.path().join("js/tsconfig.json").is_file());
    let rust = ["api.json", "--lang", "rust", "--out", "src", "--package", "acme"];
    let ran = codegen(project.path(), &rust);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("only clients in Python and TypeScript"), "{ran:?}");
    let ran = codegen(
        project.path(),
        &["api.json", "--lang", "python", "--out", "x", "--package", "a b"],
    );
    assert!(ran.code == 2 && ran.stderr.contains("NAME@VERSION"), "{ran:?}");
}
