//! The first bytes of a peer: looked at before anything else reads them, and put back. Whatever reads the link
//! afterwards never learns that somebody looked.

use std::{
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};

use thiserror::Error;
use tokio::io::{AsyncRead, ReadBuf};

use crate::proto::MAGIC;

/// Protocols that are told apart by their first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Ours, or none that is known here: the decoder says what is wrong with it.
    Rpc,
    /// An HTTP/1 or HTTP/2 message.
    Http,
    /// A TLS record.
    Tls,
    /// What a port of ours without TLS answers to TLS: an alert, and our preface behind it.
    Unencrypted,
    /// An SSH banner.
    Ssh,
    /// A header of the PROXY protocol, from nobody who is trusted to say one.
    Proxy,
}

/// What a client of TLS is told at a port without: a fatal alert, handshake_failure, which every such client
/// understands (RFC 8446 §6), and our preface, by which those of this crate know where they are (PROTOCOL §2).
pub(crate) const TLS_ANSWER: [u8; 15] =
    [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28, 0xa9, b'R', b'P', b'C', 0x01, 0x00, 0x00, 0x00];

/// How many bytes of it tell it from all other alerts.
const TOLD: usize = 7 + MAGIC.len();

/// A peer that speaks another protocol: why nothing more is read of it.
#[derive(Debug, Error)]
#[error("peer does not speak this protocol: it sent {}", .0.sent())]
pub(crate) struct Stranger(pub(crate) Protocol);

impl Protocol {
    /// What the peer is said to have sent.
    pub(crate) const fn sent(self) -> &'static str {
        match self {
            Self::Rpc => "RPC",
            Self::Http => "HTTP",
            Self::Tls => "TLS",
            Self::Unencrypted => "TLS's refusal",
            Self::Ssh => "SSH",
            Self::Proxy => "a PROXY header",
        }
    }

    /// Whether a reader who expects this protocol is to be spared what begins as `other`, with these bytes. What is
    /// unknown is for that reader to judge.
    fn refuses(self, other: Self, bytes: &[u8]) -> bool {
        other != self && (other != Self::Rpc || bytes.starts_with(&MAGIC))
    }
}

/// Names the protocol that starts with these bytes; `None` while they are too few to tell. Twelve always do.
fn recognise(start: &[u8]) -> Option<Protocol> {
    const WORDS: [(&[u8], Protocol); 16] = [
        (&MAGIC, Protocol::Rpc),
        (TLS_ANSWER.split_at(TOLD).0, Protocol::Unencrypted),
        // An alert.
        (b"\x15\x03", Protocol::Tls),
        (b"GET ", Protocol::Http),
        (b"HEAD ", Protocol::Http),
        (b"POST ", Protocol::Http),
        (b"PUT ", Protocol::Http),
        (b"DELETE ", Protocol::Http),
        (b"OPTIONS", Protocol::Http),
        (b"PATCH ", Protocol::Http),
        (b"CONNECT", Protocol::Http),
        (b"PRI * ", Protocol::Http),
        (b"HTTP/", Protocol::Http),
        (b"SSH-", Protocol::Ssh),
        (b"PROXY ", Protocol::Proxy),
        (b"\r\n\r\n\0\r\nQUIT\n", Protocol::Proxy),
    ];
    if start.first() == Some(&0x16) {
        return Some(Protocol::Tls);
    }
    let agrees = |word: &[u8]| start.iter().zip(word).all(|(one, other)| one == other);
    match WORDS.into_iter().find(|(word, _)| agrees(word)) {
        Some((word, _)) if start.len() < word.len() => None,
        Some((_, protocol)) => Some(protocol),
        None => Some(Protocol::Rpc),
    }
}

/// The reading half of a link: what was read ahead comes first. That is given back once it is read, so that an idle
/// connection holds nothing.
pub(crate) struct ReadHalf {
    io: Box<dyn AsyncRead + Send + Unpin>,
    ahead: Option<Box<Ahead>>,
}

