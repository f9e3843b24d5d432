//! What went over a connection and when, below TLS and everything else: bytes that were handed to the system, and bytes that
//! came from it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use rpc_core::Link;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The record of one connection, from [`Self::begin`] on.
#[derive(Debug, Default)]
pub(crate) struct Wire(Mutex<Record>);

/// What was seen of a connection from below.
#[derive(Debug)]
pub(crate) struct Seen {
    pub wire: Arc<Wire>,
    /// From the address until the server's hello was there.
    pub set_up: Duration,
}

/// How many bytes had gone one way at an instant.
type Mark = (u64, Instant);

#[derive(Debug, Default)]
struct Record {
    // Bounded by: the longest request and the longest reply that are taken, by the writes and reads that they go in.
    written: Vec<Mark>,
    read: Vec<Mark>,
}

/// When a request and its reply were on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crossing {
    /// The first byte of the request was handed to the system, and the last one.
    pub sending: Instant,
    pub sent: Instant,
    /// The first byte of the reply came from it, and the last one.
    pub receiving: Instant,
    pub received: Instant,
}

impl Wire {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins anew, for what is about to be sent.
    pub(crate) fn begin(&self) {
        *self.record() = Record::default();
    }

    /// When a request and its reply crossed, both of which were at least so many bytes long. Other bytes go both ways
    /// between them, few each time: grants of credit above all.
    pub(crate) fn crossing(&self, request: usize, reply: usize) -> Option<Crossing> {
        self.record().crossing(request as u64, reply as u64)
    }
}

impl Record {
    fn crossing(&self, request: u64, reply: u64) -> Option<Crossing> {
        let (&(_, sending), &(total, received)) = (self.written.first()?, self.read.last()?);
        // What is ahead of the reply is what the last bytes, as many as it has, came behind of.
        let ahead = total.saturating_sub(reply.max(1));
        let &(_, receiving) = self.read.iter().find(|(bytes, _)| *bytes > ahead)?;
        let whole = self.written.iter().find(|(bytes, _)| *bytes >= request);
        let &(_, sent) = whole.or_else(|| self.written.last())?;
        Some(Crossing { sending, sent, receiving, received })
    }

    fn add(marks: &mut Vec<Mark>, bytes: usize) {
        if bytes > 0 {
            let before = marks.last().map_or(0, |(bytes, _)| *bytes);
            marks.push((before + bytes as u64, Instant::now()));
        }
    }
}

/// A link whose bytes are recorded.
pub(crate) struct Recorded {
    link: Link,
    wire: Arc<Wire>,
}

impl Recorded {
    pub(crate) fn link(link: Link, wire: Arc<Wire>) -> Link {
        let peer = link.peer().clone();
        Link::new(Self { link, wire }, peer)
    }
}

impl AsyncRead for Recorded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.link).poll_read(cx, buffer);
        Record::add(&mut self.wire.record().read, buffer.filled().len() - before);
        polled
    }
}

impl AsyncWrite for Recorded {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let began = Instant::now();
        let polled = Pin::new(&mut self.link).poll_write_vectored(cx, slices);
        if let Poll::Ready(Ok(bytes)) = polled {
            let mut record = self.wire.record();
            if record.written.is_empty() {
                record.written.push((0, began));
            }
            Record::add(&mut record.written, bytes);
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.link).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_its_reply_are_found_among_grants_of_credit() {
        let began = Instant::now();
        let at = |micros| began + Duration::from_micros(micros);
        let marks = |marks: &[(u64, u64)]| {
            marks.iter().map(|&(bytes, micros)| (bytes, at(micros))).collect::<Vec<_>>()
        };
        // The grant at 12 came while the request was sent; what was written at 60 is a grant for the reply.
        let record = Record {
            written: marks(&[(0, 10), (500, 11), (1_030, 20), (1_040, 60)]),
            read: marks(&[(9, 12), (600, 50), (1_209, 70)]),
        };
        let crossing = |sending, sent, receiving, received| {
            let [sending, sent, receiving, received] = [sending, sent, receiving, received].map(at);
            Some(Crossing { sending, sent, receiving, received })
        };
        assert_eq!(record.crossing(1_000, 1_180), crossing(10, 20, 50, 70));
        // One that is refused before all of it was sent.
        assert_eq!(record.crossing(1 << 30, 0), crossing(10, 60, 70, 70));
        assert_eq!(Record::default().crossing(1, 1), None);
    }

    #[tokio::test]
    async fn what_goes_over_a_link_is_recorded() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let (near, mut far) = tokio::io::duplex(64);
        let wire = Arc::new(Wire::default());
        let link = Link::new(near, rpc_core::Peer::new("far"));
        let mut link = Recorded::link(link, Arc::clone(&wire));
        assert_eq!(wire.crossing(1, 1), None);
        link.write_all(b"before").await.unwrap();
        wire.begin();
        link.write_all(&[7; 30]).await.unwrap();
        far.read_exact(&mut [0; 36]).await.unwrap();
        assert_eq!(wire.crossing(30, 20), None);
        far.write_all(&[7; 20]).await.unwrap();
        link.read_exact(&mut [0; 20]).await.unwrap();
        let Crossing { sending, sent, receiving, received } = wire.crossing(30, 20).unwrap();
        assert!(sending <= sent && sent <= receiving && receiving <= received);
    }
}
