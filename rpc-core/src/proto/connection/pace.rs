//! Long messages give way to small frames. What the transport has taken of a long message goes first, however
//! small the frame that comes after it: so while small frames travel beside long messages, only so many bytes
//! of these are sent ahead of what the peer has read as it reads in little time (PROTOCOL §11).
//!
//! Pings between the chunks tell how far the peer has read. The window follows the time that they take, as that
//! of TCP Vegas does (Brakmo and Peterson, 1995): it grows while that is not much more than it takes at least, and
//! shrinks when bytes begin to queue. The least time is that of the last ten seconds, as in BBR (Cardwell and others,
//! 2016): a path may become longer. To see the path without what this side has queued, the window is small while
//! that time is taken anew.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use crate::proto::Side;

/// Bytes of long messages that are paced after a small frame was sent.
const BESIDE: usize = 4 << 20;

/// Bytes of long messages that have a ping behind them: fewer are not worth one.
const STRETCH: usize = 32 << 10;

/// Bytes of anything that have a ping behind them: the pong is a sign of life of a peer that reads slowly.
const LONG_STRETCH: usize = 256 << 10;

/// The same where the last pong came soon: each costs the peer a write.
const QUICK_STRETCH: usize = 4 << 20;

/// A pong that comes within this comes soon: so many bytes take seconds at the pace of such a path.
const SOON: Duration = Duration::from_millis(50);

/// The bounds of the window. Two chunks of a request, three of a reply: with two, 1 MiB replies beside small calls on a loopback
/// are a fifth fewer and those calls no sooner, with three requests a tenth more and small calls later (docs/performance.md).
const LEAST_WINDOW: usize = 128 << 10;
const LEAST_OF_REPLIES: usize = 192 << 10;
const MOST_WINDOW: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct Pace {
    /// The least window.
    least: usize,
    /// Bytes of long messages that are still to be paced.
    beside: usize,
    /// Bytes of small frames sent since the last mark.
    unmarked_small: usize,
    /// Made with the first long message or mark: most connections never have one.
    path: Option<Box<Path>>,
}

/// The path to the peer, as far as marks tell.
#[derive(Debug)]
struct Path {
    /// Bytes of long messages sent since the last mark.
    unmarked: usize,
    /// Bounded by: the window, in chunks.
    marks: VecDeque<Mark>,
    /// Bytes that the marks tell of.
    ahead: usize,
    least: usize,
    window: usize,
    /// The shortest time that a mark took of late.
    shortest: Option<Shortest>,
    /// While the shortest time is taken anew: marks sent before this do not tell of the path alone.
    probing_since: Option<Instant>,
    /// When the peer last told that it has read.
    told: Option<Instant>,
    /// The last pong came soon.
    quick: bool,
}

/// The shortest time that a mark took, and when that was.
#[derive(Clone, Copy, Debug)]
struct Shortest {
    took: Duration,
    at: Instant,
}

/// How long the shortest time holds.
const HOLDS: Duration = Duration::from_secs(10);

/// A ping behind bytes of a long message.
#[derive(Debug)]
struct Mark {
    token: u64,
    bytes: usize,
    sent: Instant,
    /// Long messages gave way: the time tells of the path, and not of what the transport had taken.
    paced: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { least: LEAST_WINDOW, beside: 0, unmarked_small: 0, path: None }
    }
}

impl Pace {
    /// That of a side whose long messages are likely to be requests, as a dialer's are, or replies.
    pub(super) fn of(side: Side) -> Self {
        let least = match side {
            Side::Dialer => LEAST_WINDOW,
            Side::Acceptor => LEAST_OF_REPLIES,
        };
        Self { least, ..Self::default() }
    }

    fn path(&mut self) -> &mut Path {
        let least = self.least;
        self.path.get_or_insert_with(|| Box::new(Path::new(least)))
    }

    /// Takes note of a small frame.
    #[inline]
    pub(super) const fn small(&mut self) {
        self.beside = BESIDE;
    }