/// What was read ahead.
#[derive(Default)]
struct Ahead {
    /// Bounded by: [`READ`] beside seven bytes, or beside a preface and a hello where that is looked for.
    bytes: Vec<u8>,
    strangers: Strangers,
}

/// What becomes of peers of other protocols when the link is read.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Strangers {
    #[default]
    Read,
    /// All who speak another protocol than this are looked for first, and met with an error.
    Refuse(Protocol),
}

/// Bytes that are read ahead at once: as much as the first flight of a client usually is, for otherwise its rest would
/// cost a read of its own.
const READ: usize = 4 << 10;

impl ReadHalf {
    pub(crate) fn new(io: impl AsyncRead + Send + Unpin + 'static) -> Self {
        Self { io: Box::new(io), ahead: None }
    }

    /// Has a peer of another protocol than `expected` end the reading with [`Stranger`]: for those who have spoken
    /// already when the peer's first bytes come.
    pub(crate) fn refuse_strangers(&mut self, expected: Protocol) {
        self.ahead.get_or_insert_default().strangers = Strangers::Refuse(expected);
    }

    /// Waits for the first bytes and says what they are the start of. A peer that says no more is for the next reader
    /// to notice.
    ///
    /// # Cancel safety
    /// Safe: what was read is put back.
    pub(crate) async fn sniff(&mut self) -> io::Result<Protocol> {
        std::future::poll_fn(|cx| self.poll_sniff(cx)).await
    }

