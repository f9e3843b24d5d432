//! Calls of the peer that are whole and whose handlers do not start yet: who waits behind whom.

use std::collections::VecDeque;

use super::{
    event::Request,
    shares::{Class, Nesting},
};
use crate::proto::{CallId, Streams};

/// A line of calls that wait to be started. No call waits behind those of another line: what they wait for may wait
/// for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    /// Those that handlers make.
    Nested,
    /// Those that the program makes.
    Outer,
    /// Those whose replies are likely to be long, while others of which that is so run.
    Long,
}

impl Line {
    pub(super) fn of(request: &Request) -> Self {
        match Nesting::of(&request.opening) {
            Nesting::Nested => Self::Nested,
            Nesting::Outer => Self::Outer,
        }
    }
}

/// Calls that wait to be started.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Bounded by: the open calls, and the window of one-way calls. Made when a call is held for the first time.
    lines: Option<Box<[VecDeque<Request>; 3]>>,
    waiting: Waiting,
}

impl Held {
    /// The calls that wait, by the limit that counts them.
    pub(super) const fn waiting(&self) -> Waiting {
        self.waiting
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.calls == 0 && self.waiting.streams == 0 && self.waiting.oneway == 0
    }

    pub(super) fn first(&self, line: Line) -> Option<&Request> {
        self.lines.as_ref()?[line as usize].front()
    }

    /// Tells whether nothing waits that a new call would have to wait behind.
    pub(super) fn lets_pass(&self, request: &Request) -> bool {
        let passes_outer = request.opening.parent.is_some() || self.first(Line::Outer).is_none();
        self.first(Line::Nested).is_none() && passes_outer
    }

    /// Has a call wait, behind those that wait.
    pub(super) fn hold(&mut self, request: Request, line: Line) {
        self.waiting.count(&request, 1);
        self.lines.get_or_insert_default()[line as usize].push_back(request);
    }

    /// Has a call wait again that was the first.
    pub(super) fn put_back(&mut self, request: Request, line: Line) {
        self.waiting.count(&request, 1);
        self.lines.get_or_insert_default()[line as usize].push_front(request);
    }

    pub(super) fn take(&mut self, line: Line) -> Option<Request> {
        let request = self.lines.as_mut()?[line as usize].pop_front()?;
        self.waiting.count(&request, -1);
        Some(request)
    }

    /// Takes a call off; false if it does not wait.
    pub(super) fn withdraw(&mut self, id: CallId) -> bool {
        let Self { lines, waiting } = self;
        lines.iter_mut().flat_map(|lines| lines.iter_mut()).any(|queue| {
            let at = queue.iter().position(|request| request.id == id);
            let request = at.and_then(|at| queue.remove(at));
            request.inspect(|request| waiting.count(request, -1)).is_some()
        })
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
    fn count(&mut self, request: &Request, change: i32) {
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
