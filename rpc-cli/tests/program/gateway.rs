//! The gateway and the page: HTTP in front of servers of every kind.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
};

use crate::{Demo, rpc, run};

/// A program that serves, and its first line.
struct Serving {
    child: Child,
    said: String,
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        let mut command = rpc();
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, said: line.trim().to_owned() }
    }

    /// Ends it by a signal, as people do.
    fn end(mut self) -> bool {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        sent.unwrap().success() && self.child.wait().unwrap().success()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer to a request.
fn http(address: &str, method: &str, path: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    );
    socket.write_all((head + body).as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_gateway_serves_http_and_the_protocol_in_front_of_a_socket() {
    let directory = tempfile::TempDir::new().unwrap();
    let demo = Demo::listening(&format!("unix:{}", directory.path().join("demo").display()));
    let gateway =
        Serving::start(&["gateway", "--upstream", &demo.address, "--listen", "127.0.0.1:0"]);
    let answer = http(&gateway.said, "POST", "/Calculator.add", "[1,2]");
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n3\n"),
        "{answer}"
    );
    let document = http(&gateway.said, "GET", "/openrpc.json", "");
    assert!(document.contains("\"Calculator.add\""), "{document}");
    // What speaks the protocol is served as well, and over WebSocket.
    for address in [gateway.said.clone(), format!("ws:{}", gateway.said)] {
        let ran = run(&["call", &address, "Calculator.add", "a=1", "b=2"]);
        assert_eq!((ran.code, ran.stdout.trim()), (0, "3"), "{}", ran.stderr);
        let ran = run(&["call", &address, "Calculator.div", "a=1", "b=0"]);
        assert_eq!(ran.code, 66, "{}", ran.stderr);
        let ran = run(&["call", &address, "Clock.ticks", "every_ms=1", "count=3"]);
        assert_eq!((ran.code, ran.stdout.lines().count()), (0, 3), "{}", ran.stderr);
    }
    let listed = run(&["list", &gateway.said]);
    assert_eq!(listed.stdout, demo.run("list", &[]).stdout);
    assert!(gateway.end());
}

#[test]
fn the_page_is_at_a_loopback_address_and_its_url_is_printed() {
    let demo = Demo::start();
    let page = Serving::start(&["ui", &demo.address]);
    let address = page.said.strip_prefix("http://").unwrap().trim_end_matches('/');
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let answer = http(address, "POST", "/Calculator.add", "{\"a\":1,\"b\":2}");
    assert!(answer.ends_with("\r\n\r\n3\n"), "{answer}");
    assert!(page.end());
}

#[test]
fn a_gateway_in_front_of_a_server_behind_tls_believes_whom_it_is_told_to() {
    let made = tempfile::TempDir::new().unwrap();
    let file = |name: &str| made.path().join(name).to_str().unwrap().to_owned();
    assert_eq!(run(&["cert", "dev", made.path().to_str().unwrap()]).code, 0);
    let demo = Demo::start();
    let (pem, key, authority) = (file("server.pem"), file("server.key"), file("ca.pem"));
    let front = ["gateway", "--upstream", &demo.address, "--listen", "127.0.0.1:0"];
    let secure = Serving::start(&[&front[..], &["--tls-cert", &pem, "--tls-key", &key]].concat());
    let place = secure.said.trim_start_matches("tls:").to_owned();
    let upstream = format!("tls:{place}");
    let known = ["gateway", "--upstream", &upstream, "--cacert", &authority];
    let gateway = Serving::start(&[&known[..], &["--listen", "127.0.0.1:0"]].concat());
    let answer = http(&gateway.said, "POST", "/Calculator.add", "[1,2]");
    assert!(answer.ends_with("\r\n\r\n3\n"), "{answer}");
    for address in [gateway.said.clone(), format!("ws:{}", gateway.said)] {
        let ran = run(&["call", &address, "Clock.ticks", "every_ms=1", "count=3"]);
        assert_eq!((ran.code, ran.stdout.lines().count()), (0, 3), "{}", ran.stderr);
    }
    let stranger = run(&["gateway", "--upstream", &upstream, "--listen", "127.0.0.1:0"]);
    assert_eq!(stranger.code, 78, "{}", stranger.stderr);
    assert!(gateway.end() && secure.end());
}
