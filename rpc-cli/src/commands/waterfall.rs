//! A call as a waterfall: its parts below each other, each where it begins and as long as it took.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{connect::short, output};

/// Characters of the longest bar.
const WIDTH: f64 = 44.0;

/// A part of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub side: Side,
    pub name: String,
    pub time: Duration,
}

/// Where a part of a call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Way,
    Server,
}

impl Side {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Way => "way",
            Self::Server => "server",
        }
    }
}

/// The parts of a call, and all of it.
#[derive(Clone, Debug)]
pub(super) struct Waterfall {
    pub parts: Vec<Part>,
    /// From the first part to the last one, by a clock of its own.
    pub total: Duration,
    /// What the server has told of its part.
    pub telling: Telling,
}

/// What a server tells of its part of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    All,
    Nothing,
    /// What comes beside the method's own error is not kept.
    OwnError,
}

impl Telling {
    /// Why nothing is known of the server.
    const fn why(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::Nothing => Some(
                "the server does not tell its part: its program allows that by Server::inspect, to callers who may look",
            ),
            Self::OwnError => Some(
                "the server's part is not known: its times do not travel with the method's own error",
            ),
        }
    }
}

impl Waterfall {
    /// Prints it where notes go: the result is what stdout is for.
    pub(super) fn print(&self) {
        for line in self.lines() {
            output::note(&line);
        }
    }

    fn lines(&self) -> Vec<String> {
        let longest = self.parts.iter().map(|part| part.name.chars().count()).max();
        let width = longest.unwrap_or_default().max("total".len());
        let whole = self.total.max(Duration::from_nanos(1)).as_secs_f64();
        let mut begins = Duration::ZERO;
        let mut lines = Vec::with_capacity(self.parts.len() + 2);
        for Part { side, name, time } in &self.parts {
            let at = |time: Duration| time.as_secs_f64() / whole * WIDTH;
            let bar = bar(at(begins), at(begins + *time));
            begins += *time;
            let time = short(*time);
            let line = format!("{:<6}  {name:<width$}  {time:>9}  {bar}", side.name());
            lines.push(line.trim_end().to_owned());
        }
        lines.push(format!("{:<6}  {:<width$}  {:>9}", "", "total", short(self.total)));
        lines.extend(self.telling.why().map(str::to_owned));
        lines
    }

    /// The same for programs, in nanoseconds.
    pub(super) fn json(&self) -> Value {
        let mut begins = Duration::ZERO;
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let parts = self.parts.iter().map(|Part { side, name, time }| {
            let part = json!({
                "side": side.name(),
                "part": name,
                "begins_ns": nanos(begins),
                "ns": nanos(*time),
            });
            begins += *time;
            part
        });
        let parts: Vec<Value> = parts.collect();
        json!({ "total_ns": nanos(self.total), "server_tells": self.telling == Telling::All, "parts": parts })
    }
}

/// A bar between two places, at least a sliver.
fn bar(from: f64, to: f64) -> String {
    let (from, to) = (from.min(WIDTH - 1.0), to.min(WIDTH));
    let begin = from.round() as usize;
    let end = (to.round() as usize).max(begin);
    let blocks = if end == begin { "▏".to_owned() } else { "█".repeat(end - begin) };
    format!("{}{blocks}", " ".repeat(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waterfall(parts: &[(Side, &str, u64)], telling: Telling) -> Waterfall {
        let parts: Vec<_> = parts
            .iter()
            .map(|&(side, name, micros)| {
                let time = Duration::from_micros(micros);
                Part { side, name: name.to_owned(), time }
            })
            .collect();
        let total = parts.iter().map(|part| part.time).sum();
        Waterfall { parts, total, telling }
    }

    #[test]
    fn parts_stand_below_each_other_where_they_begin() {
        let parts = [
            (Side::Client, "connect", 110),
            (Side::Way, "wire", 0),
            (Side::Server, "call Stock.take", 220),
            (Side::Way, "back", 110),
        ];
        let drawn = waterfall(&parts, Telling::All).lines().join("\n");
        let expected = "\
client  connect             110 µs  ███████████
way     wire                  0 µs             ▏
server  call Stock.take     220 µs             ██████████████████████
way     back                110 µs                                   ███████████
        total               440 µs";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn nothing_is_drawn_beyond_the_end_and_nothing_divides_by_zero() {
        for parts in [&[][..], &[(Side::Client, "x", 0)], &[(Side::Client, "x", 1 << 40)]] {
            for line in waterfall(parts, Telling::Nothing).lines() {
                assert!(line.chars().count() < 160, "{line}");
            }
        }
        assert_eq!(bar(50.0, 60.0).chars().count(), 44);
    }

    #[test]
    fn json_has_every_part_behind_the_one_before() {
        let parts = [(Side::Client, "connect", 3), (Side::Server, "handler", 5)];
        let json = waterfall(&parts, Telling::All).json();
        assert_eq!(json["total_ns"], 8000);
        assert_eq!(json["parts"][1]["begins_ns"], json["parts"][0]["ns"]);
        assert_eq!(
            (&json["parts"][1]["side"], &json["parts"][1]["ns"]),
            (&"server".into(), &5000.into())
        );
    }
}
