//! What a thread lends to whichever connection it serves at the moment, so that an idle connection holds
//! no buffer at all.

use std::{cell::Cell, collections::VecDeque, task::Waker};

use super::served::End;
use crate::{
    proto::connection::Event,
    seam::{HandlerSlot, ledger::Thread},
};

/// Bytes of one read.
const READ: usize = 256 << 10;

/// Buffers for small frames that a thread keeps, and the largest that is worth keeping.
const POOLED: usize = 8;
const POOLED_CAPACITY: usize = 256 << 10;

/// What a new buffer for small frames can hold before it grows.
const FRESH_CAPACITY: usize = 1 << 10;

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
    static BUFFERS: Cell<Vec<Vec<u8>>> = const { Cell::new(Vec::new()) };
}

/// What a driver works with for one turn.
pub(super) struct Scratch {
    pub(super) read: Box<[u8]>,
    pub(super) events: VecDeque<Event>,
    pub(super) wakes: Vec<Waker>,
    pub(super) done: Vec<End>,
    pub(super) slot: HandlerSlot,
    /// Where this thread counts calls.
    pub(super) thread: Thread,
}

impl Scratch {
    fn new() -> Box<Self> {
        Box::new(Self {
            read: vec![0; READ].into_boxed_slice(),
            events: VecDeque::new(),
            wakes: Vec::new(),
            done: Vec::new(),
            slot: HandlerSlot::for_many(),
            thread: Thread::current(),
        })
    }
}

/// Runs `with` on this thread's scratch.
pub(super) fn with<R>(with: impl FnOnce(&mut Scratch) -> R) -> R {
    let mut scratch = SCRATCH.take().unwrap_or_else(Scratch::new);
    let result = with(&mut scratch);
    debug_assert!(
        scratch.events.is_empty() && scratch.wakes.is_empty() && scratch.done.is_empty(),
        "what one connection is to do must not reach another"
    );
    SCRATCH.set(Some(scratch));
    result
}

/// An empty buffer for small frames.
pub(super) fn take_buffer() -> Vec<u8> {
    let mut pool = BUFFERS.take();
    let buffer = pool.pop().unwrap_or_else(|| Vec::with_capacity(FRESH_CAPACITY));
    BUFFERS.set(pool);
    buffer
}

/// Gives an empty buffer back.
pub(super) fn return_buffer(buffer: Vec<u8>) {
    debug_assert!(buffer.is_empty(), "bytes of one connection must not reach another");
    if buffer.capacity() > POOLED_CAPACITY {
        return;
    }
    let mut pool = BUFFERS.take();
    if pool.len() < POOLED {
        pool.push(buffer);
    }
    BUFFERS.set(pool);
}
