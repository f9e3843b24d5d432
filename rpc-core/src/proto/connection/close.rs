//! The end of a connection: orderly by goaway and drain, or at once by a failure (PROTOCOL §12).
//!
//! Invariant: after a goaway every call of the receiver is known to have been accepted or not to have
//! been started; when the connection is gone every pending call ends, and says whether it may have run.

use super::{
    Connection, ConnectionError, Event, Stage,
    error::outcome as outcome_words,
    partial::Partials,
    slot::{Slot, SlotState},
};
use crate::proto::{
    Code, DecodeError, Execution, Side, Status,
    wire::{CloseCode, GoAway, Kind},
};

fn not_started(code: Code, reason: &str) -> Status {
    Status::not_started(code, format!("{reason}; {}", outcome_words(Execution::NotStarted)))
}

impl Connection {
    /// Starts no further call in either direction and tells the peer so; what runs is finished. The
    /// connection ends by itself when both sides are done.
    pub fn drain(&mut self, reason: &str) {
        if self.closing.local || self.closing.error.is_some() {
            return;
        }
        if !self.closing.greeted {
            // A dialer whose first calls are on their way is to learn that they were not started.
            self.greet();
        }
        self.closing.local = true;
        self.note_left(self.outbound.sent(), true);
        self.begin_draining();
        self.end_queued("connection is draining");
        self.end_unsent("connection is draining");
        self.goaway(CloseCode::Drain, reason.to_owned());
    }

    /// Ends the connection at once. The peer is told why where that makes sense.
    pub fn fail(&mut self, error: ConnectionError) {
        if self.closing.error.is_some() {
            return;
        }
        // Who does not speak the protocol has run nothing; nor was anything run of which no byte has left.
        let handed_over = if error.is_foreign() { 0 } else { self.handed_over() };
        self.note_left(handed_over, false);
        self.outbox.abandon();
        let dropped = self.transmit.abandon();
        self.outbox.sent(dropped);
        self.say_why(&error);
        self.lose_calls(handed_over, &error);
        self.streams.stop_sending(|_| true, &mut self.wakers);
        self.end_receiving();
        // Nobody is answered any more, and what the driver has not seen is not started.
        self.inbound.clear();
        self.partials = Partials::default();
        self.events.retain(|event| matches!(event, Event::Ready | Event::PeerDraining));
        self.wake_pings();
        self.events.push_back(Event::Closed(error.clone()));
        self.closing.error = Some(Box::new(error));
        self.closing.stage = Stage::Over;
    }

    /// The peer has closed its half of the transport.
    pub fn handle_eof(&mut self) {
        if self.cut(&ConnectionError::Lost) {
            return;
        }
        if self.closing.is_draining() && self.peer.is_some() && self.closing.error.is_none() {
            // An orderly end, whichever side began it: the peer may still read what its calls bring,
            // one-way handlers run on, but it answers none of ours.
            self.closing.stage = Stage::HalfClosed;
            let handed_over = self.handed_over();
            self.lose_calls(handed_over, &ConnectionError::Lost);
            self.stop_orphans();
            self.cut_short();
            self.probe_at_once();
        } else {
            self.fail(ConnectionError::Lost);
        }
    }

    /// Ends the calls of this side: the peer answers none any more. The first `handed_over` that were sent may have run.
    fn lose_calls(&mut self, handed_over: u64, error: &ConnectionError) {
        let may_have_run = self.outbound.owed(|slot| slot.ordinal.is_among(handed_over));
        for id in may_have_run {
            self.outbound.lose(id, error.status(Execution::MayHaveRun), &mut self.wakers);
        }
        let status = error.status(Execution::NotStarted);
        for id in self.outbound.owed(|_| true) {
            self.outbound.lose(id, status.clone(), &mut self.wakers);
        }
        self.outbound.end_queued(&status, |_, _| true, &mut self.wakers);
    }

    /// The peer sends no more: requests and uploads that are not whole never will be, and what waits for its credit
    /// waits for ever.
    fn cut_short(&mut self) {
        for id in self.inbound.ids() {
            if self.inbound.is_receiving(id) || self.receives_upload(id) {
                self.handle_cancel(id);
            }
        }
        self.wake_sending();
    }

