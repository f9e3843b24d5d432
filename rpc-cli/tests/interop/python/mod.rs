//! The Python client: generated as expected, tried against the services, fed hostile bytes, run on a stranger.

use std::path::{Path, PathBuf};

use rpc_core::{
    MethodKey, Server,
    schema::{ContainerKind, Document, Field, Format, MethodKind, ServiceBuilder, Variant},
};
use tokio::process::Command;

mod odd;

use crate::{beside_server, generate, run};

/// The files that follow from a description; the run-time is in the sources as it is.
const GENERATED: [&str; 4] = ["__init__.py", "_codecs.py", "services.py", "types.py"];

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// A package called `client` for the services, in a folder of its own.
async fn package(address: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    generate(address, "python", &folder.path().join("client")).await;
    folder
}

fn python(packages: &Path, script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(tests().join("interop/python").join(script));
    command.env("PYTHONPATH", packages).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn python_talks_to_the_services() {
    beside_server(async |address| {
        let packages = package(&address).await;
        run(python(packages.path(), "cases.py").arg(&address), 150).await;
    })
    .await;
}

/// Connections outlive their transports.
#[tokio::test(flavor = "multi_thread")]
async fn python_takes_no_notice_of_cuts() {
    beside_server(async |address| {
        let packages = package(&address).await;
        run(python(packages.path(), "resume.py").arg(&address), 3).await;
    })
    .await;
}

/// The run-time is a package: its own tests hold it to the vectors that all languages share.
#[tokio::test]
async fn the_run_time_of_python_passes_its_own_tests() {
    let mut command = Command::new("python3");
    command.args(["-m", "unittest"]).env("PYTHONDONTWRITEBYTECODE", "1");
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/python"));
    let done = command.output().await.unwrap();
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && errors.contains("\nOK"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn python_survives_hostile_bytes() {
    beside_server(async |address| {
        let packages = package(&address).await;
        run(&mut python(packages.path(), "hostile.py"), 60).await;
    })
    .await;
}

/// `UPDATE=1` writes what is generated to where it is expected.
#[tokio::test(flavor = "multi_thread")]
async fn python_is_generated_as_expected() {
    beside_server(async |address| {
        let packages = package(&address).await;
        for name in GENERATED {
            let generated =
                std::fs::read_to_string(packages.path().join("client").join(name)).unwrap();
            let expected = tests().join("expected/python").join(name);
            if std::env::var_os("UPDATE").is_some() {
                std::fs::create_dir_all(expected.parent().unwrap()).unwrap();
                std::fs::write(&expected, &generated).unwrap();
            }
            let known = std::fs::read_to_string(&expected).unwrap_or_default();
            assert!(generated == known, "{name} differs from {}", expected.display());
        }
    })
    .await;
}

/// What is hard to say in Python comes from a service that says nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn python_says_what_is_hard_to_say() {
    let server = Server::new().with(odd::ConnectionServer::new(odd::Odd));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let address = running.address().to_string();
    let packages = package(&address).await;
    run(python(packages.path(), "odd.py").arg(&address), 20).await;
    running.shutdown().await;
}

/// What a server says cannot leave the strings and comments that it is put into: Python's own parser sees none of it.
#[tokio::test(flavor = "multi_thread")]
async fn python_takes_nothing_of_a_strangers_for_code() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stranger.json");
    std::fs::write(&file, stranger().to_json()).unwrap();
    let package = folder.path().join("client");
    generate(file.to_str().unwrap(), "python", &package).await;
    run(python(folder.path(), "stranger.py").arg(&package), 9).await;
}

/// A description in which every text is an attack.
fn stranger() -> Document {
    const ATTACKS: [&str; 8] = [
        "\"\"\"\n__import__('os').abort()\n\"\"\"",
        "\\\"\"\"\n__import__('os').abort()\n",
        "\"\"\"\"; __import__('os').abort() #",
        "\"); __import__('os').abort(); (\"",
        "'''\n__import__('os').abort()\n'''",
        "\r__import__('os').abort()\r",
        "# -*- coding: x -*-\n>>> __import__('os').abort()",
        "\u{2028}__import__('os').abort()\\",
    ];
    let mut builder = ServiceBuilder::new("S", ATTACKS[0]);
    builder.deprecated(ATTACKS[1]);
    for (number, attack) in ATTACKS.iter().enumerate() {
        let mut method = builder.method(&format!("m{number}"), attack, MethodKind::Unary);
        method.deprecated(attack).argument::<()>("a");
    }
    let mut service = builder.build();
    let mut fields = Vec::new();
    let mut variants = Vec::new();
    // As the door has it: names are on one line.
    let name = |text: &str| text.replace(|sign: char| sign.is_control() || sign == '\u{2028}', " ");
    for attack in ATTACKS {
        let default = serde_json::to_string(attack).unwrap();
        let field = Field::new(&name(attack), attack, Format::Str).deprecated(attack);
        fields.push(field.default_value(Some(default)));
        let variant = Variant::new(&name(attack), attack, ContainerKind::Unit);
        variants.push(variant.deprecated(attack));
    }
    let called = ATTACKS[3];
    service.types.define("T", called, ATTACKS[2], |_| ContainerKind::Struct(fields));
    service.types.define("E", called, ATTACKS[4], |_| ContainerKind::Enum(variants.clone()));
    service.types.define("P", called, ATTACKS[5], |_| ContainerKind::Enum(variants));
    let named = |key: &str| Format::Named(key.to_owned());
    for method in &mut service.methods {
        method.arguments[0].format = named("P");
        method.returns = named("T");
        method.fails = Some(named("E"));
        let signature = method.canonical_signature(&service.types);
        method.key = MethodKey::new(&method.path, &signature);
    }
    Document::new(vec![service])
}
