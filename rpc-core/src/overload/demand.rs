//! Whether more comes than can be served.
//!
//! A long line alone does not say so: a hundred callers who each wait for their answer keep it at a hundred, and a thousand
//! calls at once make a line of a thousand that only becomes shorter. Refusing would help nobody there. What says so is a line
//! that is late, and that grows again and again.

use std::time::{Duration, Instant};

/// Windows of time that are looked at together.
const WINDOWS: u32 = 10;

/// In so many of them the line must have been longer than ever before.
const GROWN: u32 = 5;

/// The shortest window.
const SHORTEST: Duration = Duration::from_millis(10);

/// A window is at least as long as so many calls take.
const CALLS: u32 = 8;

#[derive(Debug, Default)]
pub(super) struct Demand {
    excessive: bool,
    /// When the present window ends.
    ends: Option<Instant>,
    /// The longest line since it was last not late.
    peak: usize,
    /// In which of the last windows the line grew beyond that; the present one is the lowest bit.
    grown: u16,
    /// Windows without a refusal since the last one with any.
    calm: u32,
}

/// How a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    InTime,
    Late,
}

impl Demand {
    /// Whether more comes than can be served, as far as is known.
    pub(super) const fn is_excessive(&self) -> bool {
        self.excessive
    }

    /// Takes note of a line, with those whose callers have given up, of which one more call takes `gap`. Gives true when that begins to be too much.
    pub(super) fn look(
        &mut self,
        now: Instant,
        length: usize,
        standing: Standing,
        gap: Duration,
    ) -> bool {
        self.turn(now, gap);
        match standing {
            Standing::InTime => {
                self.peak = length;
                self.grown = 0;
            }
            Standing::Late if length > self.peak => {
                self.peak = length;
                self.grown |= 1;
            }
            Standing::Late => {}
        }
        let begins = !self.excessive && self.grown.count_ones() >= GROWN;
        if begins {
            (self.excessive, self.calm) = (true, 0);
        }
        begins
    }

    /// A call was refused.
    pub(super) const fn refused(&mut self) {
        self.calm = 0;
    }

    /// Ends windows that are over.
    fn turn(&mut self, now: Instant, gap: Duration) {
        let window = SHORTEST.max(gap * CALLS);
        let ends = *self.ends.get_or_insert(now + window);
        if now < ends {
            return;
        }
        self.ends = Some(now + window);
        // Of the time in which nothing came nothing is known: a server that is kept from its thread sees few windows.
        self.grown = (self.grown << 1) & ((1 << WINDOWS) - 1);
        if self.excessive {
            self.calm += 1;
            if self.calm > WINDOWS {
                *self = Self { ends: self.ends, ..Self::default() };
            }
        }
    }
}
