//! Texts on their way to the other side: whoever has one leaves it here, and the connection's task writes them in their
//! order.

use std::{
    collections::VecDeque,
    task::{Context, Poll, Waker},
};

use parking_lot::Mutex;

/// Bytes of texts that wait to be written, above which nobody who can wait adds more.
const ROOM: usize = 64 << 10;

/// The same, above which calls to the other side are refused: it does not read.
const MOST: usize = 4 << 20;

/// Texts to be written.
#[derive(Debug, Default)]
pub(in crate::gateway) struct Out(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// Bounded by: [`ROOM`], the replies of the calls that run, and [`MOST`] for calls of this side.
    texts: VecDeque<String>,
    bytes: usize,
    /// The connection's task, when it has nothing to write.
    writer: Option<Waker>,
    /// Those who wait for room. Bounded by: the streams that run.
    for_room: Vec<Waker>,
}

impl Out {
    /// Adds a text.
    pub(super) fn push(&self, text: Vec<u8>) {
        // A value that came from elsewhere, encoded, may hold what is not text.
        let text = String::from_utf8(text)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let mut waiting = self.0.lock();
        waiting.bytes += text.len();
        waiting.texts.push_back(text);
        let writer = waiting.writer.take();
        drop(waiting);
        writer.into_iter().for_each(Waker::wake);
    }

    /// Has the connection's task look at what there is to be done.
    pub(super) fn wake(&self) {
        let writer = self.0.lock().writer.take();
        writer.into_iter().for_each(Waker::wake);
    }

    /// The connection's task runs: what is added meanwhile need not wake it.
    pub(super) fn begin(&self) {
        self.0.lock().writer = None;
    }

    /// The next text; leaves the waker of `cx` where there is none.
    pub(super) fn take(&self, cx: &Context<'_>) -> Option<String> {
        let mut waiting = self.0.lock();
        let Some(text) = waiting.texts.pop_front() else {
            waiting.writer = Some(cx.waker().clone());
            return None;
        };
        waiting.bytes -= text.len();
        let room = match waiting.bytes < ROOM {
            true => std::mem::take(&mut waiting.for_room),
            false => Vec::new(),
        };
        drop(waiting);
        room.into_iter().for_each(Waker::wake);
        Some(text)
    }

    /// Waits until there is room for more.
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut waiting = self.0.lock();
        if waiting.bytes < ROOM {
            return Poll::Ready(());
        }
        if !waiting.for_room.iter().any(|known| known.will_wake(cx.waker())) {
            waiting.for_room.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Whether so much is unwritten that nothing more is begun.
    pub(super) fn is_full(&self) -> bool {
        self.0.lock().bytes >= ROOM
    }

    /// Whether not even a call to the other side may be added.
    pub(super) fn is_stuck(&self) -> bool {
        self.0.lock().bytes >= MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_wait_for_room_and_the_order_is_kept() {
        let (out, cx) = (Out::default(), Context::from_waker(Waker::noop()));
        assert_eq!(out.take(&cx), None);
        out.push(b"first".to_vec());
        assert!(out.poll_room(&cx).is_ready());
        out.push(vec![b'x'; ROOM]);
        assert!(out.poll_room(&cx).is_pending() && out.is_full());
        assert_eq!(out.take(&cx).as_deref(), Some("first"));
        assert!(out.poll_room(&cx).is_pending());
        assert_eq!(out.take(&cx).map(|text| text.len()), Some(ROOM));
        assert!(out.poll_room(&cx).is_ready() && !out.is_full());
        out.push(b"\xff".to_vec());
        assert_eq!(out.take(&cx).as_deref(), Some("\u{fffd}"));
    }
}
