//! A handle of the socket that a server listens at, for whoever takes its place.

use std::{fmt, io, os::fd::OwnedFd, sync::Arc};

use parking_lot::Mutex;

use crate::transport::{Address, Incoming, Listener};

/// A handle of a listening socket, for as long as the server listens.
#[derive(Clone)]
pub(super) struct Handle(Arc<Mutex<State>>);

struct State {
    socket: Option<OwnedFd>,
    end: End,
}

/// What becomes of the listener when the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It leaves nothing.
    Dropped,
    /// What belongs to the socket stays: another process listens at it.
    HandedOver,
}

impl Handle {
    pub(super) fn of(listener: &impl Listener) -> Self {
        Self(Arc::new(Mutex::new(State { socket: listener.socket(), end: End::Dropped })))
    }

    /// One more handle of the socket.
    ///
    /// # Errors
    /// There is none: the server has ended, or listens at something else.
    pub(super) fn duplicate(&self) -> io::Result<OwnedFd> {
        match &self.0.lock().socket {
            Some(socket) => socket.try_clone(),
            None => Err(io::Error::other("this server listens at no socket that it can hand over")),
        }
    }

    /// Leaves what belongs to the socket where it is when the server ends.
    pub(super) fn keep(&self) {
        self.0.lock().end = End::HandedOver;
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

/// A listener whose socket somebody else may have.
pub(super) struct Kept<L: Listener> {
    pub(super) listener: L,
    pub(super) socket: Handle,
}

impl<L: Listener> Listener for Kept<L> {
    fn accept(&mut self) -> impl Future<Output = Incoming> + Send {
        self.listener.accept()
    }

    fn address(&self) -> Address {
        self.listener.address()
    }
}

impl<L: Listener> Drop for Kept<L> {
    fn drop(&mut self) {
        let mut state = self.socket.0.lock();
        // Whoever does not accept any more is not to listen: connections would wait for nobody.
        state.socket = None;
        if state.end == End::HandedOver {
            self.listener.keep();
        }
    }
}
