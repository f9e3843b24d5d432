//! `rpc bench` against the demo and against a small HTTP server. Runs are bounded by their number of calls;
//! nothing is said of how long anything took.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Stdio,
    thread,
};

use serde_json::Value;

use crate::{Demo, Ran, rpc, run};

/// A few calls of `Calculator.add`.
const ADD: [&str; 5] = ["Calculator.add", "a=1", "b=2", "--count", "200"];

impl Demo {
    /// Runs a load and reads its figures.
    #[track_caller]
    fn measure(&self, arguments: &[&str]) -> Value {
        figures(&self.run("bench", &[arguments, &["--json"]].concat()))
    }

    /// Runs a load of which no call succeeds, which is an exit code beside the figures.
    #[track_caller]
    fn measure_failing(&self, arguments: &[&str]) -> Value {
        failing_figures(&self.run("bench", &[arguments, &["--json"]].concat()))
    }

    /// Runs a load that is refused, and demands one line that says why.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], code: i32, part: &str) {
        let ran = self.run("bench", arguments);
        assert_eq!((ran.code, ran.stderr.lines().count()), (code, 1), "{ran:?}");
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
        assert_eq!(ran.stdout, "");
    }
}

#[track_caller]
fn figures(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The figures of a load of which no call succeeded.
#[track_caller]
fn failing_figures(ran: &Ran) -> Value {
    let error = r#"{"error":{"kind":"other","message":"no call succeeded"}}"#;
    assert_eq!((ran.code, ran.stderr.lines().last()), (1, Some(error)), "{ran:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The number of failed calls with this status.
fn failed(figures: &Value, status: &str) -> u64 {
    let errors = figures["errors"].as_array().unwrap();
    let error = errors.iter().find(|error| error["status"] == status);
    error.unwrap_or_else(|| panic!("no {status} in {errors:?}"))["count"].as_u64().unwrap()
}

#[test]
fn a_number_of_calls_is_made_and_described() {
    let demo = Demo::start();
    let found = demo.measure(&ADD);
    assert_eq!(found["summary"]["calls"], 200);
    assert_eq!(found["summary"]["errors"], 0);
    assert_eq!(found["target"]["method"], "Calculator.add");
    assert_eq!(found["target"]["arguments"], r#"{"a":1,"b":2}"#);
    assert_eq!(found["load"]["in_flight"], 64);
    for percentile in ["p50", "p99", "p99_9", "p99_99", "max"] {
        assert!(found["latency_us"][percentile].as_f64().unwrap() > 0.0, "{percentile}");
    }
    for fact in ["cpu", "kernel", "date", "rpc"] {
        assert_ne!(found["machine"][fact], "", "{fact}");
    }
    let sampled = found["samples"].as_array().unwrap();
    let calls: u64 = sampled.iter().map(|sample| sample["calls"].as_u64().unwrap()).sum();
    assert_eq!(calls, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn the_server_is_found_by_its_port() {
    let demo = Demo::start();
    let found = demo.measure(&ADD);
    assert_eq!(found["cpu"]["server_pid"], demo.child.id());
    assert!(found["cpu"]["generator"]["cores"].is_f64(), "{}", found["cpu"]);
}

#[test]
fn two_servers_are_measured_by_turns() {
    let (one, other) = (Demo::start(), Demo::start());
    let against = ["Calculator.add", "a=1", "b=2", "-d", "1s", "--against", &other.address];
    let ran = one.run("bench", &against);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in ["10 pairs of ", "rpc over TCP in bincode", "calls/s ", "shown: between "] {
        assert!(ran.stdout.contains(part), "{part} is not in\n{}", ran.stdout);
    }
    let json = one.run("bench", &[&against[..], &["--json", "--codec", "json"]].concat());
    let found: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&found["pairs"], &found["b"]["address"]), (&10.into(), &(*other.address).into()));
    assert_eq!(found["a"]["protocol"], "rpc over TCP in JSON");
}

#[test]
fn a_run_that_is_much_worse_fails_where_that_is_asked_for() {
    let folder = tempfile::TempDir::new().unwrap();
    let demo = Demo::start();
    let files = ["a.json", "b.json"].map(|name| folder.path().join(name).display().to_string());
    for (file, load) in files.iter().zip([&["-d", "2s"][..], &["-d", "2s", "-r", "200"]]) {
        let json = format!("--json={file}");
        let ran = demo.run("bench", &[&["Calculator.add", "a=1", "b=2", &json], load].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let compare =
        |more: &[&str]| run(&[&["bench", "compare", &files[0], &files[1]], more].concat());
    let told = compare(&[]);
    assert_eq!(told.code, 0, "{told:?}");
    let calls = told.stdout.lines().find(|line| line.starts_with("calls/s")).unwrap().to_owned();
    assert!(!calls.contains("within noise"), "{calls}");
    let failed = compare(&["--fail-if-worse", "50"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(
        failed.stderr.starts_with("error: b is worse than a: calls/s changed by -"),
        "{failed:?}"
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_reports_and_ends_by_the_signal() {
    use std::{io::BufRead as _, os::unix::process::ExitStatusExt as _, process::Stdio};
    let demo = Demo::start();
    for (command, arguments, report) in [
        (
            "bench",
            &["Log.write", "line=x", "-r", "500", "-d", "60s", "--warmup", "0"][..],
            "calls/s",
        ),
        ("ping", &["-c", "1000", "--interval", "50ms"], "min "),
    ] {
        let mut rpc = rpc();
        rpc.arg(command).arg(&demo.address).args(arguments);
        let mut child = rpc.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        if command == "ping" {
            out.read_line(&mut line).unwrap();
        } else {
            // Some of what the load has written is there.
            while demo.run("call", &["Log.recent"]).stdout.matches('x').count() < 9 {}
        }
        let kill =
            std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(2), "{command}: {status:?}");
        assert!(rest.contains(report), "{command}: {rest}");
        if command == "bench" {
            assert!(rest.contains("dropped                0"), "{rest}");
        }
    }
}

#[test]
fn people_read_text() {
    let demo = Demo::start();
    let ran = demo.run("bench", &[&ADD[..], &["--connections", "2", "--in-flight", "4"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for part in [
        "calls                200",
        "calls/s ",
        "p99.99 ",
        "generator ",
        "rpc over TCP in bincode: 8 in flight on 2 connections",
        "200 calls are few",
        "cores, ",
    ] {
        assert!(ran.stdout.contains(part), "{part} is not in\n{}", ran.stdout);
    }
}

#[test]
fn a_load_may_have_a_clock() {
    let demo = Demo::start();
    let found = demo.measure(&[&ADD[..], &["--rate", "2000"]].concat());
    let summary = &found["summary"];
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(count("calls") + count("errors") + count("dropped"), 200, "{summary}");
    assert!(summary["late"].is_u64());
    assert_eq!(found["load"]["rate"], 2000.0);
}

#[test]
fn errors_are_counted_by_what_they_are() {
    let demo = Demo::start();
    let found = demo.measure_failing(&["Calculator.div", "a=1", "b=0", "--count", "50"]);
    assert_eq!(found["summary"]["calls"], 0);
    assert_eq!(failed(&found, "error DivisionByZero"), 50);

    let sleep = ["Clock.sleep", "ms=60000", "--count", "8", "--timeout", "10ms"];
    let found = demo.measure_failing(&sleep);
    assert_eq!(failed(&found, "DEADLINE_EXCEEDED"), 8);
    let text = demo.run("bench", &["Calculator.div", "a=1", "b=0", "--count", "5"]);
    assert_eq!((text.code, text.stderr.as_str()), (1, "error: no call succeeded\n"));
    assert!(text.stdout.contains("DivisionByZero"), "{}", text.stdout);
}

#[test]
fn arguments_are_drawn() {
    let demo = Demo::start();
    let drawn = ["Calculator.div", "a:=@float(1,2)", "b:=@choice(0,1)", "--count", "400"];
    let found = demo.measure(&drawn);
    let zeros = failed(&found, "error DivisionByZero");
    assert!((1..400).contains(&zeros), "{zeros}");
    assert_eq!(found["summary"]["calls"], 400 - zeros);
    let again = demo.measure(&["Calculator.add", "--random", "--count", "5"]);
    assert_eq!(again["summary"]["calls"], 5);
}

#[test]
fn a_stream_is_done_when_it_ends() {
    let demo = Demo::start();
    let found = demo.measure(&["Clock.ticks", "every_ms=1", "count=3", "--count", "10"]);
    assert_eq!((&found["summary"]["calls"], &found["summary"]["items"]), (&10.into(), &30.into()));
}

#[test]
fn what_cannot_be_loaded_is_refused_in_one_line() {
    let demo = Demo::start();
    for (arguments, code, part) in [
        (&["Calculator.ad", "a=1"][..], 76, "no method ad in Calculator; did you mean add?"),
        (&["Calculater.add"], 76, "no service Calculater"),
        (&["Calculator.add", "a=1"], 67, "b is missing"),
        (&["Calculator.add", "a=x", "b=1"], 67, "a is \"x\" and should be i64"),
        (&["Calculator.add", "a:=@int(1)", "b=1"], 67, "write @int(FROM,TO)"),
        (&["Calculator.add", "a:=@string(3)", "b=1"], 67, "should be i64"),
        (&["Calculator.average"], 67, "Calculator.average takes a stream"),
        (&["add"], 2, "\"add\" is not a method: write Service.method"),
        (&[], 2, "no method to call"),
    ] {
        demo.refuses(arguments, code, part);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let ran = run(&["bench", &nobody, "Calculator.add"]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (78, 1), "{ran:?}");
    assert!(ran.stderr.contains(&nobody), "{ran:?}");
}

#[test]
fn wrong_options_are_wrong_usage() {
    for arguments in [
        &["bench"][..],
        &["bench", "x:1", "A.b", "--rate", "0"],
        &["bench", "x:1", "A.b", "--duration", "0s"],
        &["bench", "x:1", "A.b", "--count", "1", "--duration", "1s"],
        &["bench", "x:1", "A.b", "--p99", "1ms"],
        &["bench", "compare", "a.json"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn every_report_is_written() {
    let demo = Demo::start();
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (json, csv, html) = (file("a.json"), file("a.csv"), file("a.html"));
    let (to_json, to_csv) = (format!("--json={json}"), format!("--csv={csv}"));
    let ran = demo.run("bench", &[&ADD[..], &[&to_json, &to_csv, "--html", &html]].concat());
    assert!(ran.code == 0 && ran.stdout.contains("calls/s"), "{ran:?}");

    let page = std::fs::read_to_string(html).unwrap();
    for plot in ["Latency by percentile", "Throughput over time", "Latency over time"] {
        assert!(page.contains(&format!("<title>{plot}</title>")), "{plot}");
    }
    assert_eq!(page.matches("<polyline ").count(), 4);
    assert!(!page.contains("http://") && !page.contains("https://"));

    let csv = std::fs::read_to_string(csv).unwrap();
    let mut rows = csv.lines().skip_while(|line| line.starts_with('#'));
    assert!(rows.next().unwrap().starts_with("kind,at_s,seconds,calls,"), "{csv}");
    let total = rows.last().unwrap();
    assert_eq!((total.split(',').next(), total.split(',').nth(3)), (Some("total"), Some("200")));
    assert!(demo.run("bench", &[&ADD[..], &["--csv"]].concat()).stdout.starts_with('#'));

    let ran = run(&["bench", "compare", &json, &json]);
    assert!(ran.code == 0 && ran.stdout.contains("too few samples"), "{ran:?}");
}

/// Writes a run whose every interval had so many calls, from one that was measured.
fn with_throughput(found: &Value, path: &Path, calls: f64) {
    let mut found = found.clone();
    let sample = |number: u32| {
        let rate = calls * (1.0 + f64::from(number * 7 % 5) / 100.0);
        serde_json::json!({
            "at": 0.1 * f64::from(number), "seconds": 0.1, "calls": 10, "errors": 0,
            "calls_per_second": rate, "p50_us": 100.0, "p99_us": 200.0,
        })
    };
    found["samples"] = (0..30).map(sample).collect();
    std::fs::write(path, found.to_string()).unwrap();
}

#[test]
fn two_runs_are_compared() {
    let demo = Demo::start();
    let found = demo.measure(&ADD);
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    with_throughput(&found, &file("a"), 1000.0);
    with_throughput(&found, &file("b"), 1200.0);
    let compare = |a: &str, b: &str| {
        let ran = run(&["bench", "compare", file(a).to_str().unwrap(), file(b).to_str().unwrap()]);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.stdout
    };
    let line =
        |text: &str| text.lines().find(|line| line.starts_with("calls/s")).unwrap().to_owned();
    let different = line(&compare("a", "b"));
    assert!(different.contains("+20.0%") && different.contains("real (p < 0.0001)"), "{different}");
    assert!(line(&compare("a", "a")).contains("within noise"));

    std::fs::write(file("c"), "{}").unwrap();
    let ran = run(&["bench", "compare", file("a").to_str().unwrap(), file("c").to_str().unwrap()]);
    assert_eq!((ran.code, ran.stderr.lines().count()), (2, 1), "{ran:?}");
    let ran = run(&["bench", "compare", "absent.json", "absent.json"]);
    assert!(ran.code == 2 && ran.stderr.contains("cannot read absent.json"), "{ran:?}");
}

/// Answers JSON-RPC on every connection, by hand: `add` adds, other methods are not there, and `fail` is
/// answered with 503.
fn serve_http() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            thread::spawn(move || while answer(&stream).is_some() {});
        }
    });
    format!("http://{address}/rpc")
}

/// Answers one request. Nothing if there is none any more.
fn answer(mut stream: &TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert_eq!(line, "POST /rpc HTTP/1.1\r\n");
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let call: Value = serde_json::from_slice(&body).unwrap();
    let (status, reply) = match call["method"].as_str() {
        Some("add") => {
            let (a, b) =
                (call["params"]["a"].as_i64().unwrap(), call["params"]["b"].as_i64().unwrap());
            ("200 OK", serde_json::json!({ "jsonrpc": "2.0", "id": call["id"], "result": a + b }))
        }
        Some("fail") => ("503 Service Unavailable", "busy".into()),
        _ => {
            let error = serde_json::json!({ "code": -32601, "message": "no such method" });
            ("200 OK", serde_json::json!({ "jsonrpc": "2.0", "id": call["id"], "error": error }))
        }
    };
    let reply = reply.to_string();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", reply.len());
    stream.write_all((head + &reply).as_bytes()).ok()
}

#[test]
fn http_is_loaded_with_the_same_generator() {
    let url = serve_http();
    let ran = |arguments: &[&str]| {
        let bounds = ["--count", "60", "--in-flight", "6", "--json"];
        run(&[&["bench", "--http", &url], arguments, &bounds].concat())
    };
    let load = |arguments: &[&str]| figures(&ran(arguments));
    let found = load(&["add", "a:=@int(1,100)", "b:=2"]);
    assert_eq!(
        (&found["summary"]["calls"], &found["load"]["connections"]),
        (&60.into(), &6.into())
    );
    let found = load(&["add", r#"{"a": 1, "b": 2}"#, "--connections", "2"]);
    assert_eq!(
        (&found["summary"]["calls"], &found["load"]["connections"]),
        (&60.into(), &2.into())
    );
    for (method, status) in [("sub", "JSON-RPC -32601"), ("fail", "HTTP 503")] {
        assert_eq!(failed(&failing_figures(&ran(&[method])), status), 60);
    }

    for (url, code) in [("http://127.0.0.1:1/", 78), ("https://127.0.0.1/", 2), ("nonsense", 2)] {
        let ran = run(&["bench", "--http", url, "add"]);
        assert_eq!((ran.code, ran.stderr.lines().count()), (code, 1), "{ran:?}");
    }
}

#[test]
fn a_server_that_goes_away_ends_the_run() {
    for loop_kind in [&[][..], &["--rate", "1000"]] {
        let mut demo = Demo::start();
        let arguments = ["bench", &demo.address, "Clock.sleep", "ms=60000"];
        let bounds = ["--duration", "1h", "--warmup", "0s", "--in-flight", "3", "--json"];
        let mut command = rpc();
        command.args(arguments).args(bounds).args(loop_kind);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        while demo.run("call", &["Clock.sleeping"]).stdout.trim() != "3" {}
        demo.child.kill().unwrap();
        let found = failing_figures(&child.wait_with_output().unwrap().into());
        assert_eq!(failed(&found, "UNAVAILABLE"), 3);
        let warnings = found["warnings"].to_string();
        assert!(warnings.contains("the connections were lost"), "{warnings}");
    }
}

#[test]
fn the_highest_rate_is_found_in_steps() {
    let demo = Demo::start();
    // Each sleep takes 20 ms, so that p99 is above that at any rate, and no step holds.
    let ran = demo.run(
        "bench",
        &["Clock.sleep", "ms=20", "--find-max", "--p99", "1ms", "--rate", "20", "-d", "100ms"],
    );
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("no rate held: at 1 calls/s, "), "{ran:?}");
}

#[test]
fn where_reports_go_is_known_before_the_load() {
    let demo = Demo::start();
    // A load that would never end, were it begun.
    let load = ["Clock.sleep", "ms=3600000", "--duration", "1h"];
    let ran = demo.run("bench", &[&load[..], &["--json=/nonexistent/x"]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(ran.stderr.starts_with("error: cannot write /nonexistent/x: "), "{ran:?}");
    let ran = demo.run("bench", &[&load[..], &["--json", "--csv"]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
    assert!(ran.stderr.contains("stdout has room for one report"), "{ran:?}");
}

#[test]
fn the_file_of_a_report_may_stand_behind_its_option() {
    let demo = Demo::start();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (json, csv) = (path("a.json"), path("a.csv"));
    let load = ["Calculator.add", "1", "2", "--count", "100", "--json", &json, "--csv", &csv];
    let ran = demo.run("bench", &load);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(std::fs::read_to_string(json).unwrap().starts_with('{'));
    assert!(std::fs::read_to_string(csv).unwrap().contains(','));
}
