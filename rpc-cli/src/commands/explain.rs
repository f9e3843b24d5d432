//! `rpc call --explain`: one call as a waterfall, from the name of its server to the value of its reply.
//!
//! The parts of this side are laps of one clock: each begins where the one before it ended. When bytes came and went is seen
//! from below the connection. What the server did it tells itself, if it may be looked at; what is left of the time between
//! is that of the way.

use std::time::{Duration, Instant};

use anyhow::Result;
use rpc_core::{
    Call, CallError, Channel, Metadata, Reply, inspect::CallTimes, proto::Payload,
    schema::MethodKind,
};
use serde_json::{Value, json};

use super::waterfall::{Part, Side, Telling, Waterfall};
use crate::{
    arguments::Described, coding::Coding, connect::Connected, exit::Failure, output, wire::Crossing,
};

/// Pings of which the quickest counts: the first one may find a thread asleep.
const PINGS: usize = 3;

/// A clock of laps.
struct Laps {
    last: Instant,
    parts: Vec<Part>,
}

impl Laps {
    fn begin() -> Self {
        Self { last: Instant::now(), parts: Vec::new() }
    }

    /// The time since the last lap.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.last, now)
    }

    fn end(&mut self, name: &str) {
        let time = self.lap();
        self.parts.push(Part { side: Side::Client, name: name.to_owned(), time });
    }
}

/// A call with its times, and what came of it.
pub(super) struct Explained {
    pub waterfall: Waterfall,
    pub outcome: Result<Value, CallError<Value>>,
}

/// What can be explained: methods that answer with one value, and take no stream.
pub(super) fn check(described: Option<Described<'_>>) -> Result<()> {
    let Some(Described { method, .. }) = described else { return Ok(()) };
    let what = match method.kind {
        MethodKind::Unary if method.upload.is_none() => return Ok(()),
        MethodKind::Oneway => "has no reply",
        _ => "streams",
    };
    let message = format!(
        "--explain shows calls that are answered with one value, and {} {what}",
        method.path
    );
    Err(Failure::usage(message).into())
}

/// The shortest of some pings: what the way there and back takes when nothing else does.
async fn ping(channel: &Channel) -> Duration {
    let mut shortest = None;
    for _ in 0..PINGS {
        if let Ok(time) = channel.ping().await {
            shortest = Some(shortest.map_or(time, |known: Duration| known.min(time)));
        }
    }
    shortest.unwrap_or_default()
}

/// Makes a call and takes its times.
pub(super) async fn call(
    server: &Connected,
    encode: impl FnOnce() -> Result<(Coding, Payload)>,
    mut metadata: Metadata,
    prepare: impl FnOnce(Call<Payload, Payload>, &Metadata) -> Result<Call<Payload, Payload>>,
) -> Result<Explained> {
    let round = ping(&server.channel).await;
    CallTimes::ask(&mut metadata).map_err(|error| Failure::usage(error.to_string()))?;
    let mut laps = Laps::begin();
    for (name, time) in server.phases.steps() {
        // Describing the method is no part of a call: who has the trait needs no description.
        if name != "describe" {
            laps.parts.push(Part { side: Side::Client, name: name.to_owned(), time });
        }
    }
    let (began, set_up) = (laps.last, laps.parts.len());
    let wire = server.seen.as_ref().map(|seen| &seen.wire);
    let (coding, arguments) = encode()?;
    let call = server.channel.call_raw(coding.key, coding.codec(), &arguments);
    let call = prepare(call, &metadata)?;
    laps.end("encode");
    let called = laps.last;
    if let Some(wire) = wire {
        wire.begin();
    }
    let ended = tokio::select! {
        ended = call.with_reply_metadata() => ended,
        _ = tokio::signal::ctrl_c() => return Err(Failure::Interrupted.into()),
    };
    laps.lap();
    let reply = match &ended {
        Ok(reply) => reply.value.len(),
        Err(CallError::App(error)) => error.len(),
        Err(CallError::Status(_)) => 0,
    };
    let crossing = wire.and_then(|wire| wire.crossing(arguments.len(), reply));
    let between = Between { called, crossing, answered: laps.last };
    let (outcome, told, telling) = read(&coding, ended)?;
    laps.parts.extend(between.parts(round, told));
    laps.end("decode");
    let set_up = match &server.seen {
        Some(seen) => seen.set_up,
        None => laps.parts.iter().take(set_up).map(|part| part.time).sum(),
    };
    let total = set_up + (laps.last - began);
    Ok(Explained { waterfall: Waterfall { parts: laps.parts, total, telling }, outcome })
}

