//! Byte streams by address: TCP, Unix sockets, memory. What goes up is a [`Link`]; sockets never leave
//! this folder, frames never enter it.

mod address;
mod dial;
mod link;
mod listener;
mod memory;
mod peer;
mod tcp;
#[cfg(unix)]
mod unix;
mod write;

pub use address::{Address, AddressError, IntoAddress};
pub use dial::DialError;
pub(crate) use dial::dial;
pub use link::Link;
pub(crate) use listener::{Accepted, Detached};
pub use listener::{BindError, Listener};
pub(crate) use memory::pair as memory_pair;
pub use peer::{Identity, Peer, PeerAddress};
pub(crate) use write::{Flush, WriteHalf, Written};
