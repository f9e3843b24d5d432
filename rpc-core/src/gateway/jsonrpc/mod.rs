//! JSON-RPC 2.0: <https://www.jsonrpc.org/specification>, with PROTOCOL §24 for what that leaves open.

pub(super) mod request;

pub(super) use request::Answer;

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream::FuturesUnordered};

use super::{
    Face,
    exchange::{Calling, Exchange},
    headers::Head,
    session::Session,
    statuses::{self, INVALID_REQUEST, PARSE_ERROR, written},
};
use crate::proto::{Code, Metadata, Outcome, Payload, Status};
use request::{Call, Invalid, Message, Request, Unreadable};

/// The method that describes all others.
const DISCOVER: &str = "rpc.discover";

/// Bytes of answers in a batch, beyond which further ones are not kept.
const MAX_ANSWERS: usize = 64 << 20;

/// The answer to a body: its text, unless there are notifications alone, and what came beside the result of a single
/// call.
#[derive(Debug, Default)]
pub(super) struct Answered {
    pub(super) text: Option<Vec<u8>>,
    pub(super) metadata: Option<Metadata>,
}

/// Makes the calls of a body.
pub(super) async fn answer(
    face: &Face,
    session: &Arc<Session>,
    head: &Head,
    body: &Bytes,
) -> Answered {
    let refused = |error: Vec<u8>| Answered { text: Some(failed(&error, "null")), metadata: None };
    match request::read(body, face.options.max_batch) {
        Ok(Message::Single(Ok(call))) => single(face, session, head, body, call).await,
        Ok(Message::Single(Err(invalid))) => {
            Answered { text: Some(invalid.answer()), metadata: None }
        }
        Ok(Message::Batch(each)) => {
            Answered { text: batch(face, session, head, body, each).await, metadata: None }
        }
        Err(unreadable) => refused(unreadable.error()),
    }
}

impl Unreadable {
    /// The error object that says so.
    pub(super) fn error(&self) -> Vec<u8> {
        match self {
            Self::Syntax(why) => PARSE_ERROR.error(why),
            Self::Empty => INVALID_REQUEST.error("a batch has one call at least"),
            Self::TooMany(most) => {
                INVALID_REQUEST.error(&format!("a batch has at most {most} calls"))
            }
        }
    }
}

/// The answer to whoever may not ask at all.
pub(super) fn refused(status: &Status) -> Vec<u8> {
    failed(&statuses::plain_error(status), "null")
}

async fn single(
    face: &Face,
    session: &Arc<Session>,
    head: &Head,
    body: &Bytes,
    call: Call<'_>,
) -> Answered {
    let id = call.id;
    let (end, metadata) = match begin(face, session, head, body, &call, Streaming::Refused) {
        Begun::Call(exchange) => {
            let (outcome, metadata) = exchange.ended().await;
            (End::of(outcome), metadata)
        }
        Begun::Discover => (face.discover(session, head.clone()).await.into(), None),
        Begun::Not(end) => (end, None),
    };
    Answered { text: id.map(|id| end.answer(id)), metadata }
}

async fn batch(
    face: &Face,
    session: &Arc<Session>,
    head: &Head,
    body: &Bytes,
    each: Vec<Request<'_>>,
) -> Option<Vec<u8>> {
    if head.idempotency.is_some() {
        let message = "an idempotency key names one call, and a batch has many";
        return Some(INVALID_REQUEST.error(message));
    }
    let mut answers: Vec<Option<Vec<u8>>> = Vec::new();
    answers.resize_with(each.len(), || None);
    let mut lines: HashMap<Line, Vec<Waiting<'_>>> = HashMap::new();
    for (index, request) in each.into_iter().enumerate() {
        match request {
            Ok(call) => {
                let begun = begin(face, session, head, body, &call, Streaming::Refused);
                let line = begun.order().map_or(Line::Own(index), Line::Shared);
                lines.entry(line).or_default().push(Waiting { index, id: call.id, begun });
            }
            Err(invalid) => answers[index] = Some(invalid.answer()),
        }
    }
    // Calls run beside each other, but for those that keep an order.
    let mut running: FuturesUnordered<_> = lines
        .into_values()
        .map(|line| async move {
            let mut ends = Vec::with_capacity(line.len());
            for Waiting { index, id, begun } in line {
                let end = match begun {
                    Begun::Call(exchange) => End::of(exchange.ended().await.0),
                    Begun::Discover => face.discover(session, head.clone()).await.into(),
                    Begun::Not(end) => end,
                };
                ends.push((index, id.map(|id| end.answer(id))));
            }
            ends
        })
        .collect();
    let mut bytes = 0;
    while let Some(ends) = running.next().await {
        for (index, answer) in ends {
            let length = answer.as_ref().map_or(0, Vec::len);
            bytes += length;
            answers[index] = answer;
            if bytes > MAX_ANSWERS {
                let message = format!("the answers of this batch exceed {MAX_ANSWERS} bytes");
                let status = Status::new(Code::ResourceExhausted, message);
                return Some(failed(&statuses::plain_error(&status), "null"));
            }
        }
    }
    let mut text = vec![b'['];
    for answer in answers.into_iter().flatten() {
        if text.len() > 1 {
            text.push(b',');
        }
        text.extend_from_slice(&answer);
    }
    text.push(b']');
    (text.len() > 2).then_some(text)
}

