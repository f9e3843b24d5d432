//! HTTP/1 messages whose ends two readers could see at different places: they are never let through to the parser, which
//! forgives some of them. Refused are two lengths, a length beside chunks, folded lines, lines that end with a bare LF,
//! bare CR, NUL, and sizes of chunks that are none (RFC 9112 §6.3, §11.2).
//!
//! ```text
//! Start ──▶ Head ──┬─ no body ────────────────────▶ Start
//!                  ├─ length ──▶ Body ────────────▶ Start
//!                  └─ chunks ──▶ Size ⇄ Data ──▶ Trailer ──▶ Start
//! ```

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a line that are kept to be looked at: no line whose meaning counts here is longer.
const KEPT: usize = 128;

/// Follows the framing of requests, without keeping more of them than the start of a line.
#[derive(Debug, Default)]
pub(super) struct Framing {
    place: Place,
    /// The start of the present line.
    line: Vec<u8>,
    /// The length of the present line.
    length: usize,
    /// The last byte of the line was a CR.
    returned: bool,
    body: Body,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    /// In front of a request, or in its first line.
    #[default]
    Start,
    /// In the lines behind the first one.
    Head,
    /// So many bytes of the body are left.
    Body(u64),
    /// In the line with the size of a chunk.
    Size,
    /// So many bytes of the chunk are left, its CRLF included.
    Data(u64),
    /// Behind the last chunk.
    Trailer,
}

/// How a body is framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Body {
    #[default]
    None,
    Length(u64),
    Chunks,
}

/// Something that another reader could take for something else.
#[derive(Debug, PartialEq, Eq)]
struct Ambiguous;

impl Framing {
    /// Follows these bytes; gives the number of those before the first that is not to be let through, if there is one.
    pub(super) fn follow(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            at += match self.place {
                Place::Body(left) | Place::Data(left) => {
                    let taken =
                        usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                    self.skip(left, &rest[..taken]).map_err(|Ambiguous| at)?;
                    taken
                }
                _ => {
                    let end = rest.iter().position(|byte| *byte == b'\n');
                    let part = &rest[..end.unwrap_or(rest.len())];
                    self.extend(part).map_err(|Ambiguous| at)?;
                    if end.is_some() {
                        self.end_line().map_err(|Ambiguous| at + part.len())?;
                    }
                    part.len() + usize::from(end.is_some())
                }
            };
        }
        Ok(())
    }

    /// Passes over bytes of a body, of which `left` are left.
    fn skip(&mut self, left: u64, bytes: &[u8]) -> Result<(), Ambiguous> {
        let after = left - bytes.len() as u64;
        if let Place::Data(_) = self.place {
            // The CRLF behind a chunk.
            for (index, byte) in bytes.iter().enumerate() {
                let expected = match left - index as u64 {
                    2 => b'\r',
                    1 => b'\n',
                    _ => continue,
                };
                if *byte != expected {
                    return Err(Ambiguous);
                }
            }
        }
        self.place = match self.place {
            Place::Data(_) if after == 0 => Place::Size,
            Place::Data(_) => Place::Data(after),
            _ if after == 0 => Place::Start,
            _ => Place::Body(after),
        };
        Ok(())
    }

    /// Adds to the present line.
    fn extend(&mut self, part: &[u8]) -> Result<(), Ambiguous> {
        let Some((last, before)) = part.split_last() else { return Ok(()) };
        if self.returned || part.contains(&0) || before.contains(&b'\r') {
            return Err(Ambiguous);
        }
        self.returned = *last == b'\r';
        let text = if self.returned { before } else { part };
        self.length += text.len();
        let room = KEPT.saturating_sub(self.line.len()).min(text.len());
        self.line.extend_from_slice(&text[..room]);
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Ambiguous> {
        if !std::mem::take(&mut self.returned) {
            return Err(Ambiguous);
        }
        let (line, length) = (std::mem::take(&mut self.line), std::mem::take(&mut self.length));
        self.place = match self.place {
            Place::Start if length == 0 => Place::Start,
            Place::Start => {
                self.body = Body::None;
                Place::Head
            }
            Place::Head if length == 0 => match self.body {
                Body::None | Body::Length(0) => Place::Start,
                Body::Length(length) => Place::Body(length),
                Body::Chunks => Place::Size,
            },
            Place::Head => {
                self.field(&line, length)?;
                Place::Head
            }
            Place::Size => match chunk_size(&line)? {
                0 => Place::Trailer,
                size => Place::Data(size.checked_add(2).ok_or(Ambiguous)?),
            },
            Place::Trailer if length == 0 => Place::Start,
            place => {
                if line.starts_with(b" ") || line.starts_with(b"\t") {
                    return Err(Ambiguous);
                }
                place
            }
        };
        // The buffer is used again.
        self.line = line;
        self.line.clear();
        Ok(())
    }

    /// Looks at a line of the head.
    fn field(&mut self, line: &[u8], length: usize) -> Result<(), Ambiguous> {
        let colon = line.iter().position(|byte| *byte == b':');
        let Some(colon) = colon else {
            // A name of more than so many bytes is none that counts; a line without a colon is for the parser.
            return if line.starts_with(b" ") || line.starts_with(b"\t") {
                Err(Ambiguous)
            } else {
                Ok(())
            };
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.is_empty() || name.iter().any(u8::is_ascii_whitespace) {
            return Err(Ambiguous);
        }
        let is_length = name.eq_ignore_ascii_case(b"content-length");
        if !is_length && !name.eq_ignore_ascii_case(b"transfer-encoding") {
            return Ok(());
        }
        if self.body != Body::None || length > line.len() {
            return Err(Ambiguous);
        }
        self.body = match is_length {
            true => Body::Length(decimal(value)?),
            false if value.eq_ignore_ascii_case(b"chunked") => Body::Chunks,
            false => return Err(Ambiguous),
        };
        Ok(())
    }
}

fn decimal(digits: &[u8]) -> Result<u64, Ambiguous> {
    if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Ambiguous);
    }
    Ok(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}

