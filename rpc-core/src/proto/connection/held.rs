//! Calls of the peer that are whole and whose handlers do not start yet: who waits behind whom.

use std::collections::VecDeque;

use super::{
    event::Request,
    shares::{Class, Nesting},
};
use crate::proto::{CallId, Streams};

/// Calls that wait to be started. Those of handlers do not wait behind others: what those wait for may wait for them.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Bounded by: the open calls, and the window of one-way calls.
    of_program: VecDeque<Request>,
    of_handlers: VecDeque<Request>,
    /// Those whose replies are likely to be long, while others of which that is so run: no other waits behind them.
    long: VecDeque<Request>,
    pub(super) waiting: Waiting,
}

impl Held {
    pub(super) fn has_long(&self) -> bool {
        !self.long.is_empty()
    }

    pub(super) fn hold_long(&mut self, request: Request) {
        self.waiting.count(&request, 1);
        self.long.push_back(request);
    }

    pub(super) fn put_back_long(&mut self, request: Request) {
        self.waiting.count(&request, 1);
        self.long.push_front(request);
    }

    pub(super) fn take_long(&mut self) -> Option<Request> {
        let request = self.long.pop_front()?;
        self.waiting.count(&request, -1);
        Some(request)
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.calls == 0 && self.waiting.streams == 0 && self.waiting.oneway == 0
    }

    /// Whether calls wait that others wait behind.
    #[inline]
    pub(super) fn has_any(&self) -> bool {
        !self.of_program.is_empty() || !self.of_handlers.is_empty()
    }

    /// Whether nothing waits that a new call would have to wait behind.
    pub(super) fn lets_pass(&self, request: &Request) -> bool {
        self.of_handlers.is_empty()
            && (request.opening.parent.is_some() || self.of_program.is_empty())
    }

    pub(super) const fn queue(&mut self, nesting: Nesting) -> &mut VecDeque<Request> {
        match nesting {
            Nesting::Outer => &mut self.of_program,
            Nesting::Nested => &mut self.of_handlers,
        }
    }

    pub(super) fn first(&self, nesting: Nesting) -> Option<&Request> {
        match nesting {
            Nesting::Outer => self.of_program.front(),
            Nesting::Nested => self.of_handlers.front(),
        }
    }

    /// Has a call wait, behind those that wait.
    pub(super) fn hold(&mut self, request: Request) {
        self.waiting.count(&request, 1);
        self.queue(Nesting::of(&request.opening)).push_back(request);
    }

    /// Has a call wait again that was the first.
    pub(super) fn put_back(&mut self, request: Request) {
        self.waiting.count(&request, 1);
        self.queue(Nesting::of(&request.opening)).push_front(request);
    }

    pub(super) fn take(&mut self, nesting: Nesting) -> Option<Request> {
        let request = self.queue(nesting).pop_front()?;
        self.waiting.count(&request, -1);
        Some(request)
    }

    /// Whether a call waits.
    pub(super) fn contains(&self, id: CallId) -> bool {
        let all = self.of_program.iter().chain(&self.of_handlers).chain(&self.long);
        all.into_iter().any(|request| request.id == id)
    }

    /// Takes a call off; whether it was there.
    pub(super) fn withdraw(&mut self, id: CallId) -> bool {
        let Self { of_program, of_handlers, long, .. } = self;
        for queue in [of_program, of_handlers, long] {
            let at = queue.iter().position(|request| request.id == id);
            if let Some(request) = at.and_then(|at| queue.remove(at)) {
                self.waiting.count(&request, -1);
                return true;
            }
        }
        false
    }
}

/// How many of the calls wait to be started that have their shares already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    pub(super) calls: u32,
    pub(super) streams: u32,
    pub(super) oneway: u32,
}

impl Waiting {
    pub(super) fn count(&mut self, request: &Request, change: i32) {
        let count = match class_of(request) {
            Some(Class::Call) => &mut self.calls,
            Some(Class::Stream) => &mut self.streams,
            None => &mut self.oneway,
        };
        *count = count.saturating_add_signed(change);
    }
}

/// Which limit counts a call; none counts those without a reply.
pub(super) fn class_of(request: &Request) -> Option<Class> {
    match request.opening.streams {
        _ if !request.id.expects_reply() => None,
        Streams::NONE => Some(Class::Call),
        _ => Some(Class::Stream),
    }
}
