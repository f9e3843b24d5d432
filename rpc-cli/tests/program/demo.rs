//! The demo server itself, and what it looks like from outside.

use std::process::Command;

use crate::{Demo, expect, run};

#[test]
fn its_services_are_listed_and_described() {
    let demo = Demo::start();
    expect("list.txt", &demo.run("list", &[]).stdout);
    expect("list-long.txt", &demo.run("list", &["--long"]).stdout);
    expect("list.json", &demo.run("list", &["--json"]).stdout);
    expect("describe.txt", &demo.run("describe", &[]).stdout);
    expect("describe-method.txt", &demo.run("describe", &["Calculator.div"]).stdout);
    expect("describe-method.json", &demo.run("describe", &["Calculator.div", "--json"]).stdout);
}

#[test]
fn it_listens_at_a_unix_socket_too() {
    let directory = tempfile::TempDir::new().unwrap();
    let address = format!("unix:{}", directory.path().join("demo").display());
    let demo = Demo::listening(&address);
    assert_eq!(demo.address, address);
    demo.gives(&["Calculator.add", "a=1", "b=2"], "3");
}

#[test]
fn pings_come_back() {
    let demo = Demo::start();
    let ran = demo.run("ping", &["-n", "3", "--interval", "1ms"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!((ran.code, lines.len()), (0, 4), "{ran:?}");
    assert!(lines[3].starts_with("min ") && lines[3].contains("  max "), "{}", lines[3]);
    assert!(ran.stderr.contains("connect ") && ran.stderr.contains("hello "), "{}", ran.stderr);
    let json = demo.run("ping", &["-n", "1", "--json"]).stdout;
    assert!(json.starts_with(r#"{"ping":1,"micros":"#), "{json}");
}

#[test]
fn a_signal_lets_calls_finish_and_then_ends_it() {
    for signal in ["-INT", "-TERM"] {
        let mut demo = Demo::start();
        let address = demo.address.clone();
        let sleeping = std::thread::spawn({
            let address = address.clone();
            move || run(&["call", &address, "Clock.sleep", "ms=2000"])
        });
        while !demo.run("call", &["Clock.sleeping"]).stdout.starts_with('1') {
            assert!(!sleeping.is_finished(), "the call ended before the signal");
        }
        let sent = Command::new("kill").args([signal, &demo.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let slept = sleeping.join().unwrap();
        assert_eq!((slept.code, slept.stdout.trim()), (0, r#"{"secs":2,"nanos":0}"#));
        assert!(demo.child.wait().unwrap().success());
        assert_eq!(run(&["list", &address]).code, 78, "it does not listen any more");
    }
}

#[test]
fn whoever_knows_its_address_can_end_it_in_order() {
    let folder = tempfile::TempDir::new().unwrap();
    let socket = folder.path().join("demo");
    for _ in 0..20 {
        let mut demo = Demo::listening(&format!("unix:{}", socket.display()));
        let pid = demo.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = demo.child.wait().unwrap();
        assert!(status.success(), "{status}");
        assert!(!socket.exists());
    }
}

#[test]
fn an_address_in_use_is_said_so() {
    let demo = Demo::start();
    let ran = run(&["demo", "--listen", &demo.address]);
    assert_eq!(ran.code, 78);
    assert!(ran.stderr.contains(&format!("cannot listen at {}", demo.address)), "{}", ran.stderr);
}
