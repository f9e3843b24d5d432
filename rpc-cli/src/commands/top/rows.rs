//! The rows of a view: their cells as text, what they are sorted by, and what they stand for.

use std::{cmp::Ordering, time::Duration};

use rpc_core::inspect::{CallInFlight, ConnectionFigures};

use super::{
    samples::{MethodRow, Samples},
    screen::{Order, Screen, View},
};
use crate::inspected::{brief, grouped};

/// A column: its head, and how wide it is; the first that is as wide as there is room has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) head: &'static str,
    /// Zero takes the room that is left.
    pub(super) width: u16,
    pub(super) align: Align,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

const fn left(head: &'static str, width: u16) -> Column {
    Column { head, width, align: Align::Left }
}

const fn right(head: &'static str, width: u16) -> Column {
    Column { head, width, align: Align::Right }
}

const METHODS: &[Column] = &[
    left("METHOD", 0),
    right("CALLS/S", 9),
    right("RUN", 6),
    right("P50", 6),
    right("P99", 6),
    right("ERR/S", 7),
    right("IN/S", 8),
    right("OUT/S", 8),
];

const CALLS: &[Column] = &[
    right("CALL", 8),
    left("METHOD", 0),
    left("PEER", 22),
    right("AGE", 6),
    right("LEFT", 6),
    left("WAITS FOR", 16),
];

const CONNECTIONS: &[Column] = &[
    left("PEER", 0),
    left("NAME", 14),
    left("STATE", 10),
    right("AGE", 6),
    right("CALLS", 7),
    right("BACK", 6),
    right("UNSENT", 8),
    right("SILENT", 7),
];

/// A row of a view.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) cells: Vec<String>,
    keys: Vec<Key>,
    /// The method that it is of, and the call, where it is one.
    pub(super) method: Option<String>,
    pub(super) call: Option<u64>,
    /// Whether it is to be seen at once.
    pub(super) alarming: bool,
}

impl Row {
    /// What no other row of the view is called: a method, the number of a call, a peer.
    pub(super) fn name(&self) -> &str {
        self.cells.first().map_or("", String::as_str)
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Key {
    Text(String),
    Number(f64),
}

impl Key {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            // Words rise where numbers fall.
            (Self::Text(one), Self::Text(other)) => other.cmp(one),
            (Self::Text(_), Self::Number(_)) => Ordering::Less,
            (Self::Number(_), Self::Text(_)) => Ordering::Greater,
        }
    }
}

pub(super) const fn columns(view: View) -> &'static [Column] {
    match view {
        View::Methods => METHODS,
        View::Calls => CALLS,
        View::Connections => CONNECTIONS,
    }
}

/// The rows that are to be shown, sorted and filtered.
pub(super) fn rows(screen: &Screen, samples: &Samples) -> Vec<Row> {
    let last = samples.last();
    let mut rows: Vec<Row> = match screen.view {
        View::Methods => samples.methods().iter().map(method).collect(),
        View::Calls => {
            let calls = last.and_then(|sample| sample.calls.as_ref());
            calls.into_iter().flat_map(|list| &list.calls).map(call).collect()
        }
        View::Connections => {
            let connections = last.and_then(|sample| sample.connections.as_ref());
            connections.into_iter().flatten().map(connection).collect()
        }
    };
    let wanted = screen.filter.to_lowercase();
    rows.retain(|row| row.cells.iter().any(|cell| cell.to_lowercase().contains(&wanted)));
    let (column, order) = screen.sorted[screen.view as usize];
    rows.sort_by(|one, other| {
        let falling = other.keys[column].compare(&one.keys[column]);
        match order {
            Order::Falling => falling,
            Order::Rising => falling.reverse(),
        }
    });
    rows
}

fn text(text: &str) -> (String, Key) {
    // What a server says cannot command the terminal.
    let shown: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    (shown.clone(), Key::Text(shown))
}

fn number(number: u64) -> (String, Key) {
    (grouped(number), Key::Number(number as f64))
}

fn time(time: Option<Duration>) -> (String, Key) {
    let seconds = time.map_or(-1.0, |time| time.as_secs_f64());
    (time.map_or_else(|| "-".to_owned(), brief), Key::Number(seconds))
}

/// A rate in few letters; nothing is a dot, so that what happens is seen.
fn rate(rate: f64) -> (String, Key) {
    let shown = match rate {
        0.0 => "·".to_owned(),
        rate if rate < 9.95 => format!("{rate:.1}"),
        rate => grouped(rate.round() as u64),
    };
    (shown, Key::Number(rate))
}

/// Bytes in few letters.
pub(super) fn bytes(bytes: f64) -> String {
    let units = ["B", "K", "M", "G", "T"];
    let (mut value, mut unit) = (bytes, 0);
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    match value {
        0.0 => "·".to_owned(),
        value if unit > 0 && value < 9.95 => format!("{value:.1}{}", units[unit]),
        value => format!("{value:.0}{}", units[unit]),
    }
}

fn row(cells: Vec<(String, Key)>) -> Row {
    let (cells, keys) = cells.into_iter().unzip();
    Row { cells, keys, method: None, call: None, alarming: false }
}

fn method(of: &MethodRow) -> Row {
    let mut row = row(vec![
        text(&of.method),
        rate(of.rate),
        number(of.in_flight),
        time(of.p50),
        time(of.p99),
        rate(of.errors),
        (bytes(of.received), Key::Number(of.received)),
        (bytes(of.sent), Key::Number(of.sent)),
    ]);
    row.method = Some(of.method.clone());
    row.alarming = of.errors > 0.0;
    row
}

fn call(of: &CallInFlight) -> Row {
    let mut row = row(vec![
        (of.call.to_string(), Key::Number(of.call as f64)),
        text(&of.method),
        text(&of.peer),
        time(Some(of.age)),
        time(of.remaining),
        text(&of.waiting.to_string()),
    ]);
    (row.method, row.call) = (Some(of.method.clone()), Some(of.call));
    row.alarming = of.age > Duration::from_secs(10);
    row
}

fn connection(of: &ConnectionFigures) -> Row {
    let mut row = row(vec![
        text(&of.peer),
        text(&of.name),
        text(&of.state),
        time(Some(of.age)),
        number(of.serving),
        number(of.calling),
        (bytes(of.unsent as f64), Key::Number(of.unsent as f64)),
        time(Some(of.silent)),
    ]);
    row.alarming = of.state != "ready";
    row
}
