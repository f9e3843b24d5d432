//! The body of a request, read whole: within its length, within its time, and within what all bodies of one connection
//! may have at once.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::{
    StatusCode,
    body::{Body as _, Incoming},
};
use tokio::time::timeout_at;

use super::{answer::Rejection, options::Http, session::Session};
use crate::time::now;

/// Bytes for which a body has one more second.
const SLOWEST: u64 = 1 << 10;

/// A body that was read. It counts as one until this is dropped.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) bytes: Bytes,
    _held: Held,
}

/// A share of what bodies may have.
#[derive(Debug)]
struct Held {
    session: Arc<Session>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.session.give_back(self.bytes);
    }
}

/// Reads a body.
pub(super) async fn read(
    options: &Http,
    session: &Arc<Session>,
    mut body: Incoming,
) -> Result<Whole, Rejection> {
    let most = options.max_body;
    let too_long = || {
        let message = format!("the body is longer than {most} bytes");
        Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, message).closing()
    };
    if body.size_hint().lower() > most as u64 {
        return Err(too_long());
    }
    let mut held = Held { session: Arc::clone(session), bytes: 0 };
    let (began, mut first, mut all) = (now(), Bytes::new(), BytesMut::new());
    while !body.is_end_stream() {
        let end = deadline(began, options.body_timeout, held.bytes);
        let Some(frame) = next(&mut body, end).await? else { break };
        let Ok(data) = frame.into_data() else { continue };
        if held.bytes + data.len() > most {
            return Err(too_long());
        }
        if !session.hold(data.len(), held.bytes, most) {
            let message = "the bodies of all requests on this connection are too long together";
            return Err(Rejection::new(StatusCode::TOO_MANY_REQUESTS, message).closing());
        }
        held.bytes += data.len();
        // One piece, as most bodies come, is not copied.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    let bytes = if all.is_empty() { first } else { all.freeze() };
    Ok(Whole { bytes, _held: held })
}

async fn next(
    body: &mut Incoming,
    end: Option<Instant>,
) -> Result<Option<hyper::body::Frame<Bytes>>, Rejection> {
    let frame = match end {
        Some(end) => timeout_at(end.into(), body.frame()).await.map_err(|_| {
            Rejection::new(StatusCode::REQUEST_TIMEOUT, "the body takes too long to come").closing()
        })?,
        None => body.frame().await,
    };
    frame
        .transpose()
        .map_err(|error| Rejection::bad(format!("the body cannot be read: {error}")).closing())
}

/// When a body has to have come of which there are so many bytes.
fn deadline(began: Instant, patience: Duration, bytes: usize) -> Option<Instant> {
    began.checked_add(patience)?.checked_add(Duration::from_secs(bytes as u64 / SLOWEST))
}
