//! The library as build scripts use it.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::{fs, path::Path};

use rpc_cli::{Form, GenerateError, Language, Output, Source, generate};
use rpc_core::schema::{Document, MethodKind, ServiceBuilder};
use tempfile::TempDir;

/// Two services, `Clock` and `Log`.
fn document() -> Document {
    let services = ["Log", "Clock"].map(|name| {
        let mut service = ServiceBuilder::new(name, "");
        service.method("now", "", MethodKind::Unary).returns::<u64>();
        service.build()
    });
    Document::new(services.into())
}

#[test]
fn a_document_its_text_and_its_file_give_the_same() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("api.json");
    fs::write(&path, document().to_json()).unwrap();
    let outputs = [Output::from(Language::Rust), Language::Python.into(), Form::Openrpc.into()];
    for output in outputs {
        let files = generate(document(), output).files().unwrap();
        assert!(!files.is_empty());
        assert_eq!(generate(Source::Json(document().to_json()), output).files().unwrap(), files);
        assert_eq!(generate(path.as_path(), output).files().unwrap(), files);
    }
}

#[test]
fn files_that_are_as_they_should_be_are_left_alone() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("made/by/it");
    let python = || generate(document(), Language::Python);
    let missing = python().differing(&out).unwrap();
    assert!(!out.exists());
    let written = python().write_to(&out).unwrap();
    assert_eq!(missing, written);
    assert!(python().differing(&out).unwrap().is_empty());
    let [types, services] = ["types.py", "services.py"].map(|name| out.join(name));
    fs::write(&types, "changed").unwrap();
    assert_eq!(python().differing(&out).unwrap(), std::slice::from_ref(&types));
    assert_eq!(fs::read_to_string(&types).unwrap(), "changed");
    let modified = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
    let before = modified(&services);
    assert_eq!(python().write_to(&out).unwrap(), written);
    assert!(python().differing(&out).unwrap().is_empty());
    assert_eq!(modified(&services), before);
}

#[test]
fn services_can_be_left_out() {
    let text = |generate: rpc_cli::Generate| generate.title("T").files().unwrap()[0].text.clone();
    let both = text(generate(document(), Form::Markdown));
    assert!(both.starts_with("# T\n") && both.contains("## Clock") && both.contains("## Log"));
    let one = text(generate(document(), Form::Markdown).service("Log"));
    assert!(!one.contains("## Clock") && one.contains("## Log"));
    let error = generate(document(), Form::Markdown).service("Clok").files().unwrap_err();
    assert!(matches!(&error, GenerateError::UnknownService { name, .. } if name == "Clok"));
    assert_eq!(error.to_string(), "no service Clok; did you mean Clock?");
}

#[test]
fn errors_say_what_is_wrong_with_which_file() {
    let folder = TempDir::new().unwrap();
    let absent = folder.path().join("api.json");
    let error = generate(absent.as_path(), Language::Rust).files().unwrap_err();
    assert!(matches!(&error, GenerateError::Read { path, .. } if *path == absent), "{error}");
    let error = generate(Source::Json("{}".to_owned()), Language::Rust).files().unwrap_err();
    assert!(matches!(&error, GenerateError::Description { .. }), "{error}");
    assert!(error.to_string().starts_with("the schema: this is not a schema document"), "{error}");
    // What is described by hand is looked at as closely as what a stranger says.
    let mut hostile = document();
    hostile.services[0].methods[0].name = "evil();".to_owned();
    let error = generate(hostile, Language::Rust).files().unwrap_err();
    assert!(matches!(&error, GenerateError::Description { .. }), "{error}");
    fs::write(&absent, "").unwrap();
    let below = absent.join("folder");
    let error = generate(document(), Language::Rust).write_to(&below).unwrap_err();
    let GenerateError::Write { path, .. } = &error else { panic!("{error}") };
    assert_eq!(*path, below.join("services.rs"));
}

#[test]
fn clients_have_all_files_of_their_run_time() {
    for (language, package, below, extension) in [
        (Language::Python, "python/rpc_runtime", "_runtime/", "py"),
        (Language::Typescript, "typescript/src", "runtime/", "ts"),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes").join(package);
        let files = generate(document(), language).files().unwrap();
        let mut found = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|own| own == extension) {
                let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
                let file = files.iter().find(|file| file.path == name).expect(&name);
                assert_eq!(file.text, fs::read_to_string(&path).unwrap(), "{name}");
                found += 1;
            }
        }
        assert!(found > 10, "{found} in {package}");
        assert_eq!(files.iter().filter(|file| file.path.starts_with(below)).count(), found);
    }
}