    /// Ends the connection if it is draining and nothing is left to do. To be called when all that
    /// `fill` gave is written. Gives whether there is a last word to be written before it ends.
    pub fn end_if_drained(&mut self) -> bool {
        if !self.closing.is_draining() {
            return false;
        }
        let receiving = !self.closing.is_half_closed() && !self.inbound.is_empty();
        let idle = self.inbound.running() == 0
            && !receiving
            && self.outbound.shares().open() == 0
            && self.outbound.queues().is_empty();
        let ends = idle && (self.outbox.is_empty() || self.is_cut());
        if ends && self.may_leave() {
            self.fail(ConnectionError::Closed);
        }
        ends && !self.outbox.is_empty() && !self.is_cut()
    }

    pub(super) fn handle_goaway(&mut self, frame: GoAway) {
        if frame.code != CloseCode::Drain {
            self.note_left(frame.accepted, false);
            self.end_unaccepted(frame.accepted, frame.code.of_calls(), &frame.message);
            self.fail(ConnectionError::ByPeer(frame));
            return;
        }
        if !self.closing.remote {
            self.closing.remote = true;
            self.note_left(frame.accepted, true);
            self.begin_draining();
            let reason = match frame.message.as_str() {
                "" => "peer is draining".to_owned(),
                message => format!("peer is draining: {message}"),
            };
            self.end_queued(&reason);
            self.end_unaccepted(frame.accepted, Code::Unavailable, &reason);
            self.events.push_back(Event::PeerDraining);
        }
    }

    /// Ends the calls that were not sent.
    fn end_queued(&mut self, reason: &str) {
        let status = not_started(Code::Unavailable, reason);
        self.outbound.end_queued(&status, |_, _| true, &mut self.wakers);
        self.stop_orphans();
    }

    /// Ends the calls of which no frame has left and for which somebody waits.
    fn end_unsent(&mut self, reason: &str) {
        let awaited = |slot: &Slot| matches!(slot.state, SlotState::Sent(_));
        let unsent = |slot: &Slot| awaited(slot) && slot.ordinal.is_unsent();
        self.end_untold(unsent, &not_started(Code::Unavailable, reason));
    }

    /// Ends the calls that were sent after the first `accepted`: the peer passes them over.
    fn end_unaccepted(&mut self, accepted: u64, code: Code, reason: &str) {
        self.end_untold(|slot| !slot.ordinal.is_among(accepted), &not_started(code, reason));
        self.wake_waiting();
    }

    /// Ends calls of which the peer will not speak; takes back what of them waits to be sent.
    fn end_untold(&mut self, which: impl Fn(&Slot) -> bool, status: &Status) {
        for id in self.outbound.owed(which) {
            self.outbox.withdraw(Kind::Request, id);
            self.outbox.withdraw_items(id);
            self.outbound.lose(id, status.clone(), &mut self.wakers);
        }
        self.stop_orphans();
    }

    /// From here on it takes no more calls: to be called before those end that are not started. The first `accepted` that
    /// were sent go on, or end and may have run.
    fn note_left(&mut self, accepted: u64, go_on: bool) {
        if self.closing.stage == Stage::Open && self.outbound.left().is_empty() {
            self.outbound.note_left(&self.outbox, accepted, go_on);
        }
    }

    fn begin_draining(&mut self) {
        if self.closing.stage == Stage::Open {
            self.closing.stage = Stage::Draining;
        }
    }

    /// Stops the uploads of calls that have ended, of which the peer knows nothing.
    pub(super) fn stop_orphans(&mut self) {
        let Self { outbound, streams, wakers, .. } = self;
        streams.stop_sending(|stream| stream.mine && !outbound.is_awaited(stream.call), wakers);
    }

    fn goaway(&mut self, code: CloseCode, message: String) {
        let frame = GoAway { code, accepted: self.inbound.accepted(), message };
        self.outbox.goaway(&frame);
    }

    fn say_why(&mut self, error: &ConnectionError) {
        let unknown = ConnectionError::Decode(DecodeError::Preface);
        if self.side == Side::Dialer
            && (*error == unknown || matches!(error, ConnectionError::Foreign(_)))
        {
            // What this side would say means nothing there.
            return;
        }
        let Some(code) = error.close_code() else { return };
        if !self.closing.greeted {
            self.greet();
        }
        self.goaway(code, error.for_peer());
    }
}
