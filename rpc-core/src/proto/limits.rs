//! What one side of a connection accepts from the other; announced in hello, enforced by the receiver,
//! honoured by the sender.

use thiserror::Error;

/// What a side accepts from its peer. Each side announces its own in hello (PROTOCOL §5).
///
/// Set by methods of the fields' names, since later versions may add limits:
///
/// ```
/// let limits = rpc_core::Limits::default().max_calls(64).max_message(1 << 20);
/// assert_eq!(limits.max_calls, 64);
/// assert!(limits.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest payload of one frame, in bytes; 16 KiB to 16 MiB less one byte. Default 64 KiB.
    pub max_frame: u32,
    /// Largest message (a request's or a reply's payload), in bytes; 16 KiB to 1 GiB. Default 4 MiB.
    pub max_message: u32,
    /// Calls that the peer may have open at once, those with streams apart; 1 to 1,048,576. Default 1,024. Calls that its
    /// handlers make back may be as many again (PROTOCOL §13). Further ones wait on the caller's side until others have
    /// ended: see [`Channel::peer_limits`](crate::Channel::peer_limits).
    pub max_calls: u32,
    /// Calls with streams that the peer may have open at once; 1 to 1,048,576. Default 1,024.
    pub max_streams: u32,
    /// Messages that the peer may have half sent at once; 1 to 1,024. Default 4.
    pub max_partial: u32,
    /// Bytes of requests that the peer may have open at once, with streams and without each; 16 KiB to 1 GiB. Default
    /// 4 MiB. A single request may always be as long as `max_message`.
    pub request_window: u32,
    /// Bytes of one-way calls that the peer may have sent and whose handlers have not ended, 128 beyond its own length
    /// for each; 16 KiB to 1 GiB. Default 512 KiB.
    pub oneway_window: u32,
    /// The most bytes of items that the peer may have sent in one stream and this side has not consumed, 8 beyond
    /// its own length for each item; 8 KiB to 1 GiB. Default 512 KiB. An item that is longer than this
    /// arrives only while somebody waits for it.
    pub window: u32,
    /// Bytes of items that each stream of the peer may send at its start; 8 KiB to 1 GiB, and no more than `window`.
    /// Default 8 KiB. Streams that are read grow from here to `window`.
    pub initial_window: u32,
    /// What all streams of the peer together may have beyond their initial windows, in bytes; at most 1 GiB. Default
    /// 1 MiB.
    pub shared_window: u32,
}

/// Payload that may be sent in one frame, and message that may be sent at all, before the peer's hello.
pub(crate) const EARLY_MESSAGE: usize = 16 << 10;

/// The least window of a stream: an item that is never cut fits into it.
const LEAST_WINDOW: u32 = 8 << 10;

/// Calls that may be open before the peer's hello has arrived (PROTOCOL §6).
pub(crate) const EARLY_CALLS: u32 = 8;

/// The longest hello, in bytes, and the longest payload of any frame that is not part of a message, an accept aside.
pub(crate) const MAX_CONTROL: u32 = 4 << 10;

/// The longest accept, in bytes: it carries metadata.
pub(crate) const MAX_ACCEPT: u32 = 64 << 10;

/// What a one-way call costs of its window beside its length (PROTOCOL §9).
pub(crate) const ONEWAY_OVERHEAD: usize = 128;

/// Largest length that the frame head can carry.
pub(crate) const MAX_LENGTH: u32 = (1 << 24) - 1;

/// Limits that cannot be announced, or a time that leaves none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct LimitsError(Excess);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Excess {
    #[error("{name} is {value}, but must be {minimum} to {maximum}")]
    Range { name: &'static str, value: u32, minimum: u32, maximum: u32 },
    #[error("{name} is zero, which every peer exceeds: {instead}")]
    NoTime { name: &'static str, instead: &'static str },
}

impl LimitsError {
    /// A time of zero, and what to write in its place.
    pub(crate) const fn no_time(name: &'static str, instead: &'static str) -> Self {
        Self(Excess::NoTime { name, instead })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame: 64 << 10,
            max_message: 4 << 20,
            max_calls: 1024,
            max_streams: 1024,
            max_partial: 4,
            request_window: 4 << 20,
            oneway_window: 512 << 10,
            window: 512 << 10,
            initial_window: 8 << 10,
            shared_window: 1 << 20,
        }
    }
}

macro_rules! setters {
    ($($name:ident),*) => {
        /// Each sets the field of its name, and gives the limits back.
        impl Limits {
            $(
                #[doc = concat!("Sets [`", stringify!($name), "`](field@Self::", stringify!($name), ").")]
                #[must_use]
                pub const fn $name(mut self, $name: u32) -> Self {
                    self.$name = $name;
                    self
                }
            )*
        }
    };
}

setters!(
    max_frame,
    max_message,
    max_calls,
    max_streams,
    max_partial,
    request_window,
    oneway_window,
    window,
    initial_window,
    shared_window
);

impl Limits {
    /// Checks each limit against the range that the protocol allows.
    ///
    /// # Errors
    /// The first limit that is out of range.
    pub fn check(&self) -> Result<(), LimitsError> {
        const SMALLEST: u32 = EARLY_MESSAGE as u32;
        let ranges = [
            ("max_frame", self.max_frame, SMALLEST, MAX_LENGTH),
            ("max_message", self.max_message, SMALLEST, 1 << 30),
            ("max_calls", self.max_calls, 1, 1 << 20),
            ("max_streams", self.max_streams, 1, 1 << 20),
            ("max_partial", self.max_partial, 1, 1 << 10),
            ("request_window", self.request_window, SMALLEST, 1 << 30),
            ("oneway_window", self.oneway_window, SMALLEST, 1 << 30),
            ("window", self.window, LEAST_WINDOW, 1 << 30),
            ("initial_window", self.initial_window, LEAST_WINDOW, 1 << 30),
            ("shared_window", self.shared_window, 0, 1 << 30),
        ];
        for (name, value, minimum, maximum) in ranges {
            if !(minimum..=maximum).contains(&value) {
                return Err(LimitsError(Excess::Range { name, value, minimum, maximum }));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_zero_is_named() {
        Limits::default().check().unwrap();
        let error = Limits { max_calls: 0, ..Limits::default() }.check().unwrap_err();
        assert_eq!(error.to_string(), "max_calls is 0, but must be 1 to 1048576");
    }
}
