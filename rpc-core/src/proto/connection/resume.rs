//! The session of a connection, if it has one: cuts of its transport, and how it goes on over the next (PROTOCOL §25).

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{
    Connection, ConnectionError, Transmit,
    session::{Keep, Leave, Session},
};
use crate::proto::{
    LoadReports, SessionEntry, SessionId, Side, encode_preface,
    encoder::PREFACE_LEN,
    wire::{Extra, Features, HEAD_LEN, Hello},
};

impl Connection {
    /// Has an acceptor offer a session in its hello, to a peer that can resume. To be called before anything has come.
    pub fn offer_session(&mut self, keep: Keep, entry: SessionEntry) {
        self.session = Some(Box::new(Session::new(keep, Some(entry))));
    }

    /// Has an acceptor say in its hello why the session that the peer named does not go on.
    pub fn refuse_session(&mut self, why: String) {
        let keep = Keep { journal: 0, window: Duration::ZERO };
        let mut refusing = Session::new(keep, None);
        refusing.refusal = Some(why);
        self.session = Some(Box::new(refusing));
    }

    /// The session that this connection is, once that is agreed: its name and, in the place of a proof, its secret.
    #[must_use]
    pub fn session(&self) -> Option<&SessionEntry> {
        let session = self.session.as_ref().filter(|_| self.peer.is_some())?;
        session.entry.as_ref()
    }

    /// How many bytes have been received behind the peer's hello. It stays as it is while the transport is cut.
    #[must_use]
    pub fn session_received(&self) -> u64 {
        self.session.as_ref().map_or(0, |session| session.received())
    }

    /// How many bytes are kept until the peer says that they have arrived.
    #[must_use]
    pub fn session_kept(&self) -> usize {
        self.session.as_ref().map_or(0, |session| session.journal.held())
    }

