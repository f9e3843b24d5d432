//! Requests that are whole: whether their handlers start, wait, or never do (PROTOCOL §13).

use super::{
    Connection, ConnectionError, Event,
    event::Request,
    held::{Line, class_of},
    inbound::Headroom,
    shares::{Nesting, Share},
};
use crate::proto::{
    CallId, Code, Status,
    limits::{EARLY_CALLS, EARLY_MESSAGE, ONEWAY_OVERHEAD},
};

impl Connection {
    /// Starts a call, holds it back, or refuses it, by the limits that were announced.
    pub(super) fn admit(&mut self, request: Request, length: usize) -> Result<(), ConnectionError> {
        let id = request.id;
        let early = self.inbound.accepted() <= u64::from(EARLY_CALLS);
        let limits = &self.config.limits;
        let Some(class) = class_of(&request) else { return self.admit_oneway(request) };
        let (share, nesting) = (Share::new(class, length), Nesting::of(&request.opening));
        let partial = self.partials.request_bytes();
        if self.inbound.shares().overflow(limits, partial + share.length()) {
            return Err(ConnectionError::RequestWindow);
        }
        if !early && !self.inbound.shares().admit(limits, nesting, share) {
            if self.inbound.count_refused() > MAX_REFUSED {
                return Err(ConnectionError::TooManyCalls(limits.max_calls));
            }
            let message = format!(
                "more than the {} calls, {} streams or bytes of requests that this side accepts at once",
                limits.max_calls, limits.max_streams
            );
            self.refuse(id, Status::not_started(Code::ResourceExhausted, message));
            return self.check_unread();
        }
        let room = self.inbound.room(&self.config.limits, &request);
        self.inbound.admit(&request, share);
        self.start_or_hold(request, room);
        Ok(())
    }

    fn admit_oneway(&mut self, request: Request) -> Result<(), ConnectionError> {
        let cost = request.cost as usize;
        let window = self.config.limits.oneway_window as usize;
        // A handler of the peer's may go as far again; one alone, and early ones, may be longer.
        let most = 2 * window + EARLY_CALLS as usize * (EARLY_MESSAGE + ONEWAY_OVERHEAD);
        let most = most.max(self.config.limits.max_frame as usize + ONEWAY_OVERHEAD);
        if self.inbound.oneway_window() + cost > most {
            return Err(ConnectionError::OnewayWindow);
        }
        self.inbound.begin_oneway(cost);
        self.start_or_hold(request, Headroom::Some);
        Ok(())
    }

    /// Refuses a request that no handler is started for. One without a reply is not told: its sender has its credit
    /// back.
    pub(super) fn refuse_request(&mut self, id: CallId, length: usize, status: Status) {
        if id.expects_reply() {
            return self.refuse(id, status);
        }
        tracing::debug!(%status, "a one-way call is not started");
        self.inbound.owe_oneway(length + ONEWAY_OVERHEAD);
        self.give_credit_if_due();
    }

    fn start_or_hold(&mut self, request: Request, room: Headroom) {
        if self.waits_as_long(&request) {
            self.inbound.hold(request, Line::Long);
        } else if room == Headroom::Some && self.may_start(&request) {
            self.events.push_back(Event::Request(request));
        } else {
            let line = Line::of(&request);
            self.inbound.hold(request, line);
        }
    }

    fn may_start(&self, request: &Request) -> bool {
        match self.holds_back() {
            true => self.may_pass_long(request),
            false => self.inbound.lets_pass(request),
        }
    }

    /// Ends a connection whose peer has more refused than it reads: nothing else holds that up.
    pub(super) fn check_unread(&self) -> Result<(), ConnectionError> {
        match self.outbox.unsent_answers() > MAX_UNSENT_ANSWERS {
            true => Err(ConnectionError::WriteStalled),
            false => Ok(()),
        }
    }

    /// Ends a connection whose peer cancels calls that it never opened: each call may cross one cancel.
    pub(super) fn check_strays(&self) -> Result<(), ConnectionError> {
        match self.inbound.stray_cancels() > self.inbound.accepted() + MAX_STRAYS {
            true => Err(ConnectionError::Flood),
            false => Ok(()),
        }
    }
}

/// Calls above the announced limit that are refused one by one before the connection is closed.
const MAX_REFUSED: u32 = 1000;

/// Bytes of refusals that the peer may leave unread.
const MAX_UNSENT_ANSWERS: usize = 128 << 10;

/// Cancels of calls that are not open, beyond one for each call.
const MAX_STRAYS: u64 = 1000;