/// Calls that run one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Line {
    Own(usize),
    Shared(u32),
}

/// A call of a batch, by its place in there.
struct Waiting<'t> {
    index: usize,
    id: Option<&'t str>,
    begun: Begun,
}

/// What becomes of methods that answer with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Streaming {
    /// The caller is told where streams are.
    Refused,
    /// It is answered with the name of a subscription, whose items follow.
    Subscribed,
}

/// What becomes of a request.
#[allow(clippy::large_enum_variant, reason = "it is on its way, and most are calls")]
pub(super) enum Begun {
    Call(Exchange),
    /// The services are asked for.
    Discover,
    Not(End),
}

impl Begun {
    fn order(&self) -> Option<u32> {
        match self {
            Self::Call(exchange) => exchange.order(),
            Self::Discover | Self::Not(_) => None,
        }
    }
}

/// How a call ended: the text of its result, or an error object.
pub(super) enum End {
    Result(Payload),
    Error(Vec<u8>),
}

impl End {
    pub(super) fn of(outcome: Outcome) -> Self {
        match outcome {
            Ok(payload) => Self::Result(payload),
            Err(failure) => Self::Error(statuses::error(&failure)),
        }
    }

    pub(super) fn answer(&self, id: &str) -> Vec<u8> {
        match self {
            Self::Result(payload) => {
                let result = written(payload);
                let mut text = Vec::with_capacity(result.len() + id.len() + 36);
                text.extend_from_slice(br#"{"jsonrpc":"2.0","result":"#);
                text.extend_from_slice(result);
                close(text, id)
            }
            Self::Error(error) => failed(error, id),
        }
    }
}

impl From<Result<Bytes, Status>> for End {
    fn from(document: Result<Bytes, Status>) -> Self {
        match document {
            Ok(document) => Self::Result(document.into()),
            Err(status) => Self::Error(statuses::plain_error(&status)),
        }
    }
}

/// Finds the handler of a call.
pub(super) fn begin(
    face: &Face,
    session: &Arc<Session>,
    head: &Head,
    body: &Bytes,
    call: &Call<'_>,
    streaming: Streaming,
) -> Begun {
    if call.method == DISCOVER {
        return Begun::Discover;
    }
    let Some(method) = face.catalog.get(&call.method) else {
        return Begun::Not(End::Error(statuses::error(&face.unknown(&call.method).into())));
    };
    if method.streams.up() || (method.streams.down() && streaming == Streaming::Refused) {
        let path = &call.method;
        let message = match method.streams.down() {
            true => format!(
                "{path} streams, which this form of call cannot: POST /{path} with Accept: \
                 text/event-stream, or application/x-ndjson"
            ),
            false => format!(
                "{path} takes a stream, which this form of call cannot give: POST /{path} with \
                 Content-Type: application/x-ndjson, the arguments on the first line, an item on each other"
            ),
        };
        let status = Status::not_started(Code::Unimplemented, message);
        return Begun::Not(End::Error(statuses::plain_error(&status)));
    }
    let arguments = call.params.map_or_else(no_arguments, |params| within(body, params));
    let calling = Calling { key: method.key, arguments, streams: method.streams, upload: None };
    Begun::Call(Exchange::start(&*face.serve, session, calling, head.clone()))
}

/// The arguments of a call that gives none.
fn no_arguments() -> Payload {
    Payload::copy_from_slice(b"{}")
}

/// A part of a body, without a copy if it is long.
fn within(body: &Bytes, part: &str) -> Payload {
    const SHORT: usize = 1 << 10;
    match part.len() {
        0..=SHORT => Payload::copy_from_slice(part.as_bytes()),
        _ => Payload::from(body.slice_ref(part.as_bytes())),
    }
}

impl Invalid<'_> {
    pub(super) fn answer(&self) -> Vec<u8> {
        failed(&INVALID_REQUEST.error(self.why), self.id.unwrap_or("null"))
    }
}

/// The answer to a request that failed.
pub(super) fn failed(error: &[u8], id: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(error.len() + id.len() + 36);
    text.extend_from_slice(br#"{"jsonrpc":"2.0","error":"#);
    text.extend_from_slice(error);
    close(text, id)
}

fn close(mut text: Vec<u8>, id: &str) -> Vec<u8> {
    text.extend_from_slice(br#","id":"#);
    text.extend_from_slice(id.as_bytes());
    text.push(b'}');
    text
}
