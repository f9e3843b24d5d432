//! What is drawn of a server that stands still, and what the keys do.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::{Terminal, backend::TestBackend};
use rpc_core::inspect::{
    CallInFlight, CallList, ConnectionFigures, Latencies, MethodFigures, Overview, Waiting,
};
use serde_json::json;

use super::{
    draw::{draw, once},
    keys::{Action, press},
    rows::bytes,
    samples::{Sample, Samples},
    screen::{Screen, View},
};

fn latencies(buckets: &[(u16, u64)]) -> Latencies {
    serde_json::from_value(json!({ "buckets": buckets })).unwrap()
}

fn method(name: &str, calls: u64, failed: u64, in_flight: u64) -> MethodFigures {
    MethodFigures {
        method: name.to_owned(),
        calls,
        failures: vec![("INTERNAL".to_owned(), failed)],
        in_flight,
        received: calls * 16,
        sent: calls * 1700,
        latencies: latencies(&[(60, calls - calls / 50), (160, calls / 50)]),
    }
}

fn overview(seconds: u64, methods: Vec<MethodFigures>) -> Overview {
    Overview {
        name: "shop".to_owned(),
        version: "0.1.0".to_owned(),
        process: 17,
        uptime: Duration::from_secs(4000 + seconds),
        in_flight: 10_002,
        connections: 3,
        methods,
    }
}

fn calls() -> CallList {
    let call = |call, method: &str, age, left: Option<u64>, waiting| CallInFlight {
        call,
        method: method.to_owned(),
        peer: format!("192.168.17.{}:50123", call % 250),
        age: Duration::from_millis(age),
        remaining: left.map(Duration::from_millis),
        waiting,
    };
    CallList {
        total: 10_002,
        calls: vec![
            call(17, "Orders.export", 75_000, None, Waiting::Reader),
            call(91_234, "Orders.place", 1250, Some(750), Waiting::Reply("Stock.take".to_owned())),
            call(91_235, "Orders.place", 40, Some(1960), Waiting::Handler),
        ],
    }
}

fn connections() -> Vec<ConnectionFigures> {
    let one = |peer: &str, state: &str, serving, unsent| ConnectionFigures {
        peer: peer.to_owned(),
        name: "billing".to_owned(),
        state: state.to_owned(),
        age: Duration::from_secs(3600),
        silent: Duration::from_millis(20),
        serving,
        calling: 1,
        unsent,
    };
    vec![
        one("127.0.0.1:40000", "ready", 9_000, 4096),
        one("[2001:db8:85a3::8a2e:370:7334]:50123", "draining", 2, 0),
    ]
}

fn samples() -> Samples {
    let mut samples = Samples::default();
    let began = Instant::now();
    for second in 0..2 {
        let methods = vec![
            method("Orders.export", 3 + second, 0, 1),
            method("Orders.place", 1000 + 88_000 * second, 12 * second, 10_000),
            method("Never.called", 0, 0, 0),
            method("Inspect.overview", 2 + second, 0, 1),
        ];
        samples.add(Sample {
            at: began + Duration::from_secs(second),
            overview: overview(second, methods),
            calls: Some(calls()),
            connections: Some(connections()),
        });
    }
    samples
}

fn shown(screen: &mut Screen, samples: &Samples, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, screen, samples)).unwrap();
    let buffer = terminal.backend().buffer();
    let lines = buffer.content.chunks(usize::from(width));
    let text = lines.map(|cells| cells.iter().map(|cell| cell.symbol()).collect::<String>());
    text.map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Compares with the file of that name.
#[track_caller]
fn expect(name: &str, text: &str) {
    let path = format!("{}/tests/expected/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{name} differs; UPDATE=1 writes it anew. It is now:\n{text}");
}

fn type_in(screen: &mut Screen, samples: &Samples, keys: &str) -> Vec<Action> {
    let key = |letter| KeyEvent::from(KeyCode::Char(letter));
    keys.chars().map(|letter| press(screen, samples, key(letter))).collect()
}

#[test]
fn each_view_fits_its_terminal() {
    let samples = samples();
    for (width, height) in [(80, 24), (200, 60)] {
        for view in View::ALL {
            let mut screen = Screen::new("127.0.0.1:7000");
            screen.show(view, None);
            let name = format!("top-{}-{width}.txt", view.title().to_lowercase());
            expect(&name, &shown(&mut screen, &samples, width, height));
        }
    }
}