    fn poll_sniff(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Protocol>> {
        let bytes = &mut self.ahead.get_or_insert_default().bytes;
        loop {
            if let Some(protocol) = recognise(bytes) {
                return Poll::Ready(Ok(protocol));
            }
            if !ready!(poll_more(&mut self.io, bytes, cx))? {
                if bytes.starts_with(&TLS_ANSWER[..7]) {
                    return Poll::Ready(Ok(Protocol::Tls));
                }
                // What has not become a protocol is not one that would have to be told.
                bytes.clear();
                return Poll::Ready(Ok(Protocol::Rpc));
            }
        }
    }

    /// Reads ahead until `look` finds something in all that has come, which is put back; `None` if the peer says no more
    /// before that. What is held is bounded by what `look` needs, and one read.
    ///
    /// # Cancel safety
    /// Safe: what was read is put back.
    pub(crate) async fn look_ahead<T>(
        &mut self,
        look: impl Fn(&[u8]) -> Option<T>,
    ) -> io::Result<Option<T>> {
        std::future::poll_fn(|cx| self.poll_look(cx, &look)).await
    }

    fn poll_look<T>(
        &mut self,
        cx: &mut Context<'_>,
        look: impl Fn(&[u8]) -> Option<T>,
    ) -> Poll<io::Result<Option<T>>> {
        loop {
            let bytes = &mut self.ahead.get_or_insert_default().bytes;
            if let Some(found) = look(bytes) {
                return Poll::Ready(Ok(Some(found)));
            }
            if !ready!(poll_more(&mut self.io, bytes, cx))? {
                return Poll::Ready(Ok(None));
            }
        }
    }

    /// Puts back what was read.
    #[cfg(feature = "http")]
    pub(crate) fn put_back(&mut self, bytes: Vec<u8>) {
        let ahead = self.ahead.get_or_insert_default();
        ahead.bytes.splice(..0, bytes);
        self.ahead.take_if(|ahead| ahead.bytes.is_empty());
    }

    /// Passes over bytes that were looked at. What follows them is ours: who that is was seen by them.
    #[cfg(any(feature = "proxy", feature = "resume"))]
    pub(crate) fn pass(&mut self, count: usize) {
        if let Some(ahead) = &mut self.ahead {
            ahead.bytes.drain(..count.min(ahead.bytes.len()));
            ahead.strangers = Strangers::Read;
        }
        self.ahead.take_if(|ahead| ahead.bytes.is_empty());
    }

    /// Puts back what a look that was given up has read: nothing, unless it may become our preface. The decoder is
    /// not to judge what is too short to be told.
    pub(crate) fn give_up_sniffing(&mut self) {
        self.ahead.take_if(|ahead| !MAGIC.starts_with(&ahead.bytes));
    }

    #[cold]
    fn poll_ahead(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(Strangers::Refuse(expected)) = self.ahead.as_ref().map(|ahead| ahead.strangers)
        {
            let protocol = ready!(self.poll_sniff(cx))?;
            let bytes = self.ahead.as_ref().map_or(&[][..], |ahead| &ahead.bytes);
            if expected.refuses(protocol, bytes) {
                return Poll::Ready(Err(io::Error::other(Stranger(protocol))));
            }
        }
        if let Some(ahead) = &mut self.ahead {
            ahead.strangers = Strangers::Read;
            let count = ahead.bytes.len().min(buffer.remaining());
            buffer.put_slice(&ahead.bytes[..count]);
            ahead.bytes.drain(..count);
            self.ahead.take_if(|ahead| ahead.bytes.is_empty());
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads once, to the end of `bytes`; false at the end of what there is.
fn poll_more(
    io: &mut (impl AsyncRead + Unpin),
    bytes: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<bool>> {
    let mut room = [MaybeUninit::uninit(); READ];
    let mut buffer = ReadBuf::uninit(&mut room);
    ready!(Pin::new(io).poll_read(cx, &mut buffer))?;
    bytes.extend_from_slice(buffer.filled());
    Poll::Ready(Ok(!buffer.filled().is_empty()))
}

impl AsyncRead for ReadHalf {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_some() {
            let before = buffer.filled().len();
            ready!(self.poll_ahead(cx, buffer))?;
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Looks at what comes in these pieces, and reads all of it afterwards.
    async fn look(pieces: &[&[u8]]) -> (Protocol, Vec<u8>) {
        let io = pieces.iter().fold(
            Box::new(tokio::io::empty()) as Box<dyn AsyncRead + Send + Unpin>,
            |before, piece| Box::new(before.chain(io::Cursor::new(piece.to_vec()))),
        );
        let mut half = ReadHalf::new(io);
        let protocol = half.sniff().await.unwrap();
        let mut read = Vec::new();
        half.read_to_end(&mut read).await.unwrap();
        assert!(half.ahead.is_none(), "nothing is held once it is read");
        (protocol, read)
    }

    #[tokio::test]
    async fn protocols_are_recognised_wherever_their_first_bytes_are_cut() {
        let rows: [(&[u8], Protocol); 20] = [
            (b"\xa9RPC\x01\0\0\0and more", Protocol::Rpc),
            (b"GET / HTTP/1.1", Protocol::Http),
            (b"HEAD /x and more", Protocol::Http),
            (b"POST /x HTTP/1.1", Protocol::Http),
            (b"PUT / HTTP/1.1", Protocol::Http),
            (b"DELETE / HTTP", Protocol::Http),
            (b"OPTIONS * HTTP", Protocol::Http),
            (b"PATCH / HTTP", Protocol::Http),
            (b"CONNECT a:1", Protocol::Http),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Protocol::Http),
            (b"HTTP/1.1 400", Protocol::Http),
            (b"\x16\x03\x01\x02\x00\x01", Protocol::Tls),
            (b"\x15\x03\x03\x00\x02\x02\x28", Protocol::Tls),
            (b"\x15\x03\x01\x00\x02\x02\x28", Protocol::Tls),
            (&TLS_ANSWER, Protocol::Unencrypted),
            (b"SSH-2.0-OpenSSH", Protocol::Ssh),
            (b"\r\n\r\n\0\r\nQUIT\n", Protocol::Proxy),
            (b"PROXY TCP4 1.2.3.4", Protocol::Proxy),
            (b"\r\n\r\n\0\r\nQUIX\n", Protocol::Rpc),
            (b"GEX / HTTP/1.1", Protocol::Rpc),
        ];
        for (bytes, protocol) in rows {
            for cut in 0..bytes.len() {
                let (before, after) = bytes.split_at(cut);
                let pieces: Vec<_> =
                    [before, after].into_iter().filter(|p| !p.is_empty()).collect();
                assert_eq!(look(&pieces).await, (protocol, bytes.to_vec()), "{bytes:?} at {cut}");
            }
            let single: Vec<_> = bytes.chunks(1).collect();
            assert_eq!(look(&single).await, (protocol, bytes.to_vec()), "{bytes:?}, byte by byte");
        }
    }

    #[tokio::test]
    async fn the_start_of_a_protocol_is_not_judged_too_early() {
        for start in ["G", "GET", "P", "PU", "SSH", "OPTION"] {
            assert_eq!(look(&[start.as_bytes()]).await, (Protocol::Rpc, Vec::new()), "{start:?}");
            assert_eq!(recognise(start.as_bytes()), None);
        }
    }

    #[cfg(feature = "http")]
    #[tokio::test]
    async fn what_is_put_back_is_read_again_before_the_rest() {
        let all = b"POST / HTTP/1.1";
        let mut half = ReadHalf::new(&all[..]);
        half.sniff().await.unwrap();
        let mut start = [0; 6];
        half.read_exact(&mut start).await.unwrap();
        half.put_back(start.to_vec());
        let mut read = Vec::new();
        half.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, all);
        assert!(half.ahead.is_none(), "nothing is held once it is read");
    }

    #[tokio::test]
    async fn a_stranger_ends_the_reading_of_those_who_refuse_it() {
        let read = async |bytes: &'static [u8], expected| {
            let mut half = ReadHalf::new(bytes);
            half.refuse_strangers(expected);
            let mut read = Vec::new();
            half.read_to_end(&mut read).await.map(|_| read)
        };
        for (bytes, expected) in [
            (&b"\xa9RPC and more"[..], Protocol::Rpc),
            (b"noise", Protocol::Rpc),
            (b"\x16\x03\x03 and more", Protocol::Tls),
            (b"\x15\x03\x01\x00\x02\x02\x28", Protocol::Tls),
            (b"noise", Protocol::Tls),
        ] {
            assert_eq!(read(bytes, expected).await.unwrap(), bytes);
        }
        for (bytes, expected, met) in [
            (&b"SSH-2.0-x"[..], Protocol::Rpc, Protocol::Ssh),
            (b"\x15\x03\x03\x00\x02\x02\x28", Protocol::Rpc, Protocol::Tls),
            (b"HTTP/1.1 400 Bad", Protocol::Tls, Protocol::Http),
            (b"\xa9RPC and more", Protocol::Tls, Protocol::Rpc),
            (&TLS_ANSWER, Protocol::Tls, Protocol::Unencrypted),
        ] {
            let error = read(bytes, expected).await.unwrap_err();
            let stranger: &Stranger = error.get_ref().unwrap().downcast_ref().unwrap();
            assert_eq!(stranger.0, met);
        }
    }

    #[tokio::test]
    async fn what_may_become_the_preface_survives_a_look_that_is_given_up() {
        for (start, kept) in [(&b"\xa9R"[..], &b"\xa9R"[..]), (b"GE", b""), (b"", b"")] {
            let (mut far, near) = tokio::io::duplex(64);
            tokio::io::AsyncWriteExt::write_all(&mut far, start).await.unwrap();
            let mut half = ReadHalf::new(near);
            let looked = futures_util::FutureExt::now_or_never(half.sniff());
            assert!(looked.is_none());
            half.give_up_sniffing();
            drop(far);
            let mut read = Vec::new();
            half.read_to_end(&mut read).await.unwrap();
            assert_eq!(read, kept);
        }
    }
}
