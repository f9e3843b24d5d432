//! A session: what lets a connection go on over another transport when its own is cut (PROTOCOL §25). Both sides count the
//! bytes behind their hellos; what the peer has not said to have received stays in a journal.
//!
//! ```text
//! Asked ──the acceptor offers one──▶ Linked ──cut──▶ Cut ──resume──▶ Linked ──leave, goaway──▶ (over)
//!   └─────none──▶ (no session)                        └── too late ─────────────────────────────▲
//! ```
//!
//! Nothing here knows what the bytes mean, but for the length of an acknowledgement.

mod journal;

use std::{
    collections::VecDeque,
    mem::take,
    time::{Duration, Instant},
};

use bytes::{Buf as _, Bytes};

use super::ConnectionError;
use crate::proto::{
    SessionEntry,
    wire::{ACKNOWLEDGEMENT_LEN, Extra},
};
pub(super) use journal::Journal;

/// How a connection keeps itself for another transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Bytes that may be under way and unacknowledged; what is to follow them waits.
    pub journal: usize,
    /// How long the connection may be without a transport.
    pub window: Duration,
}

/// Bytes that are received before the peer is told.
const UNTOLD: u64 = 64 << 10;

/// How long the line is quiet when the peer is told of fewer.
const QUIET: Duration = Duration::from_millis(250);

/// Bytes of what is sent once more that leave in one write. WebSocket makes a message of them, and TLS a record: these arrive
/// as a whole or not at all, and long ones never would over lines that are cut often.
const PIECE: usize = 4 << 10;

/// Bytes that are kept, once a line was cut, before streams wait with further items: what is small and comes later stands behind
/// all of them, over one line after the other. Twice what the peer receives before it says so.
const LEAST_AHEAD: usize = 2 * UNTOLD as usize;

/// Acknowledgements of fewer bytes are hardly worth their frames.
const LEAST_ACKNOWLEDGED: usize = 1 << 10;

/// The session of one connection.
#[derive(Debug)]
pub(super) struct Session {
    keep: Keep,
    /// What names it; nothing until the acceptor has offered it.
    pub(super) entry: Option<SessionEntry>,
    pub(super) journal: Journal,
    received: Received,
    pub(super) line: Line,
    /// What is written ahead of all else, and is in the journal already, unless it is a hello.
    replay: Replay,
    /// The last bytes of the journal that only acknowledge: from, to.
    trailing: (u64, u64),
    /// Since when nothing more may be sent before the peer says what it has received.
    pub(super) full_since: Option<Instant>,
    /// How many bytes may be kept before streams wait with further items, on a line that was cut and has not carried as
    /// many since as the journal holds.
    ahead: Option<usize>,
    /// Whether the peer has received anything over the present transport.
    progress: Progress,
    pub(super) leave: Leave,
    /// Why the session that the peer named does not go on: there is none then once this is said.
    pub(super) refusal: Option<String>,
}

/// Bytes that are written ahead of all else.
#[derive(Debug, Default)]
pub(super) struct Replay(VecDeque<Bytes>);

impl Replay {
    /// What is to leave in one write, in at most so many slices.
    pub(super) fn piece(&self, slices: usize) -> impl Iterator<Item = &[u8]> {
        self.0.iter().take(slices).scan(PIECE, |room, bytes| {
            let slice = &bytes[..bytes.len().min(*room)];
            *room -= slice.len();
            (!slice.is_empty()).then_some(slice)
        })
    }

    /// Takes note that the first `count` bytes are written; whether that is all.
    pub(super) fn advance(&mut self, mut count: usize) -> bool {
        while let Some(first) = self.0.front_mut().filter(|_| count > 0) {
            let written = count.min(first.len());
            first.advance(written);
            count -= written;
            if first.is_empty() {
                self.0.pop_front();
            }
        }
        self.0.is_empty()
    }
}

/// What has been received, in bytes.
#[derive(Debug, Default)]
struct Received {
    /// Behind the peer's hello; before that has come, all.
    count: u64,
    /// Of these, what the peer was told of.
    told: u64,
    /// Of what it was not told of, so many only acknowledge.
    acknowledgements: u64,
    /// Whether it is to be told at once.
    urgent: bool,
}

/// Whether there is a transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Linked,
    /// It was lost for this reason. The time counts from when time next passes.
    Cut {
        since: Option<Instant>,
        why: ConnectionError,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    None,
    Some,
}

/// How far the end of a session is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Leave {
    /// It goes on.
    #[default]
    Unsaid,
    /// This side has said that it leaves.
    Said,
    /// The peer has.
    Heard,
}

impl Session {
    pub(super) fn new(keep: Keep, entry: Option<SessionEntry>) -> Self {
        Self {
            keep,
            entry,
            journal: Journal::default(),
            received: Received::default(),
            line: Line::Linked,
            replay: Replay::default(),
            trailing: (0, 0),
            full_since: None,
            ahead: None,
            progress: Progress::Some,
            leave: Leave::Unsaid,
            refusal: None,
        }
    }

    pub(super) const fn is_cut(&self) -> bool {
        matches!(self.line, Line::Cut { .. })
    }

    /// Takes note of bytes that came.
    pub(super) const fn receive(&mut self, bytes: usize) {
        self.received.count += bytes as u64;
    }

    /// The peer's hello has come: what it and the preface take does not count.
    pub(super) const fn begin(&mut self, greeting: usize) {
        self.received.count -= greeting as u64;
    }

    pub(super) const fn received(&self) -> u64 {
        self.received.count
    }

