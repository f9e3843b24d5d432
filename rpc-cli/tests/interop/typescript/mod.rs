//! TypeScript: what is generated passes the compiler and the linter at their strictest, and its run-time passes
//! the suite against a live server and against hostile bytes.

#![allow(clippy::print_stderr, reason = "says why nothing was tried")]

mod strange;

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::process::Command;

/// Where the suite is run, if not below the target folder; `.ci/typescript` says so.
const FOLDER: &str = "RPC_TYPESCRIPT";

/// What the folder needs beside the generated client.
const FILES: [&str; 8] = [
    "cases.ts",
    "hostile.ts",
    "report.ts",
    "resume.ts",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "eslint.config.mjs",
];

#[tokio::test]
async fn the_suite_passes_in_node() {
    let Some((folder, _alone)) = prepared().await else { return };
    let strange = folder.join("strange.json");
    std::fs::write(&strange, strange::document()).unwrap();
    super::generate(strange.to_str().unwrap(), "typescript", &folder.join("strange")).await;
    super::beside_server(async |address| {
        super::generate(&address, "typescript", &folder.join("client")).await;
        must(tool(&folder, "typescript/bin/tsc").arg("--pretty").arg("false")).await;
        must(&mut tool(&folder, "eslint/bin/eslint.js")).await;
        let socket = tempfile::tempdir().unwrap();
        let unix = format!("unix:{}", socket.path().join("socket").display());
        let running = super::services::server().start(unix.as_str()).await.unwrap();
        super::run(node(&folder).args(["out/cases.js", &address, &unix]), 265).await;
        super::run(node(&folder).arg("out/hostile.js"), 165).await;
        let url = format!("ws://{address}/");
        let mut over_websocket = node(&folder);
        over_websocket.arg(WEBSOCKET).args(["out/cases.js", &url, &unix]);
        super::run(&mut over_websocket, 265).await;
        let pages = for_pages(&folder, &address).await;
        let mut in_pages = node(&pages);
        in_pages.arg(WEBSOCKET).args(["cases.js", &url, ""]);
        super::run(&mut in_pages, 230).await;
        running.shutdown().await;
    })
    .await;
}

/// Connections outlive their transports, over sockets and WebSocket.
#[tokio::test]
async fn connections_take_no_notice_of_cuts_in_node() {
    let Some((folder, _alone)) = prepared().await else { return };
    super::beside_server(async |address| {
        super::generate(&address, "typescript", &folder.join("client")).await;
        // Without the suite, which needs more than the client.
        let project = r#"{"extends":"./tsconfig.json","include":["resume.ts","client/**/*.ts"]}"#;
        std::fs::write(folder.join("resume.json"), project).unwrap();
        must(tool(&folder, "typescript/bin/tsc").args(["--project", "resume.json"])).await;
        let other = super::services::server().start("127.0.0.1:0").await.unwrap();
        for scheme in ["", "ws://"] {
            let mut resuming = node(&folder);
            resuming.arg(WEBSOCKET).args(["out/resume.js", &address]);
            super::run(resuming.arg(other.address().to_string()).arg(scheme), 5).await;
        }
        other.shutdown().await;
    })
    .await;
}

/// Node has WebSocket by itself from 22 on.
const WEBSOCKET: &str = "--experimental-websocket";

/// The suite beside the client for web pages. What it tries of the run-time alone is that of Node.
async fn for_pages(folder: &Path, address: &str) -> PathBuf {
    let pages = folder.join("pages");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rpc"));
    command.args(["codegen", address, "--lang", "typescript", "--for", "browser", "--out"]);
    must(command.arg(pages.join("client/made"))).await;
    let both = "export * from './made/index.js';\n\
                export * as rpc from '../../out/client/runtime/index.js';\n";
    std::fs::write(pages.join("client/index.js"), both).unwrap();
    for name in ["cases.js", "report.js"] {
        std::fs::copy(folder.join("out").join(name), pages.join(name)).unwrap();
    }
    pages
}