/// What came of a call, and what its server has told of it.
type Read = (Result<Value, CallError<Value>>, Option<CallTimes>, Telling);

fn read(coding: &Coding, ended: Result<Reply<Payload>, CallError<Payload>>) -> Result<Read> {
    let (outcome, told) = match ended {
        Ok(reply) => {
            let value = coding.returned(&reply.value)?;
            (Ok(value), CallTimes::told(&reply.metadata))
        }
        Err(CallError::Status(status)) => {
            let told = CallTimes::told(status.metadata());
            (Err(CallError::Status(status)), told)
        }
        // What comes beside the method's own error is not kept.
        Err(CallError::App(error)) => (Err(CallError::App(coding.failed(&error)?)), None),
    };
    let telling = match (&told, &outcome) {
        (Some(_), _) => Telling::All,
        (None, Err(CallError::App(_))) => Telling::OwnError,
        (None, _) => Telling::Nothing,
    };
    Ok((outcome, told, telling))
}

/// From when the call was made until its reply was there.
struct Between {
    called: Instant,
    /// When its bytes came and went, where that was seen.
    crossing: Option<Crossing>,
    answered: Instant,
}

impl Between {
    /// What the time went to: parts that are next to each other, and all of it.
    fn parts(&self, round: Duration, told: Option<CallTimes>) -> Vec<Part> {
        let Self { called, crossing, answered } = *self;
        let Some(Crossing { sending, sent, receiving, received }) = crossing else {
            return away(answered - called, round, told, (Side::Client, "queue"));
        };
        let sending = sending.clamp(called, answered);
        let receiving = receiving.clamp(sending, answered);
        let received = received.clamp(receiving, answered);
        // An answer may come ahead of the end of what it answers; and whoever writes may have to wait for its turn behind
        // the server that it has woken.
        let served = told.as_ref().map_or(Duration::ZERO, CallTimes::total);
        let latest = receiving.checked_sub(served).unwrap_or(sending);
        let sent = sent.min(latest).clamp(sending, receiving);
        let mut parts = vec![
            part(Side::Client, "queue", sending - called),
            part(Side::Client, "send", sent - sending),
        ];
        parts.extend(away(receiving - sent, round, told, (Side::Server, "pick up")));
        parts.push(part(Side::Client, "receive", received - receiving));
        parts.push(part(Side::Client, "wake", answered - received));
        parts
    }
}

fn part(side: Side, name: &str, time: Duration) -> Part {
    Part { side, name: name.to_owned(), time }
}

/// What the time went to while the call was with the server. Of the way no more is known than a ping tells: half of it there,
/// and half of it back. What is `beyond` that is before the request was taken up, for most of what waits waits there.
fn away(
    between: Duration,
    round: Duration,
    told: Option<CallTimes>,
    beyond: (Side, &str),
) -> Vec<Part> {
    let mut left = between;
    // A server is believed as long as it tells no more than what passed.
    let mut served = Vec::new();
    for (name, time) in told.iter().flat_map(|told| &told.parts) {
        let time = left.min(*time);
        left -= time;
        served.push(part(Side::Server, name, time));
    }
    let there = left.min(round) / 2;
    let more = left - 2 * there;
    let mut parts = Vec::new();
    let wire = part(Side::Way, "wire", there);
    match (&told, beyond) {
        (None, _) => parts.extend([wire, part(Side::Server, "not told", more)]),
        (Some(_), (Side::Server, name)) => parts.extend([wire, part(Side::Server, name, more)]),
        (Some(_), (side, name)) => parts.extend([part(side, name, more), wire]),
    }
    parts.extend(served);
    parts.push(part(Side::Way, "back", there));
    parts
}

