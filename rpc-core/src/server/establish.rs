//! From what was accepted to a link whose first bytes are known, in the connection's own task: whatever takes time
//! with one peer holds up nobody else.
//!
//! ```text
//! Incoming ──▶ Link ──sniff──┬─▶ TLS, on a port that speaks it ──handshake──▶ Link ──sniff──┐
//!     │          │           ├─▶ ours, or unknown ──▶ Driver  ◀────────────────────────────┤
//!     │          │           ├─▶ SSH ──────────────▶ Driver, which ends it with a goaway ◀─┤
//!     │          │           ├─▶ HTTP, where there is a face for it ──▶ gateway ◀───────────┤
//!     │          │           └─▶ HTTP, TLS ────────▶ an answer in their words  ◀───────────┘
//!     │          └─ interrupted ──────────────────▶ Driver, which says why it ends
//!     └─ interrupted, failed ─────────────────────▶ closed: there is nothing to say a word over
//! ```
//!
//! A trusted proxy says a PROXY header first, before anything is sniffed: the link has the peer that it names from then on.
//! On a port that speaks TLS, those who do not are told so: in words of HTTP, or by a goaway. It is interrupted when the
//! handshake timeout is over, when the connection has to make room for another, and when the server shuts down.

use std::{io, pin::pin};

use super::{ingress::Ingress, security::Security};
#[cfg(feature = "proxy")]
use crate::transport::proxy;
#[cfg(feature = "tls")]
use crate::transport::tls::Offer;
use crate::{
    proto::connection::ConnectionError,
    transport::{Incoming, Link, Protocol, TLS_ANSWER},
};

/// What an HTTP client is told that calls this port.
const HTTP_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 88\r\nConnection: close\r\n\r\n\
    This port speaks the rpc-core protocol, not HTTP. List its services with: rpc list ADDR\n";

/// What one is told that calls a port with TLS, and does not speak it.
#[cfg(feature = "tls")]
const PLAIN_HTTP_ANSWER: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain; charset=utf-8\r\nContent-Length: 104\r\nConnection: close\r\n\r\n\
    This port speaks TLS, and the rpc-core protocol over it. List its services with: rpc list \
    tls:HOST:PORT\n";

/// A link, and how it goes on.
pub(super) struct Established {
    pub(super) link: Link,
    pub(super) verdict: Verdict,
}

/// How a link goes on whose first bytes are known.
pub(super) enum Verdict {
    /// The driver serves it, or says what is wrong with it.
    Serve,
    /// It is served as HTTP.
    #[cfg(feature = "http")]
    Http,
    /// The driver ends it with this reason.
    End(ConnectionError),
    /// A speaker of another protocol, which is named here, is told so in its own words.
    Answer(&'static str, &'static [u8]),
}

/// What becomes of those who speak HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strangers {
    /// They are told that this port does not.
    AreTold,
    /// They are served.
    #[cfg(feature = "http")]
    SpeakHttp,
}

/// Why there is no link.
enum Gone {
    /// It failed before anybody could be told.
    AtOnce(io::Error),
    /// The handshake of TLS with this peer failed.
    #[cfg(feature = "tls")]
    InHandshake(crate::transport::Peer, io::Error),
    /// A trusted proxy did not say for whom it carries the stream.
    #[cfg(feature = "proxy")]
    InHeader(proxy::HeaderError),
}

impl From<io::Error> for Gone {
    fn from(error: io::Error) -> Self {
        Self::AtOnce(error)
    }
}

/// Makes a link whose peer has begun to speak. What is interrupted while it waits for the first bytes passes for ours:
/// the driver knows what to say.
///
/// # Errors
/// There is no link; the log says why.
pub(super) async fn establish(
    incoming: Incoming,
    ingress: &Ingress,
    strangers: Strangers,
    interrupted: impl Future<Output = ()>,
) -> Result<Established, ConnectionError> {
    let error = match link(incoming, ingress, strangers, interrupted).await {
        Ok(established) => return Ok(established),
        Err(Gone::AtOnce(error)) => {
            tracing::debug!(target: "rpc_core::server", %error, "connection was gone at once");
            error
        }
        // Whoever runs the server is asked about it.
        #[cfg(feature = "tls")]
        Err(Gone::InHandshake(peer, error)) => {
            tracing::info!(target: "rpc_core::server", %peer, %error, "TLS handshake failed");
            error
        }
        #[cfg(feature = "proxy")]
        Err(Gone::InHeader(error)) => io::Error::other(error),
    };
    Err(ConnectionError::Transport(error.to_string()))
}