/// What is published is JavaScript with declarations, made by the package's own build.
#[tokio::test]
async fn a_package_builds() {
    let Some((folder, _alone)) = prepared().await else { return };
    let package = tempfile::tempdir().unwrap();
    super::beside_server(async |address| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rpc"));
        command.args([
            "codegen",
            &address,
            "--lang",
            "typescript",
            "--package",
            "@acme/client@1.0.0",
        ]);
        must(command.arg("--out").arg(package.path())).await;
        let types = folder.join("node_modules/@types");
        let mut compiler = tool(&folder, "typescript/bin/tsc");
        must(compiler.arg("--project").arg(package.path()).arg("--typeRoots").arg(types)).await;
        assert!(package.path().join("dist/index.d.ts").is_file());
        let script = format!(
            "import {{ connect, Exchange }} from '@acme/client'; \
             const connection = await connect('{address}'); \
             if (await new Exchange(connection).add(1n, 2n) !== 3n) throw new Error('wrong'); \
             await connection.close();"
        );
        // A package reaches itself by its name.
        let script_file = package.path().join("try.js");
        std::fs::write(&script_file, script).unwrap();
        must(node(package.path()).arg(&script_file)).await;
    })
    .await;
}

/// The run-time is a package: its own tests hold it to the vectors that all languages share.
#[tokio::test]
async fn the_run_time_passes_its_own_tests() {
    let Some((folder, _alone)) = prepared().await else { return };
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtimes/typescript");
    let out = folder.join("runtime");
    let types = folder.join("node_modules/@types");
    let mut compiler = tool(&folder, "typescript/bin/tsc");
    compiler.arg("--project").arg(&package).arg("--outDir").arg(&out);
    must(compiler.arg("--typeRoots").arg(types)).await;
    must(node(&package).arg("--test").arg(out.join("tests"))).await;
}

#[tokio::test]
async fn what_is_generated_reads_as_it_should() {
    let folder = tempfile::tempdir().unwrap();
    super::beside_server(async |address| {
        super::generate(&address, "typescript", folder.path()).await;
    })
    .await;
    for name in ["index.ts", "types.ts", "services.ts"] {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        expect(name, &text);
    }
    let strange = folder.path().join("strange.json");
    std::fs::write(&strange, strange::document()).unwrap();
    super::generate(strange.to_str().unwrap(), "typescript", &folder.path().join("strange")).await;
    for name in ["types.ts", "services.ts"] {
        let text = std::fs::read_to_string(folder.path().join("strange").join(name)).unwrap();
        expect(&format!("strange-{name}"), &text);
    }
}

/// A folder with the suite and the tools, and the lock that keeps other runs of this test out of it; nothing if Node is not here, or npm cannot install them.
async fn prepared() -> Option<(PathBuf, File)> {
    let version = Command::new("node").arg("--version").stdin(Stdio::null()).output().await;
    if !version.is_ok_and(|version| version.status.success()) {
        eprintln!("node is not here: TypeScript was not tried");
        return None;
    }
    let folder = std::env::var_os(FOLDER)
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("typescript"), PathBuf::from);
    std::fs::create_dir_all(&folder).unwrap();
    let alone = File::create(folder.join("test.lock")).unwrap();
    alone.lock().unwrap();
    for generated in ["client", "strange", "out", "pages", "runtime"] {
        let _ = std::fs::remove_dir_all(folder.join(generated));
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/typescript");
    for name in FILES {
        std::fs::copy(sources.join(name), folder.join(name)).unwrap();
    }
    if !folder.join("node_modules/typescript/bin/tsc").exists() {
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder);
        let done = install.stdin(Stdio::null()).output().await;
        if !done.is_ok_and(|done| done.status.success()) {
            eprintln!("npm could not install the compiler: TypeScript was not tried");
            return None;
        }
    }
    Some((folder, alone))
}

/// Node, in that folder.
fn node(folder: &Path) -> Command {
    let mut command = Command::new("node");
    command.current_dir(folder);
    command
}

/// A tool that npm has installed there.
fn tool(folder: &Path, path: &str) -> Command {
    let mut command = node(folder);
    command.arg(Path::new("node_modules").join(path));
    command
}

/// Runs a tool that says what is wrong, if anything is.
async fn must(command: &mut Command) {
    let done = command.stdin(Stdio::null()).output().await.unwrap();
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{text}\n{}", String::from_utf8_lossy(&done.stderr));
}

/// Compares a text with the file of that name.
#[track_caller]
fn expect(name: &str, text: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected/typescript");
    let path = folder.join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} differs; UPDATE=1 writes it anew. It is now:\n{text}");
}
