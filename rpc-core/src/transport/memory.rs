//! Two linked ends in memory: the same connection, without a socket.

use tokio::io::{duplex, split};

use super::{Link, LockedWrite, PeerAddress};

/// Bytes that either direction holds before the writer waits, as a socket's buffer would.
const BUFFER: usize = 64 << 10;

/// Two ends of one byte stream.
pub(crate) fn pair() -> (Link, Link) {
    let (one, other) = duplex(BUFFER);
    let link = |end| {
        let (read, write) = split(end);
        let write = Box::new(LockedWrite::new(write));
        Link { read: Box::new(read), write, peer: PeerAddress::Memory }
    };
    (link(one), link(other))
}
