//! What of a trace travels: W3C Trace Context, version 00.

use std::{
    fmt,
    hash::{BuildHasher as _, RandomState},
};

tokio::task_local! {
    /// The span of the handler that runs in this task.
    pub(super) static CURRENT: TraceContext;
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    span: u64,
    flags: u8,
}

const SAMPLED: u8 = 1;

/// A random number that is not zero. Keys of hash tables are drawn from the system, once for each thread.
fn random() -> u64 {
    loop {
        let number = RandomState::new().hash_one(0);
        if number != 0 {
            return number;
        }
    }
}

impl TraceContext {
    /// The span of the handler that runs in this task, where it has a trace.
    ///
    /// What a handler spawns is another task: there it is none.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// The first span of a trace, of which one in so many is sampled; zero for all.
    pub(super) fn root(one_in: u32) -> Self {
        let trace = u128::from(random()) << 64 | u128::from(random());
        let sampled = one_in < 2 || random().is_multiple_of(one_in.into());
        Self { trace, span: random(), flags: if sampled { SAMPLED } else { 0 } }
    }

    /// A span below this one.
    pub(super) fn child(&self) -> Self {
        Self { span: random(), ..self.clone() }
    }

    /// Reads a `traceparent`; `None` where it is none, or one of zeros.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let hex = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
            parts.next().filter(|part| part.len() == digits && part.bytes().all(hex))
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // Later versions may have more parts behind these.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let trace = u128::from_str_radix(trace, 16).ok()?;
        let span = u64::from_str_radix(span, 16).ok()?;
        let flags = u8::from_str_radix(flags, 16).ok()? & SAMPLED;
        (trace != 0 && span != 0).then_some(Self { trace, span, flags })
    }

    /// The trace.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        TraceId(self.trace)
    }

    /// The span, whose text has 16 hexadecimal digits.
    #[must_use]
    pub const fn span_id(&self) -> u64 {
        self.span
    }

    pub(super) fn span_text(&self) -> impl fmt::Display + use<> {
        let span = self.span;
        fmt::from_fn(move |f| write!(f, "{span:016x}"))
    }

    /// Whether spans of the trace are kept.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

/// As `traceparent` has it.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
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
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn spans_differ_and_children_stay_in_their_trace() {
        let root = TraceContext::root(0);
        let child = root.child();
        assert!(root.is_sampled() && child.is_sampled());
        assert_eq!(root.trace_id(), child.trace_id());
        assert_ne!(root.span_id(), child.span_id());
        assert_ne!(TraceContext::root(0).trace_id(), root.trace_id());
        let sampled = (0..1000).filter(|_| TraceContext::root(10).is_sampled()).count();
        assert!((20..=300).contains(&sampled), "{sampled}");
    }
}
