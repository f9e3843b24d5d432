//! Byte streams by address: TCP, Unix sockets, memory. What goes up is a [`Link`]; sockets never leave
//! this folder, frames never enter it.

mod address;
mod dial;
mod listener;
mod memory;
mod tcp;
#[cfg(unix)]
mod unix;
mod write;

pub use address::{Address, AddressError, IntoAddress, PeerAddress};
pub use dial::DialError;
pub(crate) use dial::dial;
pub(crate) use listener::{Accepted, Detached};
pub use listener::{BindError, Listener};
pub(crate) use memory::pair as memory_pair;
pub(crate) use write::{LockedWrite, WriteHalf};

use tokio::io::AsyncRead;

/// An open byte stream: a half to read from, a half to write to, and who is at the other end.
pub(crate) struct Link {
    pub(crate) read: Box<dyn AsyncRead + Send + Unpin>,
    pub(crate) write: Box<dyn WriteHalf>,
    pub(crate) peer: PeerAddress,
}
