//! Answers: their bodies, and those to requests that are refused before there is a call.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::{
    Response, StatusCode,
    body::{Body as HttpBody, Frame, SizeHint},
    header::{self, HeaderName, HeaderValue},
};

use super::stream::Feed;

/// An answer, which cannot fail to be made.
pub(super) type Answer = Response<Body>;

/// The body of an answer.
pub(super) enum Body {
    Whole(Option<Bytes>),
    /// The items of a stream.
    Feed(Box<Feed>),
}

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The headers of every answer with a body: that may not be kept, nor taken for something else.
pub(super) const WITH_BODY: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// Bytes of a body that are given out at once: what HTTP/2 has been given it keeps, whether or not that is read.
const PIECE: usize = 64 << 10;

/// The next piece of what is left of a body.
fn piece(left: &mut Option<Bytes>) -> Option<Bytes> {
    match left {
        Some(bytes) if bytes.len() > PIECE => Some(bytes.split_to(PIECE)),
        _ => left.take(),
    }
}

/// An answer with a body that is there.
fn whole(status: StatusCode, kind: HeaderValue, body: Bytes) -> Answer {
    let mut answer = Response::new(Body::Whole(Some(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.extend(WITH_BODY);
    answer
}

/// A file, which may be kept by whoever asks for it, if he asks again whether it is still the same.
pub(super) fn file(kind: HeaderValue, body: Bytes) -> Answer {
    let mut answer = whole(StatusCode::OK, kind, body);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    answer
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    whole(status, JSON, body.into())
}

/// An answer without a body.
pub(super) fn empty() -> Answer {
    let mut answer = Response::new(Body::Whole(None));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// A request that is refused as such, in words for people.
#[derive(Debug)]
pub(super) struct Rejection(Box<Refused>);

#[derive(Debug)]
struct Refused {
    status: StatusCode,
    message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Rejection {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self(Box::new(Refused { status, message: message.into(), header: None }))
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// With a header that says what would be accepted.
    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.0.header = Some((name, HeaderValue::from_static(value)));
        self
    }

    /// After which nothing more is read of the connection: its body was not, or cannot be.
    pub(super) fn closing(self) -> Self {
        self.with(header::CONNECTION, "close")
    }

    #[cfg(test)]
    pub(super) fn message(&self) -> &str {
        &self.0.message
    }
}

impl From<Rejection> for Answer {
    fn from(Rejection(refused): Rejection) -> Self {
        let Refused { status, mut message, header } = *refused;
        message.push('\n');
        let mut answer = whole(status, TEXT, message.into());
        if let Some((name, value)) = header {
            answer.headers_mut().insert(name, value);
        }
        answer
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(piece(bytes).map(|piece| Ok(Frame::data(piece)))),
            Self::Feed(feed) => feed.poll_frame(cx).map(|frame| frame.map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Feed(feed) => feed.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Feed(_) => SizeHint::default(),
        }
    }
}
