//! The Python client: generated as expected, tried against the services, fed hostile bytes, run on a stranger.

use std::path::{Path, PathBuf};

use rpc_core::Server;
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