async fn link(
    incoming: Incoming,
    ingress: &Ingress,
    strangers: Strangers,
    interrupted: impl Future<Output = ()>,
) -> Result<Established, Gone> {
    let mut interrupted = pin!(interrupted);
    let mut link = tokio::select! {
        // What has come in time is not to be judged late.
        biased;
        link = incoming => link?,
        () = &mut interrupted => return Err(late("the transport's own handshake").into()),
    };
    if let Some(keepalive) = &ingress.keepalive {
        link.watch(keepalive);
    }
    #[cfg(feature = "proxy")]
    if let Some(proxies) = &ingress.proxies
        && proxies.trusts(link.peer().address())
        && let Err(gone) = named(&mut link, interrupted.as_mut()).await
    {
        return unnamed(link, gone, interrupted).await;
    }
    let Some(protocol) = first(&mut link, interrupted.as_mut()).await? else {
        return Ok(Established { link, verdict: Verdict::Serve });
    };
    if protocol == Protocol::Proxy {
        let peer = link.peer();
        tracing::info!(
            target: "rpc_core::server",
            %peer,
            "a PROXY header was refused: its sender is none of the trusted proxies of Server::proxy_protocol"
        );
    }
    match &ingress.security {
        Security::Plain => Ok(Established { link, verdict: judge(protocol, strangers) }),
        #[cfg(feature = "tls")]
        Security::Tls(_) if protocol != Protocol::Tls => {
            let verdict = match protocol {
                Protocol::Http => Verdict::Answer("HTTP", PLAIN_HTTP_ANSWER.as_bytes()),
                Protocol::Proxy => Verdict::End(ConnectionError::Foreign(protocol.sent())),
                _ => Verdict::End(ConnectionError::Unencrypted),
            };
            Ok(Established { link, verdict })
        }
        #[cfg(feature = "tls")]
        Security::Tls(tls) => {
            let mut link = encrypt(tls, link, strangers, interrupted.as_mut()).await?;
            let protocol = first(&mut link, interrupted).await?;
            let verdict = protocol.map_or(Verdict::Serve, |protocol| judge(protocol, strangers));
            Ok(Established { link, verdict })
        }
    }
}

/// Learns from a trusted proxy for whom it carries a link.
#[cfg(feature = "proxy")]
async fn named(link: &mut Link, interrupted: impl Future<Output = ()>) -> Result<(), Gone> {
    let received = tokio::select! {
        biased;
        received = proxy::receive(link) => received,
        () = interrupted => return Err(late("the PROXY header").into()),
    };
    received.map_err(|refusal| match refusal {
        proxy::Refusal::Gone(error) => error.into(),
        proxy::Refusal::Header(error) => Gone::InHeader(error),
    })
}

/// The end of a link of a trusted proxy that does not say for whom it carries it. A client of ours behind a proxy that says
/// no header is told so, and with that, that nothing of it was started.
#[cfg(feature = "proxy")]
async fn unnamed(
    mut link: Link,
    gone: Gone,
    interrupted: impl Future<Output = ()>,
) -> Result<Established, Gone> {
    if let Gone::InHeader(error) = &gone {
        // Nobody behind that proxy is served until somebody changes one of both.
        tracing::warn!(
            target: "rpc_core::server",
            peer = %link.peer(),
            %error,
            "a connection of a trusted proxy was refused: it has to say a PROXY header (HAProxy: send-proxy-v2, nginx: proxy_protocol on)"
        );
    }
    if let Gone::InHeader(proxy::HeaderError::Absent) = gone
        && first(&mut link, interrupted).await? == Some(Protocol::Rpc)
    {
        let verdict = Verdict::End(ConnectionError::Foreign("no PROXY header"));
        return Ok(Established { link, verdict });
    }
    Err(gone)
}

/// Waits for the first bytes; `None` if that is interrupted.
async fn first(
    link: &mut Link,
    interrupted: impl Future<Output = ()>,
) -> io::Result<Option<Protocol>> {
    let protocol = tokio::select! {
        biased;
        protocol = link.read.sniff() => Some(protocol?),
        () = interrupted => None,
    };
    if protocol.is_none() {
        link.read.give_up_sniffing();
    }
    Ok(protocol)
}

/// Runs the handshake of TLS.
#[cfg(feature = "tls")]
async fn encrypt(
    tls: &crate::transport::tls::ServerTls,
    link: Link,
    strangers: Strangers,
    interrupted: impl Future<Output = ()>,
) -> Result<Link, Gone> {
    let peer = link.peer().clone();
    let offer = match strangers {
        Strangers::AreTold => Offer::Ours,
        #[cfg(feature = "http")]
        Strangers::SpeakHttp => Offer::Http,
    };
    let accepted = tokio::select! {
        biased;
        accepted = tls.accept(link, offer) => accepted.map_err(io::Error::other),
        () = interrupted => Err(late("the TLS handshake")),
    };
    accepted.map_err(|error| Gone::InHandshake(peer, error))
}

fn late(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} was not complete in time"))
}

/// How a link goes on where this protocol is not protected by another any more.
const fn judge(protocol: Protocol, strangers: Strangers) -> Verdict {
    match protocol {
        Protocol::Rpc => Verdict::Serve,
        Protocol::Http => match strangers {
            Strangers::AreTold => Verdict::Answer("HTTP", HTTP_ANSWER.as_bytes()),
            #[cfg(feature = "http")]
            Strangers::SpeakHttp => Verdict::Http,
        },
        Protocol::Tls => Verdict::Answer("TLS", &TLS_ANSWER),
        Protocol::Ssh | Protocol::Unencrypted | Protocol::Proxy => {
            Verdict::End(ConnectionError::Foreign(protocol.sent()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_http_answers_have_the_length_they_claim() {
        let answers = [
            HTTP_ANSWER,
            #[cfg(feature = "tls")]
            PLAIN_HTTP_ANSWER,
        ];
        for answer in answers {
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let length = format!("Content-Length: {}\r\n", body.len());
            assert!(head.contains(&length), "{}", body.len());
        }
    }
}
