//! Addresses where no such server listens.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use crate::{Demo, run};

#[test]
fn nothing_listening_is_said_so() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = run(&["list", &free.to_string()]);
    let words = format!("nothing is listening at {free}");
    assert_eq!(ran.code, 78);
    assert!(ran.stderr.ends_with(&format!("error: {words}\n")), "{}", ran.stderr);
}

#[test]
fn what_is_no_address_says_what_one_is() {
    let ran = run(&["list", "nonsense"]);
    let words = "\"nonsense\" is not an address: write host:port, such as 127.0.0.1:7000, or tls:, ws: or wss:host:port, or unix:/path; several with commas between them, dns:host:port or file:/path for many servers";
    assert_eq!((ran.code, ran.stderr), (2, format!("error: {words}\n")));
}

/// Answers the first connection with `bytes` and gives what `rpc list` says of it.
fn answered_with(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut greeting = [0; 8];
        stream.read_exact(&mut greeting).unwrap();
        stream.write_all(bytes).unwrap();
        // Closed when the other side has: a reset might overtake the answer.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let ran = run(&["list", &address]);
    server.join().unwrap();
    assert_eq!(ran.code, 78, "{ran:?}");
    ran.stderr.replace(&address, "ADDRESS")
}

#[test]
fn servers_of_other_protocols_are_recognised() {
    for (bytes, words) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "it sent HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x28\x00", "it sent TLS; its address is tls:host:port"),
        (b"\x16\x03\x01\x00\x02\x02\x28\x00", "it sent TLS; its address is tls:host:port"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "it sent SSH"),
    ] {
        let words = format!("error: ADDRESS: peer does not speak this protocol: {words}\n");
        let answer = answered_with(bytes);
        assert!(answer.ends_with(&words), "{answer}");
    }
}

#[test]
fn every_command_that_prints_json_prints_errors_as_json() {
    let nobody = "127.0.0.1:1";
    for arguments in [
        &["list", "--json"][..],
        &["describe", "--json"],
        &["describe", "--format", "json"],
        &["call", "Calculator.add", "--json"],
        &["ping", "--json"],
        &["schema", "diff", nobody, "--json"],
        &["bench", "Calculator.add", "--json"],
        &["bench", "compare", "absent", "--json"],
    ] {
        let (command, rest) = arguments.split_at(if arguments.len() > 3 { 2 } else { 1 });
        let ran = run(&[command, &[nobody], rest].concat());
        let error: serde_json::Value = serde_json::from_str(&ran.stderr).unwrap();
        let kind = if ran.code == 78 { "refused" } else { "usage" };
        assert_eq!((&error["error"]["kind"], ran.stdout.as_str()), (&kind.into(), ""), "{ran:?}");
        assert!(error["error"]["message"].is_string(), "{ran:?}");
    }
}

#[test]
fn what_is_wrong_before_anybody_is_asked_is_wrong_usage() {
    let folder = tempfile::TempDir::new().unwrap();
    let (out, bad) = (folder.path().to_str().unwrap(), folder.path().join("Bad"));
    for arguments in [
        &["list", "nonsense"][..],
        &["call", "nonsense", "Calculator.add"],
        &["call", "127.0.0.1:1", "add"],
        &["call", "127.0.0.1:1", "Calculator.add", "-H", "key"],
        &["describe", "127.0.0.1:1", "Calculator."],
        &["describe", "absent.json"],
        &["ping", "nonsense"],
        &["repl", "nonsense"],
        &["demo", "--listen", "foo"],
        &["schema", "diff", "absent.json", "absent.json"],
        &["codegen", "absent.json", "--lang", "python", "--out", out],
        &["bench", "nonsense", "Calculator.add"],
        &["bench", "127.0.0.1:1", "add"],
        &["new", bad.to_str().unwrap()],
        &["new", out],
    ] {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{arguments:?}: {ran:?}");
    }
}

#[test]
fn every_command_says_in_one_line_that_nobody_is_there() {
    let folder = tempfile::TempDir::new().unwrap();
    let out = folder.path().to_str().unwrap();
    let nobody = "127.0.0.1:1";
    for arguments in [
        &["list", nobody][..],
        &["describe", nobody],
        &["describe", nobody, "Calculator.add", "--format", "html"],
        &["call", nobody, "Calculator.add", "a=1", "b=2"],
        &["call", nobody, "Calculator.add", "--template"],
        &["ping", nobody],
        &["repl", nobody],
        &["schema", "save", nobody],
        &["schema", "diff", nobody, nobody],
        &["codegen", nobody, "--lang", "python", "--out", out],
        &["bench", nobody, "Calculator.add", "a=1", "b=2", "--count", "1"],
    ] {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (78, ""), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("127.0.0.1:1"), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn every_command_names_what_was_meant() {
    let (demo, folder) = (Demo::start(), tempfile::TempDir::new().unwrap());
    let (out, address) = (folder.path().to_str().unwrap(), demo.address.as_str());
    for (arguments, meant) in [
        (&["describe", address, "Calculater"][..], "did you mean Calculator?"),
        (&["describe", address, "Calculator.ad"], "did you mean add?"),
        (&["call", address, "Calculator.ad"], "did you mean add?"),
        (&["call", address, "Calculater.add", "--template"], "did you mean Calculator?"),
        (&["call", address, "Calculator.add", "--dry-run", "c=1"], "one of a, b"),
        (&["schema", "save", address, "-s", "Calculater"], "did you mean Calculator?"),
        (&["codegen", address, "-l", "rust", "-o", out, "-s", "Clok"], "did you mean Clock?"),
        (&["bench", address, "Calculator.ad", "--count", "1"], "did you mean add?"),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.stdout, "", "{arguments:?}: {ran:?}");
        assert!(ran.code >= 64, "{arguments:?}: {ran:?}");
        assert_eq!(ran.stderr.lines().count(), 1, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains(meant), "{arguments:?}: {ran:?}");
    }
}
