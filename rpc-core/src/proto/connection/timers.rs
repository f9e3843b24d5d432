//! What happens when nothing else does: deadlines, handshake, keep-alive, stalled writes and messages.
//!
//! Deadlines are found by a scan over the open calls, at most once for each earliest deadline: a call
//! that ends in time costs nothing here, and the tables are bounded by the limits of calls.
//!
//! **Whoever drives the machine reads before it lets time pass: what has come in time is not to be judged late.**

use std::time::{Duration, Instant};

use super::{Connection, ConnectionError, Event, inbound::Halted, outbound::earlier};
use crate::proto::{Code, Decoder, Execution, Status};

#[derive(Debug)]
pub(super) struct Timers {
    /// When bytes last came.
    pub(super) received: Instant,
    /// When a peer of whom replies are awaited is pinged at the earliest. Kept, because each call asks for it; `None` if
    /// no peer is pinged.
    quiet_until: Option<Instant>,
    /// When the handshake began: the thread may have been busy since the transport was opened.
    handshake: Option<Instant>,
    /// Since when the transport takes no bytes.
    pub(super) write_blocked: Option<Instant>,
    /// When the unanswered keep-alive ping was sent.
    pinged: Option<Instant>,
    /// A frame or message that has begun and is not whole.
    begun: Option<Begun>,
    /// What is left of the frames that bring nothing, in frames, and when that was last made up.
    patience: u32,
    made_up: Instant,
}

/// How a frame or message that is not whole comes on.
#[derive(Clone, Copy, Debug)]
struct Begun {
    /// Since when its bytes are counted.
    since: Instant,
    bytes: usize,
}

impl Timers {
    pub(super) fn new(now: Instant, keepalive: Option<Duration>) -> Self {
        Self {
            received: now,
            quiet_until: keepalive.and_then(|interval| now.checked_add(interval)),
            handshake: None,
            write_blocked: None,
            pinged: None,
            begun: None,
            patience: MOST_IDLE,
            made_up: now,
        }
    }

    /// Bytes have come.
    fn note_life(&mut self, now: Instant, keepalive: Option<Duration>) {
        self.received = now;
        self.quiet_until = keepalive.and_then(|interval| now.checked_add(interval));
    }

    /// The handshake is over.
    pub(super) const fn note_hello(&mut self) {
        self.handshake = None;
    }

    /// There is another transport: nothing has been waited for on it.
    pub(super) fn begin_anew(&mut self, now: Instant, keepalive: Option<Duration>) {
        self.note_life(now, keepalive);
        (self.pinged, self.write_blocked) = (None, None);
        if let Some(begun) = &mut self.begun {
            *begun = Begun { since: now, bytes: 0 };
        }
    }
}

/// How long a frame or message that has begun may take for each [`LEAST_PROGRESS`] bytes.
const PROGRESS_TIME: Duration = Duration::from_secs(30);

/// A kibibyte a second.
const LEAST_PROGRESS: usize = 30 << 10;

/// Frames that bring nothing which may come at once; more are allowed by time, and by what else comes.
const MOST_IDLE: u32 = 10_000;
const IDLE_PER_SECOND: u32 = 100;
const BYTES_PER_IDLE: usize = 256;

/// How long a side that only answers and has lost its peer's half of the transport waits before it looks again.
const FIRST_PROBE: Duration = Duration::from_millis(500);

impl Connection {
    /// The handshake began before this machine was made. Otherwise it begins when time first passes.
    pub const fn begin_handshake(&mut self, began: Instant) {
        self.timers.handshake = Some(began);
    }

