//! One HTTP connection as the origin of calls: who is at its other end, what the program keeps with it, and the items of
//! its streams. There are no frames: items wait here, in a bounded queue, for the body that carries them.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use hyper::upgrade::OnUpgrade;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{socket::Back, upgrade::Onward};
use crate::{
    identity::{Gate, Principal, Verdicts},
    proto::{
        CallId, Metadata, Status,
        connection::{Batch, ConnectionError, ITEM_OVERHEAD, Segment},
    },
    seam::{Caller, Origin, Phase, Phases, Place, Remote, Serve, panicked},
    transport::Peer,
};

/// Bytes of items that wait for a body to take them, or for a handler to read them, before their sender waits.
pub(super) const WINDOW: usize = 64 << 10;

/// An HTTP connection, as calls see it.
pub(super) struct Session {
    peer: Peer,
    /// The peer as the authenticator sees it without a token, once it was asked.
    known: OnceLock<Peer>,
    place: Place,
    phase: watch::Sender<Phase>,
    /// Cancelled when the first request has come.
    greeting: CancellationToken,
    greeted: AtomicBool,
    /// Set before an upgrade is granted: what comes then is HTTP no more.
    pub(super) upgraded: Arc<AtomicBool>,
    upgrade: Mutex<Option<(OnUpgrade, Onward)>>,
    /// The next call's id: none is given twice, so that no stream is taken for a later one.
    next: AtomicU32,
    /// Bytes of bodies that are being read, or serve a call.
    held: AtomicUsize,
    pub(super) state: Mutex<State>,
    /// Calls to the other side, where there is a way for them.
    pub(super) back: Option<Back>,
}

#[derive(Default)]
pub(super) struct State {
    /// What handlers send beside replies that have not been given out. Bounded by: calls that run.
    pub(super) beside: Vec<(CallId, Metadata)>,
    /// Bounded by: calls that run.
    pub(super) down: HashMap<CallId, Down>,
    pub(super) up: HashMap<CallId, Up>,
}

/// Items of a handler on their way to a body.
#[derive(Default)]
pub(super) struct Down {
    /// The word that items come, with what goes ahead of them, until it is given out.
    pub(super) accepted: Option<Option<Box<Metadata>>>,
    /// Bounded by: [`WINDOW`], and one batch or item beyond it.
    pub(super) items: VecDeque<Bytes>,
    pub(super) bytes: usize,
    /// The parts of a long item that have come.
    pub(super) long: Vec<u8>,
    pub(super) body: Option<Waker>,
    pub(super) handler: Option<Waker>,
}

/// Items of a body on their way to a handler.
#[derive(Default)]
pub(super) struct Up {
    /// Bounded by: [`WINDOW`], and one item beyond it.
    pub(super) items: VecDeque<Segment>,
    pub(super) bytes: usize,
    /// How the items ended, if they did.
    pub(super) end: Option<Result<(), Status>>,
    pub(super) reader: Reader,
    pub(super) body: Option<Waker>,
    pub(super) handler: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reader {
    #[default]
    Reads,
    /// Nobody reads: what comes is thrown away.
    Gone,
}

/// What a body takes next of a stream.
pub(super) enum Taken {
    /// The items come; this goes ahead of them.
    Accepted(Option<Box<Metadata>>),
    Item(Bytes),
}

impl Session {
    /// A connection to this peer; tokens are judged by `gate`, if there is one.
    pub(super) fn new(peer: Peer, gate: Option<&Arc<Gate>>) -> Arc<Self> {
        Arc::new(Self::with_back(peer, gate, None))
    }

    /// One that goes on over a WebSocket, where both sides may call.
    pub(super) fn two_way(peer: Peer, gate: Option<&Arc<Gate>>, back: Back) -> Arc<Self> {
        Arc::new(Self::with_back(peer, gate, Some(back)))
    }

    fn with_back(peer: Peer, gate: Option<&Arc<Gate>>, back: Option<Back>) -> Self {
        let peer = match gate {
            Some(gate) => peer.with(Verdicts::new(Arc::clone(gate))),
            None => peer,
        };
        Self {
            peer,
            known: OnceLock::new(),
            place: Place::default(),
            phase: watch::channel(Phase::Ready).0,
            greeting: CancellationToken::new(),
            greeted: AtomicBool::new(false),
            upgraded: Arc::default(),
            upgrade: Mutex::default(),
            next: AtomicU32::new(0),
            held: AtomicUsize::new(0),
            state: Mutex::default(),
            back,
        }
    }

