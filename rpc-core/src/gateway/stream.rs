//! A stream as the body of an answer: server-sent events, or lines of JSON.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{BufMut as _, Bytes, BytesMut};
use hyper::{
    Response,
    body::Frame,
    header::{self, HeaderMap, HeaderValue},
};
use tokio::time::{Sleep, sleep};

use super::{
    answer::{Answer, Body},
    exchange::{Event, Exchange},
    headers::add_metadata,
    statuses,
};
use crate::proto::{Metadata, Outcome};

/// How the items of a stream are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `data: ITEM`; the end is an event of that name, or one called `error`.
    Events,
    /// `{"result":ITEM}`; the last line is `{"end":true}` or `{"error":…}`.
    Lines,
}

/// A body that brings items as they come.
pub(super) struct Feed {
    /// `None` once it has ended.
    exchange: Option<Exchange>,
    /// What came beside the end, for clients that read what stands behind a body.
    trailing: Option<Box<HeaderMap>>,
    form: Form,
    /// After a time without an item a comment tells that the stream goes on.
    quiet: Pin<Box<Sleep>>,
}

/// Bytes of items that are gathered before they are written.
const FULL: usize = 16 << 10;

/// Silence after which a stream of events says that it goes on: what stands between may close a silent connection.
const QUIET: Duration = Duration::from_secs(15);

/// An answer with the items of a call that was accepted.
pub(super) fn answer(exchange: Exchange, form: Form, leading: Option<&Metadata>) -> Answer {
    let quiet = Box::pin(sleep(QUIET));
    let feed = Feed { exchange: Some(exchange), trailing: None, form, quiet };
    let mut answer = Response::new(Body::Feed(Box::new(feed)));
    let headers = answer.headers_mut();
    let kind = match form {
        Form::Events => "text/event-stream",
        Form::Lines => "application/x-ndjson",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // For proxies that would gather the answer.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    if let Some(leading) = leading {
        add_metadata(headers, leading);
    }
    answer
}

impl Feed {
    pub(super) const fn is_over(&self) -> bool {
        self.exchange.is_none() && self.trailing.is_none()
    }

    /// As many items as have come; `None` behind the end.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        let mut out = BytesMut::new();
        while out.len() < FULL {
            let Some(exchange) = &mut self.exchange else { break };
            match exchange.poll_event(cx) {
                Poll::Ready(Event::Item(item)) => self.form.item(&mut out, &item),
                Poll::Ready(Event::End(outcome, metadata)) => {
                    self.form.end(&mut out, &outcome);
                    self.exchange = None;
                    self.trailing = metadata.map(|metadata| {
                        let mut headers = Box::<HeaderMap>::default();
                        add_metadata(&mut headers, &metadata);
                        headers
                    });
                }
                Poll::Ready(Event::Accepted(_)) => {}
                Poll::Pending => {
                    if out.is_empty() && self.quiet.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    break;
                }
            }
        }
        if out.is_empty() && self.exchange.is_none() {
            let trailing = self.trailing.take().map(|trailing| Frame::trailers(*trailing));
            return Poll::Ready(trailing);
        }
        if out.is_empty() {
            out.put_slice(self.form.silence());
        }
        let next = tokio::time::Instant::now() + QUIET;
        self.quiet.as_mut().reset(next);
        // A reset timer is to be polled before it wakes anybody.
        let _ = self.quiet.as_mut().poll(cx);
        Poll::Ready(Some(Frame::data(out.freeze())))
    }
}

impl Form {
    fn item(self, out: &mut BytesMut, item: &[u8]) {
        match self {
            Self::Events => data(out, item),
            Self::Lines => {
                out.put_slice(b"{\"result\":");
                one_line(out, item);
                out.put_slice(b"}\n");
            }
        }
    }

    fn end(self, out: &mut BytesMut, outcome: &Outcome) {
        let error = outcome.as_ref().err().map(statuses::error);
        match (self, error) {
            (Self::Events, None) => out.put_slice(b"event: end\ndata: null\n\n"),
            (Self::Events, Some(error)) => {
                out.put_slice(b"event: error\n");
                data(out, &error);
            }
            (Self::Lines, None) => out.put_slice(b"{\"end\":true}\n"),
            (Self::Lines, Some(error)) => {
                out.put_slice(b"{\"error\":");
                one_line(out, &error);
                out.put_slice(b"}\n");
            }
        }
    }

    /// What tells that a stream goes on. Lines of JSON have room for blank ones.
    const fn silence(self) -> &'static [u8] {
        match self {
            Self::Events => b":\n\n",
            Self::Lines => b"\n",
        }
    }
}

/// An event with this data, which may have been written on several lines.
fn data(out: &mut BytesMut, json: &[u8]) {
    for line in json.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.put_slice(b"data: ");
        out.put_slice(line);
        out.put_u8(b'\n');
    }
    out.put_u8(b'\n');
}

/// JSON on one line: outside of its texts, which hold no line ends, those are blanks.
fn one_line(out: &mut BytesMut, json: &[u8]) {
    if !json.contains(&b'\n') && !json.contains(&b'\r') {
        return out.put_slice(json);
    }
    out.extend(json.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Code, Failure, Payload, Status};

    fn written(form: Form, outcome: &Outcome) -> String {
        let mut out = BytesMut::new();
        form.item(&mut out, b"[1,\n2]");
        form.end(&mut out, outcome);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn items_and_ends_are_told_apart_in_both_forms() {
        let good = Ok(Payload::new());
        let events = written(Form::Events, &good);
        assert_eq!(events, "data: [1,\ndata: 2]\n\nevent: end\ndata: null\n\n");
        assert_eq!(written(Form::Lines, &good), "{\"result\":[1, 2]}\n{\"end\":true}\n");
        let failed = Err(Failure::Application(Payload::copy_from_slice(b"\"no\"")));
        let events = written(Form::Events, &failed);
        assert!(
            events.contains("event: error\ndata: {\"code\":2,") && events.ends_with("\"no\"}\n\n")
        );
        let status = Status::new(Code::NotFound, "none");
        let lines = written(Form::Lines, &Err(Failure::Status(status)));
        assert!(lines.contains("\n{\"error\":{") && lines.contains("-32005"), "{lines}");
    }
}