    /// When [`Self::handle_timeout`] is to be called, if nothing else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.closing.error.is_some() {
            return None;
        }
        let calls = earlier(self.inbound.next_deadline(), self.outbound.next_deadline());
        // Queued calls start at once: any time in the past will do.
        let promote = self.outbound.wants_promotion().then_some(self.created);
        if self.is_cut() {
            // Without a transport nobody can be late but who is to bring another.
            return [self.session_due(), self.release_due(), promote]
                .into_iter()
                .fold(calls, earlier);
        }
        // Asked for several times in each turn, and most of them are none: one by one they cost less than a list of them.
        let mut due = earlier(calls, promote);
        due = earlier(due, self.session_due());
        due = earlier(due, self.handshake_due());
        due = earlier(due, self.stall_due());
        due = earlier(due, self.keepalive_due());
        due = earlier(due, self.progress_due());
        due = earlier(due, self.idle_due());
        due = earlier(due, self.patience_due());
        earlier(due, self.release_due())
    }

    /// Does what is due at `now`. To be called when nothing is left to be read.
    pub fn handle_timeout(&mut self, now: Instant) {
        let past = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if self.closing.error.is_some() {
            return;
        }
        if past(self.session_due()) {
            self.tend_session(now);
        }
        if !self.is_cut() {
            self.judge_peer(now);
        }
        if self.closing.error.is_some() {
            return;
        }
        if past(self.inbound.next_deadline()) {
            self.expire_inbound(now);
        }
        if past(self.outbound.next_deadline()) {
            self.expire_outbound(now);
        }
        self.outbound.note_time(now);
        if past(self.patience_due()) {
            self.lose_patience(now);
        }
        if past(self.release_due()) {
            self.release_late(now);
        }
        if self.outbound.wants_promotion() {
            self.promote(now);
        }
    }

    /// Ends the connection whose peer does not do its part in time; drains it if nothing happens.
    fn judge_peer(&mut self, now: Instant) {
        let past = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if self.peer.is_none() && self.timers.handshake.is_none() {
            self.timers.handshake = Some(now);
        }
        if past(self.handshake_due()) {
            return self.fail(ConnectionError::HandshakeTimeout);
        }
        if past(self.stall_due()) {
            return self.lose(ConnectionError::WriteStalled);
        }
        if past(self.progress_due()) && !self.goes_on(now) {
            return self.fail(ConnectionError::Stalled);
        }
        if past(self.keepalive_due()) {
            if self.unanswered_since().is_some() && !self.closing.is_half_closed() {
                return self.lose(ConnectionError::KeepaliveTimeout);
            }
            self.timers.pinged = Some(now);
            self.ping();
        }
        if past(self.idle_due()) {
            self.drain("idle for too long");
        }
    }

    /// What is due, by name.
    #[cfg(test)]
    pub(super) fn due(&self) -> Vec<(&'static str, Instant)> {
        let all = [
            ("inbound", self.inbound.next_deadline()),
            ("outbound", self.outbound.next_deadline()),
            ("handshake", self.handshake_due()),
            ("stall", self.stall_due()),
            ("keepalive", self.keepalive_due()),
            ("progress", self.progress_due()),
            ("idle", self.idle_due()),
            ("patience", self.patience_due()),
            ("release", self.release_due()),
            ("session", self.session_due()),
            ("promote", self.outbound.wants_promotion().then_some(self.created)),
        ];
        all.into_iter().filter_map(|(name, due)| Some((name, due?))).collect()
    }

    /// When the handshake takes too long. It begins when this is first asked for the present.
    #[inline]
    fn handshake_due(&self) -> Option<Instant> {
        match (&self.peer, self.timers.handshake) {
            (Some(_), _) => None,
            (None, None) => Some(self.created),
            (None, Some(began)) => began.checked_add(self.config.handshake_timeout),
        }
    }

    /// When writing has made no progress for too long: the transport takes nothing, and the peer tells of nothing
    /// that it has read.
    #[inline]
    fn stall_due(&self) -> Option<Instant> {
        let since = self
            .timers
            .write_blocked
            .or_else(|| self.outbox.stalled_since().filter(|_| self.is_held_up()))
            .or_else(|| self.session.as_ref()?.full_since)?;
        let told = self.pings.told().map_or(since, |told| told.max(since));
        told.checked_add(self.config.write_timeout)
    }

    /// Whether a peer of whom replies are awaited from now on is pinged no earlier than at `time`.
    #[must_use]
    #[inline]
    pub fn pings_after(&self, time: Instant) -> bool {
        self.timers.quiet_until.is_none_or(|quiet_until| time <= quiet_until)
    }

    /// When the peer is next to be pinged, or to be given up.
    #[inline]
    fn keepalive_due(&self) -> Option<Instant> {
        let interval = self.config.keepalive?;
        if self.peer.is_none() || !(self.has_calls() || self.waits_to_leave()) {
            return None;
        }
        if self.closing.is_half_closed() {
            // Nothing will come; a write tells whether there is anybody.
            return self.timers.pinged?.checked_add(interval.min(FIRST_PROBE));
        }
        self.unanswered_since().unwrap_or(self.timers.received).checked_add(interval)
    }

    /// The peer has closed its half of the transport and may have closed all of it: writes are to find that out.
    pub(super) fn probe_at_once(&mut self) {
        if self.config.keepalive.is_some() && self.has_calls() {
            self.timers.pinged = Some(self.timers.received);
            self.ping();
        }
    }

    /// When the keep-alive ping was sent, if no byte has come since.
    fn unanswered_since(&self) -> Option<Instant> {
        self.timers.pinged.filter(|&sent| self.pings.unanswered() && sent >= self.timers.received)
    }

    /// When a connection without calls is drained.
    #[inline]
    fn idle_due(&self) -> Option<Instant> {
        let idle = self.config.idle_timeout?;
        if self.has_calls() || self.outbound.len() > 0 || !self.closing.is_open() {
            return None;
        }
        self.timers.received.checked_add(idle)
    }

    /// Takes note of bytes that came.
    pub(super) fn note_input(&mut self, now: Instant, bytes: usize) {
        self.timers.note_life(now, self.config.keepalive);
        if let Some(session) = &mut self.session {
            session.receive(bytes);
        }
        if self.peer.is_none() {
            self.timers.handshake.get_or_insert(now);
        }
        if self.timers.patience < MOST_IDLE {
            let seconds = now.saturating_duration_since(self.timers.made_up).as_secs();
            let by_time =
                u32::try_from(seconds).unwrap_or(u32::MAX).saturating_mul(IDLE_PER_SECOND);
            if seconds > 0 {
                self.timers.made_up = now;
            }
            let more = by_time.saturating_add((bytes / BYTES_PER_IDLE) as u32);
            self.timers.patience = self.timers.patience.saturating_add(more).min(MOST_IDLE);
        }
    }

    /// Takes note of whether a frame or message is begun and not whole.
    pub(super) fn note_begun(&mut self, now: Instant, bytes: usize, decoder: &Decoder) {
        let begun = !decoder.is_between_frames() || !self.partials.is_empty();
        match &mut self.timers.begun {
            begun_at if !begun => *begun_at = None,
            Some(begun) => begun.bytes += bytes,
            none => *none = Some(Begun { since: now, bytes: 0 }),
        }
    }

    /// When what has begun must have come on.
    #[inline]
    fn progress_due(&self) -> Option<Instant> {
        self.timers.begun?.since.checked_add(PROGRESS_TIME)
    }

    /// Whether what has begun has come on; counts anew.
    fn goes_on(&mut self, now: Instant) -> bool {
        let Some(begun) = &mut self.timers.begun else { return true };
        let goes_on = begun.bytes >= LEAST_PROGRESS;
        *begun = Begun { since: now, bytes: 0 };
        goes_on
    }

    /// Charges the peer for a frame that brings nothing.
    pub(super) fn charge(&mut self) -> Result<(), ConnectionError> {
        self.timers.patience = self.timers.patience.checked_sub(1).ok_or(ConnectionError::Flood)?;
        Ok(())
    }

    fn expire_inbound(&mut self, now: Instant) {
        for (id, halted) in self.inbound.expire(now) {
            if halted == Halted::Running {
                self.events.push_back(Event::Expired(id));
                continue;
            }
            let message = "the deadline passed before the handler was started";
            self.refuse(id, Status::not_started(Code::DeadlineExceeded, message));
        }
    }

    fn expire_outbound(&mut self, now: Instant) {
        let limits = self.peer.as_ref().map(|hello| &hello.limits);
        let sent = self.outbound.expire(now, limits, &mut self.wakers);
        self.stop_orphans();
        for (id, execution) in sent {
            let peer = self.stop(id);
            let message = "the deadline passed before the reply came";
            let status = match execution {
                Execution::NotStarted => Status::not_started(Code::DeadlineExceeded, message),
                Execution::MayHaveRun => Status::new(Code::DeadlineExceeded, message),
            };
            self.outbound.settle(id, status, peer, &mut self.wakers);
        }
    }
}
