//! Listening sockets that another process opened: systemd, or a server that this one takes the place of.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
};

use socket2::SockRef;
use tokio::net::{TcpListener, UnixListener};

use super::BoundListener;

/// The listening socket that this process was given, if it was given one: its standard input, or the first of
/// `LISTEN_FDS` with the feature `listenfd`.
///
/// # Errors
/// There is one, and it cannot be used.
pub(crate) fn given() -> io::Result<Option<BoundListener>> {
    #[cfg(feature = "listenfd")]
    if let Some(listener) = of_systemd()? {
        return Ok(Some(listener));
    }
    let input = io::stdin();
    // Anything but a socket has no such state.
    if !SockRef::from(&input).is_listener().unwrap_or(false) {
        return Ok(None);
    }
    listener(input.as_fd().try_clone_to_owned()?).map(Some)
}

/// A listener on a socket that listens.
fn listener(socket: OwnedFd) -> io::Result<BoundListener> {
    let local = SockRef::from(&socket).local_addr()?;
    if local.is_unix() {
        let listener = std::os::unix::net::UnixListener::from(socket);
        listener.set_nonblocking(true)?;
        return UnixListener::from_std(listener).map(BoundListener::new);
    }
    if local.as_socket().is_none() {
        return Err(io::Error::other("it is neither one of TCP nor a Unix socket"));
    }
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(BoundListener::new)
}

/// The first socket that systemd has passed.
#[cfg(feature = "listenfd")]
fn of_systemd() -> io::Result<Option<BoundListener>> {
    let mut passed = listenfd::ListenFd::from_env();
    if passed.len() == 0 {
        return Ok(None);
    }
    // A socket of another kind is an error, which the next line is about.
    if let Ok(Some(socket)) = passed.take_unix_listener(0) {
        return listener(socket.into()).map(Some);
    }
    match passed.take_tcp_listener(0)? {
        Some(socket) => listener(socket.into()).map(Some),
        None => Ok(None),
    }
}
