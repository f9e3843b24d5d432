//! TCP: no delay, both halves of one socket.

use std::io;

use tokio::net::{TcpStream, tcp::OwnedWriteHalf};

use super::{Link, PeerAddress, write::impl_write_half};

impl_write_half!(OwnedWriteHalf);

/// A link over a connected socket. Small frames leave at once: batching is the connection's work.
pub(crate) fn link(stream: TcpStream) -> io::Result<Link> {
    stream.set_nodelay(true)?;
    let peer = PeerAddress::Tcp(stream.peer_addr()?);
    let (read, write) = stream.into_split();
    Ok(Link { read: Box::new(read), write: Box::new(write), peer })
}
