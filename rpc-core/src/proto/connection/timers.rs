//! What happens when nothing else does: deadlines, handshake, keep-alive, stalled writes.
//!
//! Deadlines are found by a scan over the open calls, at most once for each earliest deadline: a call
//! that ends in time costs nothing here, and the tables are bounded by `max_calls`.

use std::time::Instant;

use super::{
    Connection, ConnectionError, Event,
    inbound::Progress,
    outbound::{SlotState, UNSENT, earlier},
};
use crate::proto::{CallId, Code, Status};

#[derive(Debug)]
pub(super) struct Timers {
    /// When bytes last came.
    pub(super) received: Instant,
    /// Since when the transport takes no bytes.
    pub(super) write_blocked: Option<Instant>,
    /// When the unanswered keep-alive ping was sent.
    pinged: Option<Instant>,
}

impl Timers {
    pub(super) const fn new(now: Instant) -> Self {
        Self { received: now, write_blocked: None, pinged: None }
    }
}

impl Connection {
    /// When [`Self::handle_timeout`] is to be called, if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.closing.error.is_some() {
            return None;
        }
        let calls = earlier(self.inbound.next_deadline, self.outbound.next_deadline);
        let handshake = match self.peer {
            None => self.created.checked_add(self.config.handshake_timeout),
            Some(_) => None,
        };
        // Queued calls start at once: any time in the past will do.
        let promote = self.outbound.share_freed.then_some(self.created);
        [handshake, self.stall_due(), self.keepalive_due(), promote]
            .into_iter()
            .fold(calls, earlier)
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        let past = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if self.closing.error.is_some() {
            return;
        }
        if self.peer.is_none() && past(self.created.checked_add(self.config.handshake_timeout)) {
            return self.fail(ConnectionError::HandshakeTimeout);
        }
        if past(self.stall_due()) {
            return self.fail(ConnectionError::WriteStalled);
        }
        if past(self.keepalive_due()) {
            if self.unanswered_since().is_some() {
                return self.fail(ConnectionError::KeepaliveTimeout);
            }
            self.timers.pinged = Some(now);
            self.ping();
        }
        if past(self.inbound.next_deadline) {
            self.expire_inbound(now);
        }
        if past(self.outbound.next_deadline) {
            self.expire_outbound(now);
        }
        if self.outbound.share_freed {
            self.promote(now);
        }
    }

    /// When writing has made no progress for too long.
    fn stall_due(&self) -> Option<Instant> {
        let unread = || self.outbox.stalled_since().filter(|_| self.wants_read());
        let since = self.timers.write_blocked.or_else(unread)?;
        since.checked_add(self.config.write_timeout)
    }

    /// Whether a peer of whom replies are awaited from now on is pinged no earlier than at `time`.
    #[must_use]
    pub fn pings_after(&self, time: Instant) -> bool {
        match self.config.keepalive {
            Some(interval) => time.saturating_duration_since(self.timers.received) <= interval,
            None => true,
        }
    }

    /// When the peer is next to be pinged, or to be given up.
    fn keepalive_due(&self) -> Option<Instant> {
        let interval = self.config.keepalive?;
        if self.outbound.in_flight == 0 || self.peer.is_none() {
            return None;
        }
        self.unanswered_since().unwrap_or(self.timers.received).checked_add(interval)
    }

    /// When the keep-alive ping was sent, if no byte has come since.
    fn unanswered_since(&self) -> Option<Instant> {
        self.timers.pinged.filter(|&sent| self.pings.unanswered() && sent >= self.timers.received)
    }

    fn expire_inbound(&mut self, now: Instant) {
        let mut next = None;
        let mut held = Vec::new();
        for (&id, call) in &mut self.inbound.open {
            match call.deadline {
                Some(deadline) if deadline <= now => {
                    call.deadline = None;
                    if call.progress != Progress::Running {
                        continue;
                    }
                    call.progress = Progress::Ending;
                    if self.inbound.held.iter().any(|request| request.id == id) {
                        held.push(id);
                    } else {
                        self.events.push_back(Event::Expired(id));
                    }
                }
                deadline => next = earlier(next, deadline),
            }
        }
        self.inbound.next_deadline = next;
        for id in held {
            self.inbound.held.retain(|request| request.id != id);
            let message = "the deadline passed before the handler was started";
            self.refuse(id, Status::not_started(Code::DeadlineExceeded, message));
        }
    }

    fn expire_outbound(&mut self, now: Instant) {
        let mut next = None;
        let mut sent = Vec::new();
        for (index, slot) in &mut self.outbound.slots {
            match slot.deadline() {
                Some(deadline) if deadline <= now => match slot.state {
                    SlotState::Queued(_) => {
                        let message = "the deadline passed before the call was sent";
                        let status = Status::not_started(Code::DeadlineExceeded, message);
                        slot.settle(status, false, &mut self.wakes);
                    }
                    SlotState::Sent(_) => sent.push((index, slot.ordinal)),
                    _ => slot.clear_deadline(),
                },
                deadline => next = earlier(next, deadline),
            }
        }
        self.outbound.next_deadline = next;
        self.outbound.prune_queue();
        self.stop_orphans();
        for (index, ordinal) in sent {
            let known = self.stop(CallId(index as u32));
            let Some(slot) = self.outbound.slots.get_mut(index) else { continue };
            let message = "the deadline passed before the reply came";
            let status = if ordinal == UNSENT {
                Status::not_started(Code::DeadlineExceeded, message)
            } else {
                Status::new(Code::DeadlineExceeded, message)
            };
            slot.settle(status, known, &mut self.wakes);
        }
    }
}
