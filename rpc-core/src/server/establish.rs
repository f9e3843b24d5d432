//! From what was accepted to a link whose first bytes are known, in the connection's own task: whatever takes time
//! with one peer holds up nobody else.
//!
//! ```text
//! Incoming ──▶ Link ──sniff──┬─▶ ours, or unknown ──▶ Driver
//!     │          │           ├─▶ SSH ──────────────▶ Driver, which ends it with a goaway
//!     │          │           └─▶ HTTP, TLS ────────▶ an answer in their words
//!     │          └─ interrupted ──────────────────▶ Driver, which says why it ends
//!     └─ interrupted, failed ─────────────────────▶ closed: there is nothing to say a word over
//! ```
//!
//! It is interrupted when the handshake timeout is over, when the connection has to make room for another, and when
//! the server shuts down.

use std::{io, pin::pin};

use crate::transport::{Incoming, Link, Protocol};

/// What an HTTP client is told that calls this port.
const HTTP_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 88\r\nConnection: close\r\n\r\n\
    This port speaks the rpc-core protocol, not HTTP. List its services with: rpc list ADDR\n";

/// A fatal TLS alert, handshake_failure: what a TLS client understands (RFC 8446 §6).
const TLS_ANSWER: [u8; 7] = [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28];

/// Gives the link and what its peer speaks. What is interrupted while it waits for the first bytes passes for ours:
/// the driver knows what to say.
pub(super) async fn establish(
    incoming: Incoming,
    interrupted: impl Future<Output = ()>,
) -> io::Result<(Link, Protocol)> {
    let mut interrupted = pin!(interrupted);
    let mut link = tokio::select! {
        // What has come in time is not to be judged late.
        biased;
        link = incoming => link?,
        () = &mut interrupted => {
            let words = "the transport's own handshake was not complete in time";
            return Err(io::Error::new(io::ErrorKind::TimedOut, words));
        }
    };
    let protocol = tokio::select! {
        biased;
        protocol = link.read.sniff() => Some(protocol?),
        () = interrupted => None,
    };
    if protocol.is_none() {
        link.read.give_up_sniffing();
    }
    Ok((link, protocol.unwrap_or(Protocol::Rpc)))
}

/// What a speaker of another protocol is told in its own words; `None` for those who are told in ours.
pub(super) const fn answer(protocol: Protocol) -> Option<&'static [u8]> {
    match protocol {
        Protocol::Http => Some(HTTP_ANSWER.as_bytes()),
        Protocol::Tls => Some(&TLS_ANSWER),
        Protocol::Ssh | Protocol::Rpc => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_http_answer_has_the_length_it_claims() {
        let (head, body) = HTTP_ANSWER.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