    /// A request has come: whoever serves is told of the connection with the first.
    pub(super) fn greet(self: &Arc<Self>, serve: &dyn Serve) {
        // Nothing is written for those behind the first.
        if self.greeted.load(Ordering::Acquire) || self.greeted.swap(true, Ordering::AcqRel) {
            return;
        }
        self.hear();
        let origin: Arc<dyn Origin> = Arc::clone(self) as _;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| serve.connected(&origin))) {
            panicked(&*panic);
            self.tell(Phase::Draining);
        }
    }

    /// A request has come.
    pub(super) fn hear(&self) {
        self.greeting.cancel();
    }

    /// The connection goes on with another protocol once the answer to the present request is written.
    pub(super) fn take_over(&self, upgrade: OnUpgrade, onward: Onward) {
        self.upgraded.store(true, Ordering::Release);
        *self.upgrade.lock() = Some((upgrade, onward));
    }

    /// What the connection goes on with, if it does.
    pub(super) fn upgrade(&self) -> Option<(OnUpgrade, Onward)> {
        self.upgrade.lock().take()
    }

    pub(super) const fn greeting(&self) -> &CancellationToken {
        &self.greeting
    }

    /// The peer, as its transport knows it.
    pub(super) const fn own_peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether the authenticator has judged the peer itself.
    pub(super) fn is_known(&self) -> bool {
        self.known.get().is_some()
    }

    /// The authenticator has judged the peer itself.
    pub(super) fn know(&self, principal: Principal) {
        let _ = self.known.set(self.peer.clone().with(principal));
    }

    pub(super) fn next_call(&self) -> CallId {
        let id = CallId::new(self.next.fetch_add(1, Ordering::Relaxed));
        if id.expects_reply() { id } else { self.next_call() }
    }

    /// Takes part of what all bodies may have at once; a single one may always be as long as `most`.
    pub(super) fn hold(&self, bytes: usize, own: usize, most: usize) -> bool {
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        let fits = before + bytes <= most.max(own + bytes) || before == own;
        if !fits {
            self.held.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    /// Gives it back.
    pub(super) fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn tell(&self, phase: Phase) {
        self.phase.send_if_modified(|present| {
            let later = phase > *present;
            *present = phase.max(*present);
            later
        });
    }

    /// Resolves when either side wants no more calls.
    pub(super) fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        Phases(self.phase.subscribe()).reach(Phase::Draining)
    }

    /// The connection is over.
    pub(super) fn leave(&self) {
        self.tell(Phase::Closed);
        // Where the connection was cut off nobody else says so.
        if let Some(back) = &self.back {
            back.end_all(&ConnectionError::Closed);
        }
        let held = self.place.close();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(held))) {
            panicked(&*panic);
        }
    }

    /// Makes room for the streams of a call.
    pub(super) fn begin(&self, call: CallId, down: bool, up: bool) {
        let mut state = self.state.lock();
        if down {
            state.down.insert(call, Down::default());
        }
        if up {
            state.up.insert(call, Up::default());
        }
    }

    /// The call is over: what it still sends is stopped.
    pub(super) fn forget(&self, call: CallId) {
        let mut state = self.state.lock();
        let down = state.down.remove(&call).and_then(|down| down.handler);
        let up = state.up.remove(&call).and_then(|up| up.handler);
        state.beside.retain(|(known, _)| *known != call);
        drop(state);
        down.into_iter().chain(up).for_each(Waker::wake);
    }

    /// What a handler has sent beside its reply.
    pub(super) fn take_beside(&self, call: CallId) -> Option<Metadata> {
        let mut state = self.state.lock();
        let at = state.beside.iter().position(|(known, _)| *known == call)?;
        Some(state.beside.swap_remove(at).1)
    }

    /// What a body takes next. Leaves the waker of `cx` where there is nothing yet.
    pub(super) fn take(&self, call: CallId, cx: &Context<'_>) -> Option<Taken> {
        let mut state = self.state.lock();
        let down = state.down.get_mut(&call)?;
        if let Some(metadata) = down.accepted.take() {
            return Some(Taken::Accepted(metadata));
        }
        let Some(item) = down.items.pop_front() else {
            down.body = Some(cx.waker().clone());
            return None;
        };
        down.bytes -= item.len() + ITEM_OVERHEAD;
        let handler = (down.bytes < WINDOW).then(|| down.handler.take()).flatten();
        drop(state);
        handler.into_iter().for_each(Waker::wake);
        Some(Taken::Item(item))
    }

    /// Waits until an upload has room for more. Nobody may read it: then there is always room.
    pub(super) fn poll_room(&self, call: CallId, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        let Some(up) = state.up.get_mut(&call) else { return Poll::Ready(()) };
        if up.bytes < WINDOW || up.reader == Reader::Gone {
            return Poll::Ready(());
        }
        up.body = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Gives a handler an item of its upload.
    pub(super) fn put(&self, call: CallId, item: Bytes) {
        self.with_up(call, |up| {
            if up.reader == Reader::Reads {
                up.bytes += item.len() + ITEM_OVERHEAD;
                up.items.push_back(Segment::Large(item));
            }
        });
    }

    /// No more items of an upload come.
    pub(super) fn end(&self, call: CallId, end: Result<(), Status>) {
        self.with_up(call, |up| up.end = Some(end));
    }

    fn with_up(&self, call: CallId, change: impl FnOnce(&mut Up)) {
        let mut state = self.state.lock();
        let Some(up) = state.up.get_mut(&call) else { return };
        change(up);
        let handler = up.handler.take();
        drop(state);
        handler.into_iter().for_each(Waker::wake);
    }
}

impl Down {
    pub(super) fn push(&mut self, item: Bytes) {
        self.bytes += item.len() + ITEM_OVERHEAD;
        self.items.push_back(item);
    }

    pub(super) fn take(&mut self, batch: &Batch) {
        if let Some(metadata) = batch.accepted() {
            self.accepted = Some(metadata);
        }
        batch.items().for_each(|item| self.push(Bytes::copy_from_slice(item)));
    }
}

impl Remote for Session {
    fn peer(&self) -> &Peer {
        self.known.get().unwrap_or(&self.peer)
    }

    fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    fn phases(&self) -> Phases {
        Phases(self.phase.subscribe())
    }
}

impl Origin for Session {
    fn set_reply_metadata(&self, call: CallId, metadata: Metadata) {
        self.state.lock().beside.push((call, metadata));
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn caller(self: Arc<Self>) -> Arc<dyn Caller> {
        self
    }

    /// Over HTTP nobody is called, and in JSON-RPC by name.
    fn takes_encoded(&self) -> bool {
        false
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("peer", &self.peer).finish_non_exhaustive()
    }
}
