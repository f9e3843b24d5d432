//! `rpc call --explain`: one call as a waterfall, from the name of its server to the value of its reply.
//!
//! The parts of this side are laps of one clock: each begins where the one before it ended. What the server did it tells
//! itself, if it may be looked at; what is left of the time between is that of the way.

use std::time::{Duration, Instant};

use anyhow::Result;
use rpc_core::{
    Call, CallError, Channel, Metadata, inspect::CallTimes, proto::Payload, schema::MethodKind,
};
use serde_json::{Value, json};

use super::waterfall::{Part, Side, Telling, Waterfall};
use crate::{arguments::Described, coding::Coding, connect::Connected, exit::Failure, output};

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
    let began = laps.last;
    let (coding, arguments) = encode()?;
    let call = server.channel.call_raw(coding.key, coding.codec(), &arguments);
    let call = prepare(call, &metadata)?;
    laps.end("encode");
    let ended = tokio::select! {
        ended = call.with_reply_metadata() => ended,
        _ = tokio::signal::ctrl_c() => return Err(Failure::Interrupted.into()),
    };
    let between = laps.lap();
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
    laps.parts.extend(way(between, round, told));
    laps.end("decode");
    let set_up: Duration =
        server.phases.steps().filter(|(name, _)| *name != "describe").map(|(_, time)| time).sum();
    let total = set_up + began.elapsed();
    Ok(Explained { waterfall: Waterfall { parts: laps.parts, total, telling }, outcome })
}

/// What the time between sending and reply went to. Of the way no more is known than a ping tells: half of it there, and half
/// of it back. What is left beyond that is before the request was taken up, for most of what waits waits there.
fn way(between: Duration, round: Duration, told: Option<CallTimes>) -> Vec<Part> {
    let served = told.as_ref().map_or(Duration::ZERO, CallTimes::total).min(between);
    let left = between - served;
    let there = left.min(round) / 2;
    let beyond = left - 2 * there;
    let part = |side, name: &str, time| Part { side, name: name.to_owned(), time };
    let mut parts = Vec::new();
    match told {
        None => {
            parts.extend([part(Side::Way, "wire", there), part(Side::Server, "not told", beyond)])
        }
        Some(told) => {
            parts.extend([part(Side::Client, "queue", beyond), part(Side::Way, "wire", there)]);
            parts.extend(told.parts.iter().map(|(name, time)| part(Side::Server, name, *time)));
        }
    }
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

    #[test]
    fn the_way_takes_what_the_server_leaves() {
        let micros = Duration::from_micros;
        let told = |times: &[(&str, u64)]| {
            let mut metadata = Metadata::new();
            let nanos: Vec<_> = times.iter().map(|(name, time)| (name, time * 1000)).collect();
            metadata.set("rpc-times", &serde_json::to_string(&nanos).unwrap()).unwrap();
            CallTimes::told(&metadata)
        };
        for (between, round, told) in [
            (100, 40, told(&[("decode", 10), ("handler", 20)])),
            (100, 400, told(&[("decode", 10), ("handler", 20)])),
            // Clocks that do not run alike.
            (100, 40, told(&[("handler", 90), ("encode", 9)])),
            (100, 40, None),
            (100, 0, None),
            (0, 40, None),
        ] {
            let parts = way(micros(between), micros(round), told.clone());
            assert_eq!(sum(&parts), micros(between), "{parts:?}");
            assert_eq!(parts.last().map(|part| &*part.name), Some("back"));
        }
        let parts = way(micros(100), micros(40), told(&[("decode", 10), ("handler", 20)]));
        let names: Vec<_> = parts.iter().map(|part| (part.side, &*part.name)).collect();
        assert_eq!(
            names,
            [
                (Side::Client, "queue"),
                (Side::Way, "wire"),
                (Side::Server, "decode"),
                (Side::Server, "handler"),
                (Side::Way, "back")
            ]
        );
        assert_eq!((parts[0].time, parts[1].time), (micros(30), micros(20)));
    }
}