    /// Whether the connection has no transport and waits for another.
    #[must_use]
    #[inline]
    pub fn is_cut(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_cut())
    }

    /// Why the last transport was lost, if there is no other yet.
    #[must_use]
    pub fn cut_by(&self) -> Option<&ConnectionError> {
        match &self.session.as_ref()?.line {
            super::session::Line::Cut { why, .. } => Some(why),
            super::session::Line::Linked => None,
        }
    }

    /// The transport is lost. The connection waits for another if it is a session, and ends if not.
    pub fn lose(&mut self, error: ConnectionError) {
        if !self.cut(&error) {
            self.fail(error);
        }
    }

    /// Whether the connection goes on without the transport that it had.
    pub(super) fn cut(&mut self, error: &ConnectionError) -> bool {
        if self.closing.error.is_some() || self.peer.is_none() {
            return false;
        }
        self.session.as_mut().is_some_and(|session| session.cut(error.clone()))
    }

    /// Whether all that a peer lacks which has received so many bytes is kept. While somebody has what
    /// [`Self::take_unwritten`] gave, it may have received more than is known.
    #[must_use]
    pub fn can_resume(&self, received: u64) -> bool {
        let session = self.session.as_ref().filter(|_| self.peer.is_some());
        let goes_on = |session: &Session| {
            session.leave == Leave::Unsaid && session.entry.is_some() && session.keeps(received)
        };
        self.closing.error.is_none() && session.is_some_and(|session| goes_on(session))
    }

    /// Goes on over another transport, whose peer has received so many bytes; `greeting` is written first. Nobody is to
    /// have what [`Self::take_unwritten`] gave, and no byte of the former transport is to be fed any more.
    ///
    /// # Errors
    /// The connection is over, or the peer lacks what is not kept any more.
    pub fn resume(
        &mut self,
        now: Instant,
        received: u64,
        greeting: Bytes,
    ) -> Result<(), ConnectionError> {
        let kept = self.can_resume(received)
            && self.session.as_mut().is_some_and(|session| session.resume(received, greeting));
        if !kept {
            let why = "the other side lacks bytes that this side does not have any more";
            return Err(ConnectionError::NotResumed(why.to_owned()));
        }
        self.timers.begin_anew(now, self.config.keepalive);
        self.wake_waiting();
        Ok(())
    }

    /// Preface and hello by which this side goes on over another transport, with this proof.
    #[must_use]
    pub fn resuming_greeting(&self, id: SessionId, proof: [u8; 32]) -> Vec<u8> {
        let received = self.session_received();
        let mut greeting = Vec::new();
        encode_preface(&mut greeting);
        let mut hello = self.own_hello();
        hello.features = hello.features.with(Features::RESUMPTION);
        hello.session = Some(SessionEntry { id, proof, received });
        hello.encode(&mut greeting);
        greeting
    }

    /// Preface and hello by which this side says over another transport why it does not go on.
    #[must_use]
    pub fn refusing_greeting(&self, why: &str) -> Vec<u8> {
        let mut greeting = Vec::new();
        encode_preface(&mut greeting);
        let refused = Some(why.to_owned());
        let (features, session) = (Features::NONE, None);
        Hello { features, session, refused, ..self.own_hello() }.encode(&mut greeting);
        greeting
    }

    /// This side's hello.
    pub(super) fn own_hello(&self) -> Hello {
        let session = self.session.as_ref();
        let entry = session.and_then(|session| session.entry.filter(|_| self.is_acceptor()));
        let refused = session.and_then(|session| session.refusal.clone());
        let resumes = session.is_some() && refused.is_none();
        let load = match self.config.load {
            LoadReports::Off => Features::NONE,
            LoadReports::Read | LoadReports::Tell => Features::LOAD,
        };
        Hello {
            limits: self.config.limits,
            name: self.config.name.clone(),
            features: load.with(if resumes { Features::RESUMPTION } else { Features::NONE }),
            token: self.config.token.clone(),
            session: entry,
            refused,
            memory: self.config.memory,
        }
    }

    const fn is_acceptor(&self) -> bool {
        matches!(self.side, Side::Acceptor)
    }

    /// The peer's hello has come: says whether there is a session.
    pub(super) fn settle_session(&mut self, hello: &Hello, payload: usize) {
        let offered = hello.session.filter(|_| !self.is_acceptor());
        let Some(session) = &mut self.session else { return };
        session.entry = session.entry.or(offered);
        if hello.features.contains(Features::RESUMPTION) && session.entry.is_some() {
            session.begin(PREFACE_LEN + HEAD_LEN + payload);
        } else if session.refusal.is_none() {
            self.session = None;
        }
    }

    /// Both sides have said hello.
    pub(super) fn note_greeted(&mut self) {
        self.session.take_if(|session| session.refusal.is_some());
    }

    pub(super) fn handle_extra(&mut self, extra: Extra) -> Result<(), ConnectionError> {
        if let Extra::Load(load) = extra {
            return self.handle_load(load);
        }
        let worth = match (&mut self.session, extra) {
            (Some(session), Extra::Acknowledgement(place)) => {
                session.handle_acknowledgement(place).ok_or(ConnectionError::Acknowledged)?
            }
            (Some(session), Extra::Leave) => {
                session.leave = Leave::Heard;
                true
            }
            _ => false,
        };
        // Streams may have waited for that.
        self.wake_waiting();
        if worth { Ok(()) } else { self.charge() }
    }

    /// Whether nothing of the outbox may leave at present: there is no transport, or the journal is full.
    pub(super) fn is_dammed(&self) -> bool {
        let Some(session) = &self.session else { return false };
        session.is_cut() || (session.full_since.is_some() && self.closing.error.is_none())
    }

    /// The same, after another look at the journal: for who would send.
    pub(super) fn look_at_journal(&mut self, now: impl Fn() -> Instant) -> bool {
        let Some(session) = &mut self.session else { return false };
        if session.is_cut() {
            return true;
        }
        let full = session.is_full(self.transmit.len()) && self.closing.error.is_none();
        match full {
            true => _ = session.full_since.get_or_insert_with(now),
            false => session.full_since = None,
        }
        full
    }

    /// When something is to be done for the session.
    #[inline]
    pub(super) fn session_due(&self) -> Option<Instant> {
        let session = self.session.as_ref()?;
        let told =
            session.acknowledgement_due(self.timers.received).filter(|_| self.peer.is_some());
        told.or_else(|| session.over_due(self.created))
    }

    /// Does what is due: tells the peer what has come, or gives the session up.
    pub(super) fn tend_session(&mut self, now: Instant) {
        let Some(session) = &mut self.session else { return };
        session.tell_at_once();
        if let Some(error) = session.handle_timeout(now) {
            self.fail(error);
        }
    }

    /// While the connection ends, the peer hears at once of what has come: it waits for that.
    pub(super) fn hasten_acknowledgement(&mut self) {
        if let Some(session) = &mut self.session
            && self.closing.is_draining()
        {
            session.tell_at_once();
        }
    }

    /// Tells the peer what has come, if it is to be told. The frame goes ahead of what is dammed.
    pub(super) fn write_acknowledgement(&mut self) {
        let Some(session) = &mut self.session else { return };
        if session.owes_acknowledgement() && self.peer.is_some() && self.closing.greeted {
            let last = !self.transmit.has_chunks() && self.outbox.holds_nothing();
            let frame = session.acknowledge(self.transmit.len(), last);
            self.outbox.note_appended(frame.len());
            self.transmit.append_small(&frame);
        }
    }

    /// Whether there is a frame for [`Self::write_acknowledgement`] to write.
    pub(super) fn owes_acknowledgement(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.owes_acknowledgement())
    }

    /// Whether a connection on which nothing is left to be done may end: not before its session has ended in good order.
    pub(super) fn may_leave(&mut self) -> bool {
        let Some(session) = &mut self.session else { return true };
        match session.leave {
            Leave::Said | Leave::Heard => true,
            // What is lost now is lost: nobody waits for it.
            Leave::Unsaid if session.is_cut() => self.closing.local,
            Leave::Unsaid if session.is_acknowledged() => {
                session.leave = Leave::Said;
                self.outbox.append(|out| Extra::Leave.encode(out));
                false
            }
            Leave::Unsaid => false,
        }
    }

    /// Whether a connection that is to end waits for the peer to say what it has received.
    pub(super) fn waits_to_leave(&self) -> bool {
        let waits = |session: &Session| {
            session.leave == Leave::Unsaid
                && self.closing.is_draining()
                && !session.is_acknowledged()
        };
        self.session.as_ref().is_some_and(|session| waits(session))
    }

    /// Takes note that the first `count` bytes of `transmit` are written. Gives how many of them are written for the
    /// first time.
    pub fn advance(&mut self, transmit: &mut Transmit, count: usize) -> usize {
        if let Some(session) = &mut self.session {
            if transmit.advance_replay(count) {
                return 0;
            }
            transmit.record(count, &mut session.journal);
        }
        transmit.advance(count);
        count
    }

    /// Moves what is written ahead of all else to the front of what is to be written.
    pub(super) fn lend_replay(&mut self, transmit: &mut Transmit) {
        if let Some(session) = &mut self.session
            && session.has_replay()
        {
            transmit.replay = Some(Box::new(session.take_replay()));
        }
    }

    /// Takes it back.
    pub(super) fn reclaim_replay(&mut self, transmit: &mut Transmit) {
        if let Some(session) = &mut self.session
            && let Some(replay) = transmit.replay.take()
        {
            session.put_back(*replay);
        }
    }

    pub(super) fn has_replay(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.has_replay())
    }
}
