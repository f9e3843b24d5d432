//! What the calls that one side has opened take of the limits that the other side announced (PROTOCOL §13). Both sides
//! count alike: the one that opens knows when to wait, the one that answers knows what to refuse.

use crate::proto::{Limits, Opening, Streams};

/// Requests up to this length are bounded by their number alone.
pub(super) const FREE_LENGTH: usize = 256;

/// Which limit counts a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Class {
    /// One without items.
    #[default]
    Call,
    /// One that carries items, which may last for as long as the connection does.
    Stream,
}

/// What one call takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) class: Class,
    /// The bytes of its request; zero for short ones.
    length: u32,
}

impl Share {
    pub(super) const fn new(class: Class, length: usize) -> Self {
        Self { class, length: if length <= FREE_LENGTH { 0 } else { length as u32 } }
    }

    /// What a call with this head takes, whose request has this length.
    pub(super) fn of(opening: &Opening, length: usize) -> Self {
        let class = if opening.streams == Streams::NONE { Class::Call } else { Class::Stream };
        Self::new(class, length)
    }

    /// Whether it is that of most calls.
    pub(super) const fn is_plain(self) -> bool {
        matches!(self.class, Class::Call) && self.length == 0
    }

    pub(super) const fn length(self) -> usize {
        self.length as usize
    }
}

/// Who makes a call: those that the peer's call is waiting for have room of their own, so that chains of calls go on
/// where the limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nesting {
    /// The program.
    Outer,
    /// The handler of a call of the peer.
    Nested,
}

impl Nesting {
    pub(super) const fn of(opening: &Opening) -> Self {
        if opening.parent.is_some() { Self::Nested } else { Self::Outer }
    }

    /// How many times the limit it may reach.
    pub(super) const fn times(self) -> u32 {
        match self {
            Self::Outer => 1,
            Self::Nested => 2,
        }
    }
}

/// What the open calls of one direction take.
#[derive(Debug, Default)]
pub(super) struct Shares {
    calls: u32,
    streams: u32,
    bytes: usize,
    stream_bytes: usize,
}

impl Shares {
    /// Whether there is room for one more call.
    pub(super) fn admit(&self, limits: &Limits, nesting: Nesting, share: Share) -> bool {
        let window = window(limits);
        match share.class {
            Class::Call => {
                let times = nesting.times();
                self.calls < limits.max_calls.saturating_mul(times)
                    && self.bytes + share.length() <= window * times as usize
            }
            Class::Stream => {
                self.streams < limits.max_streams && self.stream_bytes + share.length() <= window
            }
        }
    }

    /// Whether the bytes of one more request, of whichever class, are more than the other side may ever have sent.
    pub(super) fn overflow(&self, limits: &Limits, length: usize) -> bool {
        self.bytes + self.stream_bytes + length > 3 * window(limits) + EARLY
    }

    pub(super) const fn take(&mut self, share: Share) {
        match share.class {
            Class::Call => {
                self.calls += 1;
                self.bytes += share.length();
            }
            Class::Stream => {
                self.streams += 1;
                self.stream_bytes += share.length();
            }
        }
    }

    pub(super) const fn give_back(&mut self, share: Share) {
        match share.class {
            Class::Call => {
                self.calls -= 1;
                self.bytes -= share.length();
            }
            Class::Stream => {
                self.streams -= 1;
                self.stream_bytes -= share.length();
            }
        }
    }

    /// Calls of this class.
    pub(super) const fn of(&self, class: Class) -> u32 {
        match class {
            Class::Call => self.calls,
            Class::Stream => self.streams,
        }
    }

    /// Calls of both classes.
    pub(super) const fn open(&self) -> u32 {
        self.calls + self.streams
    }
}

/// Bytes of requests that may be open at once; one of the greatest length always may.
fn window(limits: &Limits) -> usize {
    limits.request_window.max(limits.max_message) as usize
}

/// What may have been sent before the limits were known.
const EARLY: usize =
    crate::proto::limits::EARLY_CALLS as usize * crate::proto::limits::EARLY_MESSAGE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_have_as_much_again_and_streams_are_counted_apart() {
        let limits = Limits::default().max_calls(1).max_streams(1);
        let (call, stream) = (Share::new(Class::Call, 8), Share::new(Class::Stream, 8));
        let mut shares = Shares::default();
        shares.take(call);
        assert!(!shares.admit(&limits, Nesting::Outer, call));
        assert!(shares.admit(&limits, Nesting::Nested, call));
        assert!(shares.admit(&limits, Nesting::Outer, stream));
        shares.take(stream);
        assert!(!shares.admit(&limits, Nesting::Nested, stream));
        shares.give_back(call);
        assert!(shares.admit(&limits, Nesting::Outer, call));
    }

    #[test]
    fn the_longest_message_always_fits_alone() {
        let limits = Limits::default().request_window(16 << 10).max_message(1 << 20);
        let longest = Share::new(Class::Call, 1 << 20);
        let mut shares = Shares::default();
        assert!(shares.admit(&limits, Nesting::Outer, longest));
        shares.take(longest);
        assert!(!shares.admit(&limits, Nesting::Outer, Share::new(Class::Call, 1000)));
        assert!(shares.admit(&limits, Nesting::Outer, Share::new(Class::Call, FREE_LENGTH)));
        assert!(shares.admit(&limits, Nesting::Nested, longest));
    }
}
