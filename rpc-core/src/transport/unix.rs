//! Unix domain sockets, and the file that a listening one leaves behind.

use std::{
    io,
    os::unix::{
        fs::{FileTypeExt as _, MetadataExt as _},
        net::UnixStream as BlockingUnixStream,
    },
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
    let file = SocketFile { path: path.to_owned(), identity: identity(path) };
    Ok((listener, file))
}

/// Whether a socket is there at which nobody listens. Any other file is somebody's, and refuses a connection alike.
fn is_stale(path: &Path) -> bool {
    identity(path).is_some()
        && match BlockingUnixStream::connect(path) {
            Ok(_) => false,
            Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        }
}

/// Which socket file is there, if one is: device and inode.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    file.file_type().is_socket().then(|| (file.dev(), file.ino()))
}

/// The file of a listening socket; removed when the listener is dropped, unless another's is there by then.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity(&self.path) == self.identity {
            // A drop has nobody to tell.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
