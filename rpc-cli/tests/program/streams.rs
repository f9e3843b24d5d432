//! Calls that stream, as people run them: items as they come, stdin as it is typed, both at once.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use crate::{Demo, rpc, run_with_stdin};

/// A call that runs, with both of its ends in hand.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Running {
    fn call(demo: &Demo, arguments: &[&str]) -> Self {
        let mut command = rpc();
        command.args(["call", &demo.address]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdin, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// The exit code, and what stderr says.
    fn end(mut self) -> (i32, String) {
        drop(self.stdin.take());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let output = self.child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        (crate::code(output.status), stderr)
    }
}

/// Carries connections to a server, and cuts the first as soon as so many bytes have come from there.
fn relay(server: &str, most: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, server) = (listener.local_addr().unwrap().to_string(), server.to_owned());
    std::thread::spawn(move || {
        for (nth, client) in listener.incoming().enumerate() {
            let (mut client, mut server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
            let (mut back, mut there) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut there, &mut server);
                let _ = server.shutdown(Shutdown::Both);
            });
            std::thread::spawn(move || {
                let _ = match nth {
                    0 => std::io::copy(&mut (&mut back).take(most as u64), &mut client),
                    _ => std::io::copy(&mut back, &mut client),
                };
                let _ = (client.shutdown(Shutdown::Both), back.shutdown(Shutdown::Both));
            });
        }
    });
    address
}

#[test]
fn a_call_that_resumes_does_not_notice_that_its_connection_is_cut() {
    let demo = Demo::start();
    let ticks = |options: &[&str]| {
        // The description comes first, then some three dozen bytes with each tick.
        let mut command = rpc();
        command.args(["call", &relay(&demo.address, 8_000)]).args(options);
        command.args(["Clock.ticks", "every_ms=1"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let lines: Vec<u64> =
            stdout.lines().map_while(|line| line.unwrap().parse().ok()).take(1_000).collect();
        let _ = child.kill();
        let _ = child.wait();
        lines
    };
    let expected: Vec<u64> = (1..=1_000).collect();
    assert_eq!(ticks(&["--resume"]), expected);
    let cut = ticks(&[]);
    assert!(cut.len() < 1_000 && expected.starts_with(&cut), "it is cut: {}", cut.len());
}

#[test]
fn items_are_printed_as_they_come() {
    let demo = Demo::start();
    // An hour between two items: the first is there all the same.
    let mut ticks = Running::call(&demo, &["Clock.ticks", "every_ms=3600000"]);
    assert_eq!(ticks.line(), "1");
    assert_eq!(demo.run("call", &["Clock.sleeping"]).stdout.trim(), "1");
    let pid = ticks.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(ticks.end(), (130, String::new()));
    // It was cancelled on the server before the program ended.
    while demo.run("call", &["Clock.sleeping"]).stdout.trim() != "0" {}
    demo.gives(&["Clock.ticks", "every_ms=1", "count=3"], "1\n2\n3");
}

#[test]
fn a_reader_that_has_enough_ends_the_stream() {
    let demo = Demo::start();
    let mut ticks = Running::call(&demo, &["Clock.ticks", "every_ms=1"]);
    assert_eq!(ticks.line(), "1");
    let Running { mut child, stdin, stdout } = ticks;
    drop((stdin, stdout));
    assert!(child.wait().unwrap().success());
    while demo.run("call", &["Clock.sleeping"]).stdout.trim() != "0" {}
}

#[test]
fn a_deadline_ends_a_stream() {
    let demo = Demo::start();
    let ran = demo.run("call", &["--timeout", "50ms", "Clock.ticks", "every_ms=3600000"]);
    assert_eq!((ran.code, &ran.stdout[..]), (68, "1\n"));
    assert!(ran.stderr.contains("DEADLINE_EXCEEDED"), "{}", ran.stderr);
}

#[test]
fn a_stream_is_read_from_stdin() {
    let demo = Demo::start();
    let average = |stdin| run_with_stdin(&["call", &demo.address, "Calculator.average"], stdin);
    assert_eq!(average("1\n2\n\n6\n").stdout, "3.0\n");
    let none = average("");
    assert_eq!(
        (none.code, none.stderr.trim()),
        (66, r#"error: Calculator.average failed: "DivisionByZero""#)
    );
    let wrong = average("1\nmany\n3\n");
    let expected =
        r#"error: Calculator.average: numbers, line 2: the value is "many" and should be f64"#;
    assert_eq!((wrong.code, wrong.stderr.trim()), (67, expected));
    let dash = demo.run("call", &["Calculator.average", "-"]);
    let expected = "error: stdin is the stream that the method takes: give the arguments here";
    assert_eq!((dash.code, dash.stderr.trim()), (67, expected));
}

#[test]
fn both_ways_at_once_each_line_is_answered_before_the_next_is_written() {
    let demo = Demo::start();
    let mut shout = Running::call(&demo, &["Log.shout"]);
    for word in ["one", "two words", "\"three\""] {
        shout.write(&format!("{word}\n"));
        assert_eq!(shout.line(), format!("\"{}\"", word.trim_matches('"').to_uppercase()));
    }
    assert_eq!(shout.end(), (0, String::new()));
}

#[test]
fn texts_can_be_printed_bare_as_they_come() {
    let demo = Demo::start();
    let mut shout = Running::call(&demo, &["--raw", "Log.shout"]);
    shout.write("one\n");
    assert_eq!(shout.line(), "ONE");
    assert_eq!(shout.end(), (0, String::new()));
}

#[test]
fn verbose_tells_what_a_stream_came_to() {
    let demo = Demo::start();
    let ran = demo.run("call", &["-v", "Clock.ticks", "every_ms=1", "count=2"]);
    assert!(
        ran.stderr.starts_with("accepted ") && ran.stderr.contains("items 2"),
        "{}",
        ran.stderr
    );
    let json = demo.run("call", &["--json", "Clock.ticks", "every_ms=1", "count=x"]);
    assert_eq!(json.code, 67);
}
