//! Figures of what is not a single call, by the facade `metrics`: connections, what was refused and why, rules that peers broke,
//! calls that were made again. Nothing without the feature of that name, and little with it: none of this is on the path
//! of a call that goes well.

/// Something that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(all(feature = "tower", feature = "resume")),
    allow(dead_code, reason = "there are no layers to refuse anything, or no sessions")
)]
pub(crate) enum Event {
    /// A call was refused before its handler ran, for this reason.
    Rejected(&'static str),
    /// A peer broke a rule of this kind, and its connection was closed.
    Violation(&'static str),
    /// A connection could not be accepted, for a reason that lasts, or for one of its own.
    NotAccepted(&'static str),
    /// A call was made again by itself.
    Retried,
    /// A handler was stopped since its caller had given the call up.
    Cancelled,
    /// A connection of a server that was cut has gone on, was refused that, or made room for others.
    Session(&'static str),
}

#[cfg(feature = "metrics")]
mod facade {
    use std::time::Duration;

    use metrics::{
        Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    };

    use super::Event;

    pub(crate) fn count(event: Event) {
        match event {
            Event::Rejected(reason) => {
                describe_counter!(
                    "rpc_rejected_total",
                    "Calls that were refused before their handlers ran."
                );
                counter!("rpc_rejected_total", "reason" => reason).increment(1);
            }
            Event::Violation(kind) => {
                let name = "rpc_protocol_violations_total";
                describe_counter!(
                    name,
                    "Connections that were closed since their peers broke a rule."
                );
                counter!(name, "kind" => kind).increment(1);
            }
            Event::NotAccepted(kind) => {
                describe_counter!(
                    "rpc_accept_errors_total",
                    "Connections that could not be accepted."
                );
                counter!("rpc_accept_errors_total", "kind" => kind).increment(1);
            }
            Event::Retried => {
                describe_counter!("rpc_retries_total", "Calls that were made again by themselves.");
                counter!("rpc_retries_total").increment(1);
            }
            Event::Cancelled => {
                describe_counter!(
                    "rpc_cancelled_total",
                    "Handlers that were stopped since their callers had given the calls up."
                );
                counter!("rpc_cancelled_total").increment(1);
            }
            Event::Session(outcome) => {
                let name = "rpc_sessions_total";
                describe_counter!(name, "What became of connections of servers that were cut.");
                counter!(name, "outcome" => outcome).increment(1);
            }
        }
    }

    /// More connections of servers, or less.
    pub(super) fn connections(change: f64) {
        describe_gauge!("rpc_connections", "Connections of servers.");
        gauge!("rpc_connections").increment(change);
    }

    /// More connections of servers that are cut and kept, or less.
    #[cfg(feature = "resume")]
    pub(super) fn cut(change: f64) {
        describe_gauge!(
            "rpc_sessions_cut",
            "Connections of servers that are cut, and kept for their clients to come back."
        );
        gauge!("rpc_sessions_cut").increment(change);
    }

    /// Bytes that a connection keeps because its transport does not take them, as they were last counted.
    #[derive(Debug, Default)]
    pub(crate) struct Buffered(usize);

    impl Buffered {
        #[inline]
        pub(crate) fn set(&mut self, bytes: usize) {
            if bytes != self.0 {
                self.change(bytes);
            }
        }

        #[cold]
        fn change(&mut self, bytes: usize) {
            describe_gauge!(
                "rpc_buffered_bytes",
                Unit::Bytes,
                "What connections keep because their transports do not take it."
            );
            gauge!("rpc_buffered_bytes").increment(bytes as f64 - self.0 as f64);
            self.0 = bytes;
        }
    }

    impl Drop for Buffered {
        fn drop(&mut self) {
            self.set(0);
        }
    }

    /// A server took so long to end in good order.
    pub(crate) fn drained(took: Duration) {
        describe_histogram!("rpc_drain_seconds", Unit::Seconds, "How long servers took to end.");
        histogram!("rpc_drain_seconds").record(took.as_secs_f64());
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use std::time::Duration;

    use super::Event;

    pub(crate) const fn count(event: Event) {
        let _ = event;
    }

    pub(super) const fn connections(change: f64) {
        let _ = change;
    }

    #[cfg(feature = "resume")]
    pub(super) const fn cut(change: f64) {
        let _ = change;
    }

    #[derive(Debug, Default)]
    pub(crate) struct Buffered(());

    impl Buffered {
        pub(crate) const fn set(&mut self, bytes: usize) {
            let _ = (self.0, bytes);
        }
    }

    pub(crate) const fn drained(took: Duration) {
        let _ = took;
    }
}

pub(crate) use facade::{Buffered, count, drained};

/// A connection of a server, counted as long as this is there.
#[derive(Debug)]
pub(crate) struct Connected(());

impl Connected {
    pub(crate) fn begin() -> Self {
        facade::connections(1.0);
        Self(())
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        facade::connections(-1.0);
    }
}

/// A connection of a server that is cut and kept, counted as long as this is there.
#[cfg(feature = "resume")]
#[derive(Debug)]
pub(crate) struct Cut(());

#[cfg(feature = "resume")]
impl Cut {
    pub(crate) fn begin() -> Self {
        facade::cut(1.0);
        Self(())
    }
}

#[cfg(feature = "resume")]
impl Drop for Cut {
    fn drop(&mut self) {
        facade::cut(-1.0);
    }
}
