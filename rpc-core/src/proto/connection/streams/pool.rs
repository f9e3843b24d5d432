//! What all streams that this side receives may hold together beyond what each may from its start.
//!
//! A stream that is read grows out of the pool, each time by no more than half of what is left, so that others can too.
//! An item that is longer than its stream has room for is let in part by part while somebody waits for it, of one stream
//! at a time.

use std::collections::VecDeque;

use super::StreamId;

#[derive(Debug, Default)]
pub(super) struct Pool {
    free: usize,
    /// The stream whose long item comes in.
    long: Option<StreamId>,
    /// Streams that wait for their turn with one. Bounded by: the streams that are received.
    next: VecDeque<StreamId>,
}

impl Pool {
    pub(super) fn new(size: u32) -> Self {
        Self { free: size as usize, ..Self::default() }
    }

    /// Gives up to `wanted` bytes.
    pub(super) fn take(&mut self, wanted: usize) -> usize {
        let taken = wanted.min(self.free / 2);
        self.free -= taken;
        taken
    }

    pub(super) const fn give_back(&mut self, bytes: usize) {
        self.free += bytes;
    }

    /// Whether this stream's long item may come in; otherwise it waits for its turn.
    pub(super) fn begin_long(&mut self, stream: StreamId) -> bool {
        match self.long {
            Some(long) if long == stream => true,
            Some(_) => {
                if !self.next.contains(&stream) {
                    self.next.push_back(stream);
                }
                false
            }
            None => {
                self.long = Some(stream);
                true
            }
        }
    }

    /// The long item of this stream was taken, or its stream is over. Gives the stream whose turn it is.
    pub(super) fn end_long(&mut self, stream: StreamId) -> Option<StreamId> {
        if self.long != Some(stream) {
            if !self.next.is_empty() {
                self.next.retain(|next| *next != stream);
            }
            return None;
        }
        self.long = self.next.pop_front();
        self.long
    }

    /// What is left.
    pub(super) const fn free(&self) -> usize {
        self.free
    }
}
