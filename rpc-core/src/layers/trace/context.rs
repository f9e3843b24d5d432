//! What of a trace travels: W3C Trace Context, version 00.

use std::{
    cell::Cell,
    fmt,
    hash::{BuildHasher as _, RandomState},
    num::NonZero,
};

use crate::proto::Metadata;

thread_local! {
    /// The span of the handler that is polled on this thread.
    static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) };
    /// The state of a generator of numbers; zero where it has none yet.
    static NUMBERS: Cell<u128> = const { Cell::new(0) };
}

/// The number of a trace; 32 hexadecimal digits as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// Its bytes, in the order of the text.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A span of a trace, as it travels in `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The halves of the trace's number, so that it needs no wider place than the others.
    trace: [u64; 2],
    span: NonZero<u64>,
    /// As wide as the others, so that it is moved as they are.
    flags: u64,
}

/// The key of metadata that carries a trace.
const KEY: &str = "traceparent";

const SAMPLED: u64 = 1;

/// The bytes of a `traceparent`, and where its dashes are.
const LENGTH: usize = 55;
const DASHES: [usize; 3] = [2, 35, 52];

/// Random numbers: the upper halves of Lehmer's generator modulo 2^128 (P. L'Ecuyer, "Tables of linear congruential generators of
/// different sizes and good lattice structure", 1999), begun on each thread with numbers of the system's. Spans are to differ, and
/// need not be secret.
#[inline]
fn random<const COUNT: usize>() -> [u64; COUNT] {
    let steps = const { steps::<COUNT>() };
    let mut state = NUMBERS.get();
    if state == 0 {
        state = seed();
    }
    // Each from where the state was: none waits for the one before it.
    let states = steps.map(|step| state.wrapping_mul(step));
    NUMBERS.set(states.last().copied().unwrap_or(state));
    states.map(|state| (state >> 64) as u64)
}

/// The generator's factor to the powers from one on: what it takes to so many numbers further on.
const fn steps<const COUNT: usize>() -> [u128; COUNT] {
    const FACTOR: u128 = 0xda94_2042_e4dd_58b5;
    let mut steps = [FACTOR; COUNT];
    let mut at = 1;
    while at < COUNT {
        steps[at] = steps[at - 1].wrapping_mul(FACTOR);
        at += 1;
    }
    steps
}

/// Odd, as all that follow it are, so that none of them is zero.
#[cold]
fn seed() -> u128 {
    let [high, low] = std::array::from_fn(|_| RandomState::new().hash_one(0));
    u128::from(high) << 64 | u128::from(low) | 1
}

/// The number of a span that was drawn; zero is none.
fn span_of(number: u64) -> NonZero<u64> {
    NonZero::new(number).unwrap_or(NonZero::<u64>::MIN)
}

