//! `rpc health` against servers that say what they are told to, and against those that do not say.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use rpc_core::{
    Running, Server,
    health::{HealthReporter, ServingStatus},
    proxy::TrustedProxies,
};
use tokio::runtime::Runtime;

use crate::{rpc, run};

/// A server, and what keeps it.
struct Reporting {
    runtime: Runtime,
    running: Running,
    reporter: HealthReporter,
}

impl Reporting {
    fn start() -> Self {
        let (runtime, reporter) = (Runtime::new().unwrap(), HealthReporter::new());
        let server = Server::new().health(&reporter).start("127.0.0.1:0");
        let running = runtime.block_on(server).unwrap();
        Self { runtime, running, reporter }
    }

    fn address(&self) -> String {
        self.running.address().to_string()
    }
}

#[test]
fn each_status_has_an_exit_code() {
    let server = Reporting::start();
    let address = server.address();
    server.reporter.set("Orders", ServingStatus::NotServing);
    server.reporter.set("Stock", ServingStatus::Unknown);
    let absent = format!("error: {address} has no service Nothing\n");
    let rows = [
        (&[][..], 0, "SERVING", ""),
        (&["Health"], 0, "SERVING", ""),
        (&["Orders"], 1, "NOT_SERVING", ""),
        (&["Stock"], 1, "UNKNOWN", ""),
        (&["Nothing"], 69, "SERVICE_UNKNOWN", &absent),
    ];
    for (service, code, status, told) in rows {
        let ran = run(&[&["health", &address], service].concat());
        assert_eq!((ran.code, ran.stdout.trim_end(), ran.stderr.as_str()), (code, status, told));
    }
    let ran = run(&["health", &address, "Orders", "--json"]);
    let object = "{\"service\":\"Orders\",\"status\":\"NOT_SERVING\"}\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (1, object, ""));
}

#[test]
fn a_server_that_does_not_say_is_not_taken_to_serve() {
    let runtime = Runtime::new().unwrap();
    let running = runtime.block_on(Server::new().start("127.0.0.1:0")).unwrap();
    let address = running.address().to_string();
    let told = format!(
        "error: {address} does not say whether it serves: its program adds that by Server::health\n"
    );
    for arguments in [&["health", &address][..], &["health", "--watch", &address]] {
        let ran = run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (76, "", told.as_str()));
    }
}

#[test]
fn a_probe_on_the_machine_of_a_trusted_proxy_says_a_header() {
    let runtime = Runtime::new().unwrap();
    let server = Server::new().health(&HealthReporter::new());
    let server = server.proxy_protocol(TrustedProxies::new(["127.0.0.1"]).unwrap());
    let running = runtime.block_on(server.start("127.0.0.1:0")).unwrap();
    let address = running.address().to_string();
    let ran = run(&["health", "--proxy-header", &address]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "SERVING\n"), "{}", ran.stderr);
    assert_eq!(run(&["health", &address]).code, 78);
}

#[test]
fn who_watches_reads_each_change_and_the_end() {
    let server = Reporting::start();
    let mut command = rpc();
    command.args(["health", "--watch", &server.address()]).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "SERVING");
    server.reporter.set("", ServingStatus::Unknown);
    assert_eq!(next(), "UNKNOWN");
    server.reporter.set("", ServingStatus::Serving);
    assert_eq!(next(), "SERVING");
    server.runtime.block_on(server.running.shutdown());
    assert_eq!(next(), "NOT_SERVING");
    let ended = child.wait_with_output().unwrap();
    assert_eq!(
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap()),
        (Some(1), String::new())
    );
}
