//! Unix domain sockets, and the file that a listening one leaves behind.

use std::{
    io,
    os::unix::net::UnixStream as BlockingUnixStream,
    path::{Path, PathBuf},
};

use tokio::net::{UnixListener, UnixStream, unix::OwnedWriteHalf};

use super::{Link, PeerAddress, write::impl_write_half};

impl_write_half!(OwnedWriteHalf);

/// A link over a connected socket.
pub(crate) fn link(stream: UnixStream) -> Link {
    let (read, write) = stream.into_split();
    Link { read: Box::new(read), write: Box::new(write), peer: PeerAddress::Unix }
}

/// Listens at `path`. A socket file that nobody listens at any more is replaced.
pub(crate) fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    Ok((listener, SocketFile(path.to_owned())))
}

fn is_stale(path: &Path) -> bool {
    match BlockingUnixStream::connect(path) {
        Ok(_) => false,
        Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
    }
}

/// The file of a listening socket; removed when the listener is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A file that somebody else removed is no loss, and a drop has nobody to tell.
        let _ = std::fs::remove_file(&self.0);
    }
}