    /// Whether long messages are to give way at present.
    pub(super) const fn is_on(&self) -> bool {
        self.beside > 0
    }

    /// Whether no more bytes of long messages may be sent for the time being.
    pub(super) fn is_full(&self) -> bool {
        self.beside > 0 && self.path.as_ref().is_some_and(|path| path.ahead >= path.window)
    }

    /// Takes note of a chunk of a long message; whether a ping is to follow it.
    pub(super) fn sends(&mut self, bytes: usize) -> bool {
        let stretch = if self.is_on() { STRETCH } else { self.long_stretch() };
        self.beside = self.beside.saturating_sub(bytes);
        let path = self.path();
        path.unmarked += bytes;
        path.unmarked >= stretch
    }

    /// Takes note of small frames; whether a ping is to follow them.
    pub(super) fn sends_small(&mut self, bytes: usize) -> bool {
        self.unmarked_small += bytes;
        self.unmarked_small >= self.long_stretch()
    }

    fn long_stretch(&self) -> usize {
        match &self.path {
            Some(path) if path.quick => QUICK_STRETCH,
            _ => LONG_STRETCH,
        }
    }

    /// Takes note of the ping behind the chunks that were sent.
    pub(super) fn mark(&mut self, token: u64, now: Instant) {
        let paced = self.is_on();
        self.unmarked_small = 0;
        let path = self.path();
        let bytes = std::mem::take(&mut path.unmarked);
        path.ahead += bytes;
        path.marks.push_back(Mark { token, bytes, sent: now, paced });
    }

    /// The peer has read all that was sent before the ping with this token.
    pub(super) fn answered(&mut self, token: u64, now: Instant) {
        if let Some(path) = &mut self.path {
            path.answered(token, now);
        }
    }

    /// Since when the peer has read nothing of what was sent, if nothing can be sent before it has.
    pub(super) fn stalled_since(&self) -> Option<Instant> {
        let path = self.path.as_ref().filter(|_| self.is_full())?;
        let oldest = path.marks.front()?;
        Some(path.told.map_or(oldest.sent, |told| told.max(oldest.sent)))
    }
}

impl Path {
    const fn new(least: usize) -> Self {
        Self {
            unmarked: 0,
            marks: VecDeque::new(),
            ahead: 0,
            least,
            window: least,
            shortest: None,
            probing_since: None,
            told: None,
            quick: false,
        }
    }

    fn answered(&mut self, token: u64, now: Instant) {
        while let Some(mark) = self.marks.pop_front_if(|mark| mark.token <= token) {
            self.ahead -= mark.bytes;
            self.told = Some(now);
            self.quick = now.saturating_duration_since(mark.sent) <= SOON;
            if mark.paced {
                self.learn(&mark, now);
            }
        }
        if self.marks.is_empty() {
            self.marks = VecDeque::new();
        }
    }

    /// Learns from the time that a mark took.
    fn learn(&mut self, mark: &Mark, now: Instant) {
        let took = now.saturating_duration_since(mark.sent);
        let Some(shortest) = self.shortest else {
            // Before that the path was full of what this side had sent.
            if self.probing_since.is_none_or(|since| mark.sent >= since) {
                self.probing_since = None;
                self.shortest = Some(Shortest { took, at: now });
                self.window = (self.window + mark.bytes).min(MOST_WINDOW);
            }
            return;
        };
        if took <= shortest.took {
            self.shortest = Some(Shortest { took, at: now });
        } else if now.saturating_duration_since(shortest.at) > HOLDS {
            self.shortest = None;
            self.probing_since = Some(now);
            self.window = self.least;
            return;
        }
        let least = took.min(shortest.took);
        let window = if took > least + least / 2 {
            self.window.saturating_sub(mark.bytes / 2)
        } else {
            self.window + mark.bytes
        };
        self.window = window.clamp(self.least, MOST_WINDOW);
    }
}
