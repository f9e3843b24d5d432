//! Why a call waits to be sent, in words for whoever made it.

use super::{super::queue::Lane, super::shares::Class, Outbound};
use crate::proto::Limits;

impl Outbound {
    /// Names the limit of the peer that calls of this lane wait for; `limits` are unknown before its hello.
    pub(super) fn wait_reason(&self, lane: Lane, limits: Option<&Limits>) -> String {
        let Some(limits) = limits else {
            return "the peer has not said hello yet, and allows only a few calls before that"
                .to_owned();
        };
        let (class, allowed, kind, limit) = match lane {
            Lane::Oneway | Lane::NestedOneway => {
                return format!(
                    "one-way calls whose handlers have not ended take all of the {} bytes that the peer \
                    allows (its limit `oneway_window`)",
                    limits.oneway_window
                );
            }
            Lane::Streams => (Class::Stream, limits.max_streams, "streams", "max_streams"),
            Lane::Calls => (Class::Call, limits.max_calls, "calls", "max_calls"),
            Lane::Nested => {
                let allowed = limits.max_calls.saturating_mul(2);
                (Class::Call, allowed, "calls, those of handlers included,", "max_calls")
            }
        };
        if self.shares.of(class) >= allowed {
            return format!(
                "as many {kind} are open as the peer allows at once, {allowed} (its limit `{limit}`)"
            );
        }
        format!(
            "the requests that are open, or ordered calls ahead of it, leave no room within the {} bytes that \
            the peer allows (its limit `request_window`)",
            limits.request_window.max(limits.max_message)
        )
    }
}
