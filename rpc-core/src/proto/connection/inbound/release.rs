//! The start of calls that wait: how much may be unread of what the peer was answered (PROTOCOL §13).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    super::{Connection, Event, event::Request, held::Line},
    Headroom,
};
use crate::proto::CallId;

impl Connection {
    /// Whether no handlers are to be started for the time being: the peer leaves too many bytes of replies unread.
    #[inline]
    pub(in super::super) fn holds_back(&self) -> bool {
        self.outbox.unsent_replies() > MAX_UNSENT_REPLIES
    }

    /// Whether a call may start though too much is unread: its reply is short whatever it says, and little of what is
    /// short waits to be written. Otherwise one long reply would hold up every small call.
    pub(in super::super) fn may_pass_long(&self, request: &Request) -> bool {
        request.id.expects_reply()
            && self.outbox.unsent_small() <= MAX_UNSENT_BRIEF
            && self.config.brief.binary_search(&request.opening.key).is_ok()
    }

    /// Whether the handlers that run are likely to bring more than may be unread: further ones that bring long replies
    /// wait for them, and no others.
    #[inline]
    pub(in super::super) fn holds_long_back(&self) -> bool {
        self.outbox.unsent_replies() + self.inbound.expected > MAX_UNSENT_REPLIES
    }

    /// Whether a call waits for those that run, because its reply is likely to be long as theirs are.
    pub(in super::super) fn waits_as_long(&self, request: &Request) -> bool {
        self.holds_long_back() && self.inbound.long.contains(&request.opening.key.name_hash())
    }

    /// Takes note that the handler of a call of the method whose name has this hash is likely to bring a reply of so
    /// many bytes.
    pub fn expect_reply(&mut self, id: CallId, name: u32, bytes: usize) {
        if !self.inbound.long.contains(&name) {
            if self.inbound.long.len() == MOST_LONG {
                self.inbound.long.pop_front();
            }
            self.inbound.long.push_back(name);
        }
        if let Some(call) = self.inbound.open.get_mut(&id) {
            let expected = &mut call.rare.get_or_insert_default().expected;
            self.inbound.expected += bytes - std::mem::replace(expected, bytes).min(bytes);
        }
    }

    /// Takes requests back that were given out as events and whose handlers were not started, if they are not to be
    /// for the time being. Keeps their order.
    #[inline]
    pub fn hold_back(&mut self, events: &mut VecDeque<Event>) {
        // No more is unread than unread and expected together.
        if self.holds_long_back() && !events.is_empty() {
            self.hold_events(events);
        }
    }

    #[cold]
    fn hold_events(&mut self, events: &mut VecDeque<Event>) {
        let all = self.holds_back();
        for event in std::mem::take(events).into_iter().rev() {
            match event {
                Event::Request(request) if self.waits_as_long(&request) => {
                    self.inbound.held.put_back(request, Line::Long);
                }
                Event::Request(request) if all && !self.may_pass_long(&request) => {
                    let line = Line::of(&request);
                    self.inbound.held.put_back(request, line);
                }
                event => events.push_front(event),
            }
        }
    }

    /// Takes events back that were given out and not acted on, and gives the queue of this side for them: they are the
    /// next to be given out.
    #[inline]
    pub fn put_back(&mut self, events: &mut VecDeque<Event>) {
        // There are seldom any, and to append none costs a hundred instructions.
        if !self.events.is_empty() {
            events.append(&mut self.events);
        }
        std::mem::swap(&mut self.events, events);
    }

    /// Starts calls that were held back, as far as they may start now.
    #[inline]
    pub(in super::super) fn release_held(&mut self) {
        if !self.inbound.held.is_empty() {
            self.release_some();
        }
    }

    #[cold]
    fn release_some(&mut self) {
        // Each is looked at again before it starts: more at once would be moved back and forth.
        for _ in 0..RELEASED_AT_ONCE {
            if self.holds_back() || !self.release_one() {
                break;
            }
        }
        // One by one: what it is likely to bring is known when it has started.
        if !self.holds_long_back() {
            self.release_long();
        }
    }

    fn release_long(&mut self) {
        if let Some(request) = self.inbound.held.take(Line::Long) {
            self.inbound.release_at = None;
            self.events.push_back(Event::Request(request));
        }
    }

    /// Starts the first of the held calls that the limits allow; those of handlers go ahead. Whether there was one.
    fn release_one(&mut self) -> bool {
        for line in [Line::Nested, Line::Outer] {
            let Some(first) = self.inbound.held.first(line) else { continue };
            if self.inbound.room(&self.config.limits, first) == Headroom::None {
                continue;
            }
            if let Some(request) = self.inbound.held.take(line) {
                self.events.push_back(Event::Request(request));
            }
            return true;
        }
        false
    }

    /// Whether calls wait for nothing but the replies that those which run are likely to bring.
    fn waits_for_expected(&self) -> bool {
        self.inbound.held.first(Line::Long).is_some()
            && self.outbox.unsent_replies() <= MAX_UNSENT_REPLIES
    }

    /// When a held call is to start although the replies that are expected are too long: they may take as long as the
    /// call that waits, or be shorter.
    #[inline]
    pub(in super::super) fn release_due(&self) -> Option<Instant> {
        if !self.waits_for_expected() {
            return None;
        }
        // Any time in the past will do: the present is to be told.
        Some(self.inbound.release_at.unwrap_or(self.created))
    }

    /// Starts a held call if it is time for that.
    pub(in super::super) fn release_late(&mut self, now: Instant) {
        if !self.waits_for_expected() {
            return;
        }
        match self.inbound.release_at {
            Some(due) if due > now => {}
            Some(_) => {
                // Those that run are taken for calls that wait for long: they count no more.
                self.inbound.forget_expected();
                self.release_long();
                self.inbound.release_at = now.checked_add(RELEASE_EVERY);
            }
            None => self.inbound.release_at = now.checked_add(RELEASE_EVERY),
        }
    }
}

/// Bytes of replies that the peer may leave unread before no further handlers are started.
const MAX_UNSENT_REPLIES: usize = 768 << 10;

/// Bytes of small frames that may wait to be written before calls with short replies wait as all others do.
const MAX_UNSENT_BRIEF: usize = 32 << 10;

/// Methods of one connection that are remembered for their long replies.
const MOST_LONG: usize = 64;

/// Held calls that are started at once.
const RELEASED_AT_ONCE: usize = 16;

/// How often a held call is started where only expected replies hold it.
const RELEASE_EVERY: Duration = Duration::from_millis(100);