#[test]
fn rates_are_those_between_two_answers() {
    let rows = samples().methods();
    let names: Vec<_> = rows.iter().map(|row| row.method.as_str()).collect();
    assert_eq!(names, ["Orders.export", "Orders.place", "Inspect.overview"]);
    assert_eq!((rows[1].rate, rows[1].errors, rows[1].in_flight), (88_000.0, 12.0, 10_000));
    assert!(rows[1].p99 > rows[1].p50);
    // A server that was started anew has nothing before it.
    let mut samples = samples();
    let mut anew = samples.last().unwrap().clone();
    anew.overview.process = 18;
    anew.overview.uptime = Duration::from_secs(2);
    samples.add(anew);
    assert_eq!(samples.methods()[1].rate, 44_500.0);
    assert_eq!(once(&samples)[1].split_whitespace().next(), Some("Orders.place"));
}

#[test]
fn keys_choose_sort_filter_and_go_down() {
    let samples = samples();
    let mut screen = Screen::new("127.0.0.1:7000");
    let first = |screen: &mut Screen| {
        let shown = shown(screen, &samples, 80, 24);
        shown.lines().nth(3).unwrap().split_whitespace().next().unwrap_or_default().to_owned()
    };
    assert_eq!(first(&mut screen), "Orders.place");
    type_in(&mut screen, &samples, "r");
    assert_ne!(first(&mut screen), "Orders.place");
    type_in(&mut screen, &samples, "rS");
    assert_eq!(first(&mut screen), "Inspect.overview");
    type_in(&mut screen, &samples, "/EXPORT");
    assert_eq!(first(&mut screen), "Orders.export");
    let enter = KeyEvent::from(KeyCode::Enter);
    assert_eq!(press(&mut screen, &samples, enter), Action::Draw);
    assert_eq!(press(&mut screen, &samples, enter), Action::Ask);
    assert_eq!((screen.view, screen.method.as_deref()), (View::Calls, Some("Orders.export")));
    assert_eq!(type_in(&mut screen, &samples, "Kn"), [Action::Draw, Action::Draw]);
    assert_eq!(type_in(&mut screen, &samples, "Ky"), [Action::Draw, Action::Kill(17)]);
    assert_eq!(
        type_in(&mut screen, &samples, "jjjj3p"),
        [Action::Draw, Action::Draw, Action::Draw, Action::Draw, Action::Ask, Action::Draw,]
    );
    assert!(screen.paused && screen.view == View::Connections);
    let escape = KeyEvent::from(KeyCode::Esc);
    assert_eq!(press(&mut screen, &samples, escape), Action::Leave);
    assert_eq!(type_in(&mut screen, &samples, "q"), [Action::Leave]);
}

#[test]
fn the_chosen_row_stays_chosen_when_others_pass_it() {
    let mut samples = samples();
    let mut screen = Screen::new("127.0.0.1:7000");
    let enter = KeyEvent::from(KeyCode::Enter);
    shown(&mut screen, &samples, 80, 24);
    // Of Orders.place, Orders.export and Inspect.overview, as they stand.
    type_in(&mut screen, &samples, "j");
    let mut later = samples.last().unwrap().clone();
    later.at += Duration::from_secs(1);
    later.overview.methods[1].calls += 900;
    later.overview.methods[3].calls += 700;
    samples.add(later);
    let list = shown(&mut screen, &samples, 80, 24);
    assert!(list.lines().nth(5).unwrap().starts_with("Orders.export"), "{list}");
    press(&mut screen, &samples, enter);
    assert_eq!(screen.method.as_deref(), Some("Orders.export"));
    // In the list of calls the oldest one ends above the chosen one.
    type_in(&mut screen, &samples, "j");
    let mut later = samples.last().unwrap().clone();
    later.calls.as_mut().unwrap().calls.remove(0);
    samples.add(later);
    shown(&mut screen, &samples, 80, 24);
    type_in(&mut screen, &samples, "K");
    assert_eq!(screen.ending, Some(91_234));
}

#[test]
fn names_of_others_do_not_command_the_terminal() {
    let mut samples = samples();
    let mut evil = samples.last().unwrap().clone();
    evil.overview.name = "\u{1b}[2Jshop".to_owned();
    evil.overview.methods[1].method = "Evil.\u{7}\u{1b}]0;x".to_owned();
    samples.add(evil);
    let shown = shown(&mut Screen::new("a:1"), &samples, 80, 24);
    assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
}

#[test]
fn bytes_are_short() {
    let shown = [0.0, 17.0, 999.0, 1024.0, 20_480.0, 5e6, 3e10].map(bytes);
    assert_eq!(shown, ["·", "17B", "999B", "1.0K", "20K", "4.8M", "28G"]);
}
