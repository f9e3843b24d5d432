//! What the channels of one way share.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;

use crate::{
    connection::Connection,
    proto::{CallId, Order, Status, connection::ConnectionError},
    seam::{Caller, Course, Retries, Standing, Supply, Turn, Waiting, Wanted},
    transport::Peer,
};

/// The first connection that was given out, and its number.
pub(super) type Kept = OnceLock<(u64, Arc<Connection>)>;

/// Where channels lead to, until the last of them is gone.
pub(super) trait Place: Supply {
    /// The caller of a call that is made now, by what the door keeps.
    fn present_by(&self, kept: &Kept, order: Order) -> Option<Arc<dyn Caller>> {
        let _ = kept;
        self.present(order)
    }

    /// The last channel is gone. Calls that run keep their connections.
    fn leave(&self);
}

/// The way to a place for its channels; the place is left when this is dropped.
#[derive(Debug)]
pub(super) struct Door<P: Place> {
    place: Arc<P>,
    /// Until it is lost, which most never are, calls find the connection here without a lock.
    kept: Kept,
}

impl<P: Place> Door<P> {
    pub(super) const fn new(place: Arc<P>) -> Self {
        Self { place, kept: OnceLock::new() }
    }
}

impl<P: Place> Supply for Door<P> {
    #[inline]
    fn present(&self, order: Order) -> Option<Arc<dyn Caller>> {
        self.place.present_by(&self.kept, order)
    }

    fn next(self: Arc<Self>, wanted: Wanted) -> Waiting<'static, Result<Arc<dyn Caller>, Status>> {
        let next = Arc::clone(&self.place).next(wanted);
        Box::pin(async move {
            // The channels are open for as long as somebody waits.
            let _door = self;
            next.await
        })
    }

    fn line_up(self: Arc<Self>, from: Option<(&Arc<dyn Caller>, CallId)>) -> Option<Turn> {
        Arc::clone(&self.place).line_up(from)
    }

    fn retire(&self, caller: &Arc<dyn Caller>) {
        self.place.retire(caller);
    }

    fn standing(&self) -> Standing {
        self.place.standing()
    }

    fn changes(&self) -> watch::Receiver<Course> {
        self.place.changes()
    }

    fn peer(&self) -> Peer {
        self.place.peer()
    }

    fn waiting(&self) -> usize {
        self.place.waiting()
    }

    fn retries(&self) -> &Retries {
        self.place.retries()
    }

    fn counted(&self, caller: &Arc<dyn Caller>) -> (usize, u64) {
        self.place.counted(caller)
    }

    fn close(&self) {
        self.place.close();
    }

    fn closed(self: Arc<Self>) -> Waiting<'static, ConnectionError> {
        Arc::clone(&self.place).closed()
    }
}

impl<P: Place> Drop for Door<P> {
    fn drop(&mut self) {
        self.place.leave();
    }
}
