//! Unix domain sockets, and the file that a listening one leaves behind.

use std::{
    fs::{File, TryLockError},
    io,
    os::fd::{AsFd as _, OwnedFd},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::net::{
    UnixListener, UnixStream,
    unix::{OwnedWriteHalf, UCred},
};

use super::{
    Address, Identity, Incoming, Link, Listener, Peer, PeerAddress,
    listener::{Home, accept},
    write::impl_write_half,
};

impl_write_half!(OwnedWriteHalf);

pub(super) async fn dial(path: &Path) -> io::Result<Link> {
    UnixStream::connect(path).await.map(link)
}

impl Listener for UnixListener {
    async fn accept(&mut self) -> Incoming {
        let (stream, _) = accept(|cx| self.poll_accept(cx)).await;
        let home = Home::here();
        Incoming::new(async move {
            Ok(link(if home.is_elsewhere() {
                UnixStream::from_std(stream.into_std()?)?
            } else {
                stream
            }))
        })
    }

    fn socket(&self) -> Option<OwnedFd> {
        self.as_fd().try_clone_to_owned().ok()
    }

    /// The socket's file stays where it is: whoever bound it removes it.
    fn address(&self) -> Address {
        let address = self.local_addr();
        let path = address.as_ref().ok().and_then(|address| address.as_pathname());
        Address::Unix(path.map(ToOwned::to_owned).unwrap_or_default())
    }
}

/// A listening socket with the file that was made for it.
#[derive(Debug)]
pub(super) struct Socket {
    /// Dropped before the listener: while that listens, nobody takes its place.
    file: SocketFile,
    listener: UnixListener,
}

impl Listener for Socket {
    fn accept(&mut self) -> impl Future<Output = Incoming> + Send {
        Listener::accept(&mut self.listener)
    }

    fn address(&self) -> Address {
        Address::Unix(self.file.path.clone())
    }

    fn socket(&self) -> Option<OwnedFd> {
        Listener::socket(&self.listener)
    }

    fn keep(&mut self) {
        self.file.identity = None;
    }
}

/// A link over a connected socket.
fn link(stream: UnixStream) -> Link {
    let peer = Peer::new(PeerAddress::Unix).with_identity(identity_of(&stream));
    let (read, write) = stream.into_split();
    Link::from_halves(read, write, peer)
}

/// The process at the other end, as it was when the socket was connected.
fn identity_of(stream: &UnixStream) -> Identity {
    stream.peer_cred().map_or(Identity::Unknown, |credentials| Identity::Process {
        user: credentials.uid(),
        group: credentials.gid(),
        process: process_of(credentials),
    })
}

/// The number of a process, where the system tells it.
fn process_of(credentials: UCred) -> Option<u32> {
    let id = credentials.pid().and_then(|id| u32::try_from(id).ok());
    id.filter(|&id| id != 0)
}

/// Why a socket file could not be made.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Somebody listens there: this process, if it can be known.
    Taken(Option<u32>),
    Other(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Other(error)
    }
}

/// Listens at `path`. A socket file that nobody listens at any more is replaced.
///
/// Only one of those who begin to listen in a folder does so at a time. Otherwise two of them may find the same stale
/// file, and the second removes what the first has put in its place; or a file is taken for stale whose socket is
/// bound and does not listen yet.
pub(super) async fn bind(path: &Path) -> Result<Socket, Refusal> {
    let _locked = lock_folder(path).await?;
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_stale(path).await?;
            UnixListener::bind(path)?
        }
        bound => bound?,
    };
    let file = SocketFile { path: path.to_owned(), identity: identity(path) };
    Ok(Socket { file, listener })
}

/// How long the folder's lock is waited for. Whoever holds it for long is not a server that begins to listen.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Pause between two looks at the lock: waiting in the system would hold up a thread.
const LOCK_PAUSE: Duration = Duration::from_millis(2);

/// Locks the folder of `path` until the file is dropped. The lock is on the folder itself, so that nothing is left
/// behind, and the system takes it off a process that is killed. Where folders cannot be locked, nothing is.
async fn lock_folder(path: &Path) -> io::Result<Option<File>> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // What is wrong with the folder is for `bind` to say.
    let Some(file) = folder.is_dir().then(|| File::open(folder).ok()).flatten() else {
        return Ok(None);
    };
    let locked = async {
        loop {
            match file.try_lock() {
                Ok(()) => return true,
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
                Err(TryLockError::Error(error)) => {
                    tracing::debug!(%error, ?folder, "the folder of a socket cannot be locked");
                    return false;
                }
            }
        }
    };
    match tokio::time::timeout(LOCK_PATIENCE, locked).await {
        Ok(locked) => Ok(locked.then_some(file)),
        Err(_) => {
            let folder = folder.display();
            let text = format!("another process keeps the folder {folder} locked (see `lslocks`)");
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        }
    }
}

/// Removes a socket at which nobody listens. Any other file is somebody's, and refuses a connection alike.
async fn remove_stale(path: &Path) -> Result<(), Refusal> {
    let in_use = |text: String| io::Error::new(io::ErrorKind::AddrInUse, text);
    let Some(found) = identity(path) else {
        let text = "a file that is not a socket is there; remove it, or choose another path";
        return Err(in_use(text.to_owned()).into());
    };
    match UnixStream::connect(path).await {
        Ok(stream) => Err(Refusal::Taken(stream.peer_cred().ok().and_then(process_of))),
        // More connections wait for it than it lets wait: it listens.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Refusal::Taken(None)),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            if identity(path) == Some(found) {
                std::fs::remove_file(path)?;
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            let text =
                format!("a socket is there, and whether it is in use cannot be seen: {error}");
            Err(in_use(text).into())
        }
    }
}

/// Which socket file is there, if one is: device and inode.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    file.file_type().is_socket().then(|| (file.dev(), file.ino()))
}

/// The file of a listening socket; removed when this is dropped, unless another's is there by then. To be dropped
/// before the listener: while that listens, nobody takes its place, and its file's number is not given to another.
#[derive(Debug)]
struct SocketFile {
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
