//! Tables from made-up cells: the ratios are the right way up.

use super::*;
use crate::{plan::Part, record::LaneSample};

fn cell(transport: &'static str, role: Role, load: &str, speed: f64, cpu: f64) -> Cell {
    let lane = LaneSample {
        calls: 10,
        calls_per_second: speed,
        p50_us: 5.0,
        p99_us: cpu * 10.0,
        p999_us: cpu,
    };
    let sample = Sample {
        seconds: 1.0,
        client_cpu_us: cpu / 4.0,
        server_cpu_us: cpu * 3.0 / 4.0,
        lanes: vec![lane.clone(), lane],
    };
    let (group, load) = ("add, some load".to_owned(), load.to_owned());
    let (part, transport) = (Part::Jobs, transport.to_owned());
    let (samples, failures) = (vec![sample], Vec::new());
    Cell { part, group, load, pinned: false, transport, role, samples, failures }
}

fn row<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.contains(name)).unwrap();
    line.split('|').map(str::trim).filter(|field| !field.is_empty()).collect()
}

#[test]
fn every_transport_is_divided_by_the_limit() {
    let text = transports(&[
        cell("limit", Role::Limit, "1x64", 400.0, 2.0),
        cell("other", Role::Peer, "1x64", 100.0, 16.0),
    ]);
    let other = row(&text, "other");
    assert_eq!(other[1..4], ["100 (100..100)", "0.250x", "16.0"]);
    assert_eq!(other[4..7], ["4.00", "12.0", "8.00x"]);
}

#[test]
fn ours_is_set_against_each_http_transport() {
    let text = transports(&[
        cell("ours-tcp", Role::Ours, "1x64", 500.0, 2.0),
        cell("some-http", Role::Http, "1x64", 20.0, 60.0),
    ]);
    let (_, last) = text.split_once("ours against").unwrap();
    assert_eq!(row(last, "some-http")[1..], ["ours-tcp", "some-http", "30.0x", "25.0x"]);
}

#[test]
fn without_a_limit_its_ratios_are_left_blank() {
    let text = transports(&[cell("other", Role::Peer, "1x1", 10.0, 1.0)]);
    assert_eq!(row(&text, "other")[2], "-");
}

#[test]
fn pending_and_ready_are_paired_by_transport() {
    let text = pending(&[
        cell("one", Role::Ours, "ready", 10.0, 2.0),
        cell("two", Role::Peer, "ready", 10.0, 5.0),
        cell("one", Role::Ours, "pending", 10.0, 3.0),
        cell("two", Role::Peer, "pending", 10.0, 20.0),
    ]);
    assert_eq!(row(&text, "one")[3], "1.50x");
    assert_eq!(row(&text, "two")[3], "4.00x");
}

#[test]
fn latency_beside_large_echoes_is_divided_by_that_alone() {
    let text = mixed(&[
        cell("first", Role::Ours, "alone", 10.0, 2.0),
        cell("first", Role::Ours, "beside", 10.0, 5.0),
    ]);
    assert_eq!(row(&text, "first")[5], "2.50x");
}

#[test]
fn numbers_keep_three_digits() {
    let shown =
        [0.0612, 0.9996, 9.999, 99.99, 1234.0, 65_432.0, 456_789.0, 4_870_000.0].map(number);
    assert_eq!(shown, ["0.0612", "1.00", "10.0", "100", "1234", "65.4k", "457k", "4.87M"]);
    assert_eq!(number(f64::NAN), "-");
}