/// Prints the value and the waterfall, or both as one JSON.
pub(super) fn print(
    explained: Explained,
    json: bool,
    compact: bool,
) -> Result<(), CallError<Value>> {
    let Explained { waterfall, outcome } = explained;
    match outcome {
        Ok(value) if json => {
            output::line(&output::one_line(
                &json!({ "value": value, "explain": waterfall.json() }),
            ));
            Ok(())
        }
        Ok(value) => {
            output::json(&value, compact);
            waterfall.print();
            Ok(())
        }
        Err(error) => {
            if json {
                output::line(&output::one_line(&json!({ "explain": waterfall.json() })));
            } else {
                waterfall.print();
            }
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(parts: &[Part]) -> Duration {
        parts.iter().map(|part| part.time).sum()
    }

    fn told(times: &[(&str, u64)]) -> Option<CallTimes> {
        let mut metadata = Metadata::new();
        let nanos: Vec<_> = times.iter().map(|(name, time)| (name, time * 1000)).collect();
        metadata.set("rpc-times", &serde_json::to_string(&nanos).unwrap()).unwrap();
        CallTimes::told(&metadata)
    }

    fn names(parts: &[Part]) -> Vec<(Side, &str)> {
        parts.iter().map(|part| (part.side, &*part.name)).collect()
    }

    const QUEUE: (Side, &str) = (Side::Client, "queue");

    #[test]
    fn the_way_takes_what_the_server_leaves() {
        let micros = Duration::from_micros;
        for (between, round, told) in [
            (100, 40, told(&[("decode", 10), ("handler", 20)])),
            (100, 400, told(&[("decode", 10), ("handler", 20)])),
            // Clocks that do not run alike.
            (100, 40, told(&[("handler", 90), ("encode", 9)])),
            // One that tells of a time that was not.
            (100, 40, told(&[("decode", 10), ("handler", 1 << 40), ("encode", 9)])),
            (100, 40, None),
            (100, 0, None),
            (0, 40, None),
        ] {
            let parts = away(micros(between), micros(round), told.clone(), QUEUE);
            assert_eq!(sum(&parts), micros(between), "{parts:?}");
            assert_eq!(parts.last().map(|part| &*part.name), Some("back"));
        }
        let told = told(&[("decode", 10), ("handler", 20)]);
        let parts = away(micros(100), micros(40), told, QUEUE);
        let expected = [
            QUEUE,
            (Side::Way, "wire"),
            (Side::Server, "decode"),
            (Side::Server, "handler"),
            (Side::Way, "back"),
        ];
        assert_eq!(names(&parts), expected);
        assert_eq!((parts[0].time, parts[1].time), (micros(30), micros(20)));
    }

    /// Instants in microseconds: those of the bytes, and of the answer.
    fn between(crossing: [u64; 4], answered: u64) -> Between {
        let called = Instant::now();
        let at = |micros| called + Duration::from_micros(micros);
        let [sending, sent, receiving, received] = crossing.map(at);
        let crossing = Some(Crossing { sending, sent, receiving, received });
        Between { called, crossing, answered: at(answered) }
    }

    #[test]
    fn each_part_ends_where_the_next_one_begins() {
        let parts = between([5, 25, 85, 95], 99)
            .parts(Duration::from_micros(20), told(&[("handler", 30), ("encode", 4)]));
        let times: Vec<_> = parts.iter().map(|part| (&*part.name, part.time.as_micros())).collect();
        let expected = [
            ("queue", 5),
            ("send", 20),
            ("wire", 10),
            ("pick up", 6),
            ("handler", 30),
            ("encode", 4),
            ("back", 10),
            ("receive", 10),
            ("wake", 4),
        ];
        assert_eq!(times, expected);
    }

    #[test]
    fn a_server_that_was_done_before_the_write_came_back_is_believed() {
        let parts = between([5, 80, 85, 95], 99)
            .parts(Duration::from_micros(20), told(&[("handler", 30), ("encode", 4)]));
        let time = |wanted: &str| parts.iter().find(|part| part.name == wanted).unwrap().time;
        let micros = Duration::from_micros;
        assert_eq!(
            (time("send"), time("handler"), time("encode")),
            (micros(46), micros(30), micros(4))
        );
    }

    #[test]
    fn whatever_came_and_went_the_parts_are_all_of_the_time() {
        let orders: [[u64; 4]; 6] = [
            [5, 25, 85, 95],
            // Answered before all of it was sent.
            [5, 70, 50, 90],
            // A read of this call's, of which the caller learned by another.
            [5, 25, 85, 300],
            [200, 210, 220, 230],
            [0, 0, 0, 0],
            [90, 60, 30, 10],
        ];
        for crossing in orders {
            for told in [None, told(&[("handler", 30)]), told(&[("handler", 1 << 40)])] {
                let parts = between(crossing, 100).parts(Duration::from_micros(20), told);
                assert_eq!(sum(&parts), Duration::from_micros(100), "{crossing:?}: {parts:?}");
            }
        }
    }
}