/// The size of a chunk, whose line may have an extension.
fn chunk_size(line: &[u8]) -> Result<u64, Ambiguous> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    if digits.is_empty() || digits.len() > 15 {
        return Err(Ambiguous);
    }
    digits.iter().try_fold(0, |sum, digit| {
        let digit = char::from(*digit).to_digit(16).ok_or(Ambiguous)?;
        Ok(sum * 16 + u64::from(digit))
    })
}

/// A stream of bytes that ends at the first one which is not to be let through; in its place comes a NUL, for which every
/// parser refuses the message.
#[derive(Debug)]
pub(super) struct Strict<S> {
    inner: S,
    framing: Framing,
    broken: bool,
    /// The connection speaks another protocol by now.
    upgraded: Arc<AtomicBool>,
}

impl<S> Strict<S> {
    /// `upgraded` is set before an upgrade is granted.
    pub(super) fn new(inner: S, upgraded: Arc<AtomicBool>) -> Self {
        Self { inner, framing: Framing::default(), broken: false, upgraded }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.broken {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        if !this.upgraded.load(Ordering::Acquire)
            && let Err(fine) = this.framing.follow(&buffer.filled()[before..])
        {
            this.broken = true;
            buffer.set_filled(before + fine);
            buffer.put_slice(b"\0");
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the first byte is that is not let through, whole and cut at every byte.
    fn follow(message: &str) -> Result<(), usize> {
        let whole = Framing::default().follow(message.as_bytes());
        for cut in 0..message.len() {
            let (before, after) = message.as_bytes().split_at(cut);
            let mut framing = Framing::default();
            let pieces = framing
                .follow(before)
                .and_then(|()| framing.follow(after).map_err(|fine| cut + fine));
            assert_eq!(pieces.is_ok(), whole.is_ok(), "{message:?} at {cut}");
        }
        whole
    }

    #[test]
    fn messages_with_one_meaning_pass_one_behind_the_other() {
        let messages = [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nPOST / HTTP/1.1\r\ncontent-length: 3\r\n\r\na\n\0",
            "POST / HTTP/1.1\r\nContent-Length:0\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\na\r\n\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding:chunked\r\n\r\n0\r\nx: 1\r\n\r\n",
        ];
        for message in messages {
            assert_eq!(follow(message), Ok(()), "{message:?}");
        }
        assert_eq!(follow(&messages.concat()), Ok(()));
    }

    #[test]
    fn what_two_readers_may_read_differently_does_not_pass() {
        let heads = [
            "Content-Length: 3\r\nContent-Length: 3\r\n",
            "Content-Length: 3\r\nContent-Length: 4\r\n",
            "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
            "Transfer-Encoding: identity\r\n",
            "Content-Length: +3\r\n",
            "Content-Length: 3, 3\r\n",
            "Content-Length: 0x3\r\n",
            "Content-Length:\r\n",
            "Content-Length: 99999999999999999999\r\n",
            "Content-Length : 3\r\n",
            " Content-Length: 3\r\n",
            "X: 1\r\n folded\r\n",
            "X: 1\n",
            "X: 1\rY: 2\r\n",
            "X: \0\r\n",
            ": 1\r\n",
        ];
        for head in heads {
            let message = format!("POST / HTTP/1.1\r\n{head}\r\nabc");
            let fine = follow(&message).unwrap_err();
            assert!(!message[..fine].contains("\r\n\r\n"), "{head:?}: its end would be seen");
        }
        let bodies = [
            "g\r\n",
            "\r\n",
            "3\nabc\r\n",
            "3\r\nabcd\r\n",
            "3\r\nabc\n",
            "-1\r\n",
            "0x3\r\nabc\r\n",
            "ffffffffffffffffff\r\n",
            "0\r\n x\r\n",
        ];
        for body in bodies {
            let message = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
            assert!(follow(&message).is_err(), "{body:?}");
        }
    }

    #[tokio::test]
    async fn a_reader_gets_what_is_fine_and_a_nul() {
        use tokio::io::AsyncReadExt as _;
        let message = b"GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n";
        let mut strict = Strict::new(io::Cursor::new(message.to_vec()), Arc::default());
        let mut read = Vec::new();
        strict.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"GET / HTTP/1.1\r\nHost: a\0");
        let upgraded = Arc::new(AtomicBool::new(true));
        let mut raw = Strict::new(io::Cursor::new(message.to_vec()), upgraded);
        read.clear();
        raw.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, message);
    }
}
