//! Servers that do not answer: each command gives up by a time that it names, and says that no call was made.

use std::{io::Write as _, net::TcpListener, thread};

use rpc_core::{
    Running, Server,
    proto::{encode_preface, wire::Hello},
    reflect::ReflectError,
    schema::ServiceSchema,
};

use crate::run;

/// Answers pings, as the framework does, and no request.
struct Silent;

#[rpc_core::service]
trait Reflection {
    async fn services(&self) -> Vec<String>;
    async fn describe(&self, service: String) -> Result<ServiceSchema, ReflectError>;
}

impl Reflection for Silent {
    async fn services(&self) -> Vec<String> {
        std::future::pending().await
    }

    async fn describe(&self, _service: String) -> Result<ServiceSchema, ReflectError> {
        std::future::pending().await
    }
}

/// A server that says hello and describes nothing, while the runtime is there.
fn silent(runtime: &tokio::runtime::Runtime) -> Running {
    let server = Server::new().without_reflection().with(ReflectionServer::new(Silent));
    runtime.block_on(server.start("127.0.0.1:0")).unwrap()
}

/// Accepts connections, says this to each and nothing more.
fn says(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            stream.write_all(&bytes).unwrap();
            held.push(stream);
        }
    });
    address
}

fn greeting() -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_preface(&mut bytes);
    Hello::default().encode(&mut bytes);
    bytes
}

#[track_caller]
fn gives_up(arguments: &[&str], words: &str) {
    let ran = run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (68, ""), "{arguments:?}: {ran:?}");
    let last = ran.stderr.lines().last().unwrap();
    assert_eq!(last, format!("error: gave up waiting for {words}; no call was made"), "{ran:?}");
}

#[test]
fn a_server_that_answers_no_request_holds_no_command() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let running = silent(&runtime);
    let address = &*running.address().to_string();
    let folder = tempfile::TempDir::new().unwrap();
    let out = folder.path().to_str().unwrap();
    let list = format!("{address} to list its services after 300ms (--max-time)");
    for arguments in [
        &["list", address][..],
        &["describe", address],
        &["repl", address],
        &["schema", "save", address],
        &["schema", "diff", address, address],
        &["codegen", address, "--lang", "python", "--out", out],
    ] {
        // Before the command or behind it: it is one option of all.
        gives_up(&[&["--max-time", "300ms"], arguments].concat(), &list);
        gives_up(&[arguments, &["--max-time", "300ms"]].concat(), &list);
    }
    let describe = format!("{address} to describe S after 300ms (--max-time)");
    for arguments in [
        &["describe", address, "S"][..],
        &["call", address, "S.m"],
        &["call", address, "S.m", "-t", "1h"],
        &["call", address, "S.m", "--template"],
        &["bench", address, "S.m", "--count", "1"],
    ] {
        gives_up(&[arguments, &["--max-time", "300ms"]].concat(), &describe);
    }
}

#[test]
fn the_timeout_of_a_call_begins_with_the_command() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let running = silent(&runtime);
    let address = &*running.address().to_string();
    let words = format!("{address} to describe S after 300ms (--timeout)");
    gives_up(&["call", address, "S.m", "-t", "300ms"], &words);
    // So far it says no hello.
    let address = &*says(Vec::new());
    let words = format!("{address} to connect after 300ms (--timeout)");
    gives_up(&["call", address, "S.m", "--timeout", "300ms"], &words);
    let ran = run(&["call", address, "S.m", "--timeout", "300ms", "--json"]);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!((ran.code, &error["error"]["code"]), (68, &"DEADLINE_EXCEEDED".into()));
    assert_eq!(error["error"]["may_have_run"], serde_json::Value::Null);
}

#[test]
fn connecting_has_a_time_of_its_own() {
    let address = &*says(Vec::new());
    let words = format!("{address} to connect after 200ms (--connect-timeout)");
    for arguments in [&["list", address][..], &["ping", address], &["call", address, "S.m"]] {
        gives_up(&[arguments, &["--connect-timeout", "200ms"]].concat(), &words);
    }
}

#[test]
fn a_ping_that_is_not_answered_is_given_up() {
    let address = &*says(greeting());
    let words = format!("{address} to answer ping 1 after 300ms (--max-time)");
    gives_up(&["ping", address, "--max-time", "300ms"], &words);
}

#[test]
fn a_call_that_was_sent_may_have_run_whatever_ends_it() {
    let demo = crate::Demo::start();
    let ran = demo.run("call", &["--max-time", "1s", "--json", "Clock.sleep", "ms=60000"]);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!((ran.code, &error["error"]["kind"]), (68, &"status".into()), "{ran:?}");
    assert!(error["error"]["may_have_run"].is_boolean(), "{ran:?}");
}

#[test]
fn no_time_is_wrong_usage() {
    for option in ["--max-time", "--connect-timeout", "--timeout"] {
        let ran = run(&["call", "127.0.0.1:1", "S.m", option, "0s"]);
        assert_eq!(ran.code, 2, "{option}: {ran:?}");
        assert!(ran.stderr.contains("this takes a time above zero"), "{option}: {ran:?}");
    }
}
