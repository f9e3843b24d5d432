//! Two linked ends in memory: the same connection, without a socket.

use super::{Link, Peer, PeerAddress};

/// Bytes that either direction holds before the writer waits, as a socket's buffer would.
const BUFFER: usize = 64 << 10;

/// Two ends of one byte stream.
pub(crate) fn pair() -> (Link, Link) {
    let (one, other) = tokio::io::duplex(BUFFER);
    let link = |end| Link::new(end, Peer::new(PeerAddress::Memory));
    (link(one), link(other))
}
