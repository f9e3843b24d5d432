//! Replies of one HTTP/2 connection that are kept because their stream has no room. The link says nothing of that: it may
//! be read, and pings answered, while nobody gives a stream credit. So they are bounded here, in bytes and time.

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

use super::answer::Body;

/// Bytes of replies that are kept before no further call is begun.
const UNREAD: usize = 1 << 20;

/// Replies that have not been given out.
#[derive(Debug, Default)]
pub(super) struct Replies {
    state: Mutex<State>,
    /// Told when there are fewer bytes.
    fewer: Notify,
}

#[derive(Debug, Default)]
struct State {
    bytes: usize,
    next: u64,
    /// Since when nobody has asked for what is there. Bounded by: the streams of the connection.
    waiting: HashMap<u64, Instant>,
}

impl Replies {
    /// Waits until little enough is kept.
    pub(super) async fn room(&self) {
        loop {
            let fewer = self.fewer.notified();
            if self.state.lock().bytes < UNREAD {
                return;
            }
            fewer.await;
        }
    }

    /// Looks after the body of a reply until it was given out.
    pub(super) fn keep(self: &Arc<Self>, body: Body) -> Kept {
        let mut state = self.state.lock();
        let number = state.next;
        state.next += 1;
        drop(state);
        let mut kept = Kept { replies: Arc::clone(self), number, bytes: 0, body };
        kept.count();
        kept
    }

    /// Resolves when a reply was kept for so long, and nothing of it was asked for.
    pub(super) async fn unread(&self, patience: Duration) {
        loop {
            let first = self.state.lock().waiting.values().min().copied();
            match first.map(|first| first.checked_add(patience)) {
                Some(Some(end)) if end <= Instant::now() => return,
                Some(Some(end)) => sleep_until(end).await,
                // One that comes now has as long.
                _ => sleep(patience).await,
            }
        }
    }
}

/// A body that is kept.
pub(super) struct Kept {
    replies: Arc<Replies>,
    number: u64,
    /// Bytes that count as kept.
    bytes: usize,
    body: Body,
}

impl Kept {
    /// Counts what is left, which is there.
    fn count(&mut self) {
        let left = self.body.size_hint().exact().map_or(0, |left| left as usize);
        let over = self.body.is_end_stream();
        let mut state = self.replies.state.lock();
        state.bytes = state.bytes + left - self.bytes;
        self.bytes = left;
        match over {
            true => state.waiting.remove(&self.number),
            false => state.waiting.insert(self.number, Instant::now()),
        };
        drop(state);
        self.replies.fewer.notify_waiters();
    }
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(_)) => this.count(),
            // It is the handler who is waited for.
            Poll::Ready(None) | Poll::Pending => {
                this.replies.state.lock().waiting.remove(&this.number);
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut state = self.replies.state.lock();
        state.bytes -= self.bytes;
        state.waiting.remove(&self.number);
        drop(state);
        self.replies.fewer.notify_waiters();
    }
}