impl TraceContext {
    /// The span of the handler that runs in this task, where it has a trace.
    ///
    /// What a handler spawns is another task: there it is none.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.get()
    }

    /// Makes it the current span; gives the one before, to be put back.
    pub(super) fn enter(self) -> Option<Self> {
        CURRENT.replace(Some(self))
    }

    /// Makes what was current before [`Self::enter`] current again.
    pub(super) fn put_back(before: Option<Self>) {
        CURRENT.set(before);
    }

    /// Does work of a handler's, within which this is the current span.
    pub(super) fn within<T>(self, work: impl FnOnce() -> T) -> T {
        struct Before(Option<TraceContext>);
        impl Drop for Before {
            fn drop(&mut self) {
                TraceContext::put_back(self.0);
            }
        }
        let _before = Before(self.enter());
        work()
    }

    /// The first span of a trace, of which one in so many is sampled; zero for all.
    pub(super) fn root(one_in: u32) -> Self {
        let [high, low, span] = random();
        let sampled = one_in < 2 || {
            let [chance] = random();
            chance.is_multiple_of(one_in.into())
        };
        let flags = if sampled { SAMPLED } else { 0 };
        // A trace of zeros is none.
        Self { trace: [high, low.max(1)], span: span_of(span), flags }
    }

    /// A span below this one.
    pub(super) fn child(self) -> Self {
        let [span] = random();
        Self { span: span_of(span), ..self }
    }

    /// Reads a `traceparent`; `None` where it is none, or one of zeros.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (head, more) = text.as_bytes().split_at_checked(LENGTH)?;
        if DASHES.iter().any(|dash| head[*dash] != b'-') {
            return None;
        }
        // Later versions may have more parts behind these.
        match hex(&head[..2])? {
            0xff => return None,
            0 if !more.is_empty() => return None,
            _ if more.first().is_some_and(|byte| *byte != b'-') => return None,
            _ => {}
        }
        let trace = [hex(&head[3..19])?, hex(&head[19..35])?];
        let (span, flags) = (NonZero::new(hex(&head[36..52])?)?, hex(&head[53..])?);
        let flags = flags & SAMPLED;
        (trace != [0; 2]).then_some(Self { trace, span, flags })
    }

    /// The trace.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        TraceId((self.trace[0] as u128) << 64 | self.trace[1] as u128)
    }

    /// The span, whose text has 16 hexadecimal digits.
    #[must_use]
    pub const fn span_id(&self) -> u64 {
        self.span.get()
    }

    /// Whether spans of the trace are kept.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// What came with a call.
    pub(super) fn sent(metadata: &Metadata) -> Option<Self> {
        metadata.value(KEY).and_then(Self::parse)
    }

    /// Has metadata tell of it. What is too much for that is left out: the call is worth more than its trace.
    pub(crate) fn tell(&self, metadata: &mut Metadata) {
        let _ = self.with_text(|text| metadata.set(KEY, text));
    }

    fn with_text<T>(&self, read: impl FnOnce(&str) -> T) -> T {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        put(self.trace[0], &mut text[3..19]);
        put(self.trace[1], &mut text[19..35]);
        put(self.span.get(), &mut text[36..52]);
        put(self.flags, &mut text[53..]);
        read(str::from_utf8(&text).unwrap_or_default())
    }
}

/// The text of a span's number.
pub(super) fn span_text(span: u64) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{span:016x}"))
}

/// Reads hexadecimal digits, all of them small.
fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

/// Writes hexadecimal digits.
fn put(number: u64, digits: &mut [u8]) {
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(rest & 15) as usize];
        rest >>= 4;
    }
}

/// As `traceparent` has it.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traceparents_are_read_as_the_recommendation_has_them() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = TraceContext::parse(good).unwrap();
        assert_eq!(context.to_string(), good);
        assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert!(context.is_sampled());
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more";
        assert!(!TraceContext::parse(later).unwrap().is_sampled());
        for bad in [
            "",
            "00",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333ö-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333ö-1",
            "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_are_the_same_one_by_one_and_together() {
        std::thread::spawn(|| {
            NUMBERS.set(7);
            let together: [u64; 3] = random();
            NUMBERS.set(7);
            let one_by_one: [[u64; 1]; 3] = std::array::from_fn(|_| random());
            assert_eq!(one_by_one.as_flattened(), together);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn spans_differ_and_children_stay_in_their_trace() {
        let root = TraceContext::root(0);
        let child = root.child();
        assert!(root.is_sampled() && child.is_sampled());
        assert_eq!(root.trace_id(), child.trace_id());
        assert_ne!(root.span_id(), child.span_id());
        assert_ne!(TraceContext::root(0).trace_id(), root.trace_id());
        let (halves, other) = (root.trace, TraceContext::root(0).span);
        assert!(halves[0] != halves[1] && halves[1] != root.span_id() && root.span != other);
        let elsewhere = std::thread::spawn(|| TraceContext::root(0)).join().unwrap();
        assert_ne!(elsewhere.trace_id(), root.trace_id());
        let sampled = (0..1000).filter(|_| TraceContext::root(10).is_sampled()).count();
        assert!((20..=300).contains(&sampled), "{sampled}");
    }
}