    /// The peer says what has arrived. Gives whether that was worth the frame; nothing if it cannot be.
    pub(super) fn handle_acknowledgement(&mut self, place: u64) -> Option<bool> {
        self.received.acknowledgements += ACKNOWLEDGEMENT_LEN as u64;
        // What is sent once more has acknowledgements in it that are known by a hello.
        let arrived = self.journal.acknowledge(place.max(self.journal.start()))?;
        if arrived > 0 {
            self.progress = Progress::Some;
            self.full_since = None;
            // The line lasts: it may hold as much again.
            let ahead = self.ahead.map(|ahead| ahead + arrived);
            self.ahead = ahead.filter(|ahead| *ahead < self.keep.journal);
        }
        Some(arrived >= LEAST_ACKNOWLEDGED)
    }

    /// Whether bytes have come of which the peer should hear some time.
    const fn is_untold(&self) -> bool {
        self.received.count > self.received.told + self.received.acknowledgements
    }

    /// The peer is to hear at once of what has come, if of anything.
    pub(super) const fn tell_at_once(&mut self) {
        self.received.urgent = self.is_untold();
    }

    /// Whether the peer is to be told now.
    pub(super) fn owes_acknowledgement(&self) -> bool {
        let Received { count, told, urgent, .. } = self.received;
        self.line == Line::Linked && (count - told >= UNTOLD || urgent)
    }

    /// When the peer is to be told if nothing more comes.
    pub(super) fn acknowledgement_due(&self, heard: Instant) -> Option<Instant> {
        let waits = self.line == Line::Linked && self.is_untold() && !self.received.urgent;
        waits.then(|| heard + QUIET)
    }

    /// The frame that tells the peer, behind `unwritten` bytes and ahead of others if there are any.
    pub(super) fn acknowledge(&mut self, unwritten: usize, last: bool) -> Vec<u8> {
        let mut frame = Vec::with_capacity(ACKNOWLEDGEMENT_LEN);
        Extra::Acknowledgement(self.received.count).encode(&mut frame);
        let from = self.journal.end() + unwritten as u64;
        let to = from + frame.len() as u64;
        if last {
            let (first, end) = self.trailing;
            self.trailing = (if end == from { first } else { from }, to);
        }
        self.note_told();
        frame
    }

    const fn note_told(&mut self) {
        let count = self.received.count;
        self.received = Received { count, told: count, acknowledgements: 0, urgent: false };
    }

    /// Whether the peer has all that was written, but for what only acknowledges.
    pub(super) const fn is_acknowledged(&self) -> bool {
        let (start, end) = (self.journal.start(), self.journal.end());
        start == end || (self.trailing.1 == end && start >= self.trailing.0)
    }

    /// Whether what is to be sent has to wait until more is acknowledged, when `unwritten` bytes are on their way.
    pub(super) const fn is_full(&self, unwritten: usize) -> bool {
        self.journal.held() + unwritten >= self.keep.journal
    }

    /// How many bytes of items may follow `unsent` bytes that are not written; nothing if they are to wait until more has
    /// arrived.
    pub(super) fn room_for_items(&self, unsent: usize) -> Option<usize> {
        match self.ahead {
            Some(ahead) => ahead.checked_sub(self.journal.held() + unsent),
            None => Some(usize::MAX),
        }
    }

    /// The transport is lost. Gives whether another is to be waited for.
    pub(super) fn cut(&mut self, why: ConnectionError) -> bool {
        let stuck = why == ConnectionError::WriteStalled && self.progress == Progress::None;
        if self.entry.is_none() || self.leave != Leave::Unsaid || stuck {
            return false;
        }
        if !self.is_cut() {
            self.line = Line::Cut { since: None, why };
            self.replay = Replay::default();
            self.ahead = Some(LEAST_AHEAD);
        }
        true
    }

    /// Whether all bytes from `place` on are kept.
    pub(super) fn keeps(&self, place: u64) -> bool {
        (self.journal.start()..=self.journal.end()).contains(&place)
    }

    /// Goes on over another transport, whose peer has received so many bytes; `greeting` is written there first. False,
    /// with nothing done, if what it lacks is not kept.
    pub(super) fn resume(&mut self, place: u64, greeting: Bytes) -> bool {
        if self.journal.acknowledge(place).is_none() {
            return false;
        }
        self.line = Line::Linked;
        self.replay = Replay(self.journal.all());
        if !greeting.is_empty() {
            self.replay.0.push_front(greeting);
        }
        self.full_since = None;
        self.progress = Progress::None;
        self.note_told();
        true
    }

    /// When it is too late to go on. Without a time it counts from the present, which is at hand when time passes.
    pub(super) fn over_due(&self, past: Instant) -> Option<Instant> {
        match &self.line {
            Line::Linked => None,
            Line::Cut { since: None, .. } => Some(past),
            Line::Cut { since: Some(since), .. } => since.checked_add(self.keep.window),
        }
    }

    /// Lets time pass; gives why the connection ends if it is too late.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<ConnectionError> {
        let window = self.keep.window;
        let Line::Cut { since, why } = &mut self.line else { return None };
        let since = *since.get_or_insert(now);
        let late = since.checked_add(window).is_some_and(|end| end <= now);
        late.then(|| ConnectionError::NotResumed(format!("{why}; no other came in {window:?}")))
    }

    /// Whether something is to be written ahead of all else.
    pub(super) fn has_replay(&self) -> bool {
        !self.replay.0.is_empty()
    }

    /// Takes what is to be written ahead of all else.
    pub(super) fn take_replay(&mut self) -> Replay {
        take(&mut self.replay)
    }

    /// Takes back what of it is not written, if it is still to be.
    pub(super) fn put_back(&mut self, replay: Replay) {
        if !self.is_cut() {
            self.replay = replay;
        }
    }
}
