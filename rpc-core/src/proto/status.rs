//! How a call ended when it did not end with a value: a code, a message, and whether the handler may
//! have run, so that a retry is a decision and not a guess. Crosses the wire in error frames.

use std::{borrow::Cow, fmt, time::Duration};

use thiserror::Error;

use super::Metadata;

/// What kind of end a call met; the numbers and meanings are gRPC's canonical ones
/// (<https://grpc.io/docs/guides/status-codes/>), because people know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
#[allow(missing_docs)] // the names are the documentation; see the link above
pub enum Code {
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// Every code with its canonical name, in the order of their numbers.
const CODES: [(Code, &str); 16] = [
    (Code::Cancelled, "CANCELLED"),
    (Code::Unknown, "UNKNOWN"),
    (Code::InvalidArgument, "INVALID_ARGUMENT"),
    (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (Code::NotFound, "NOT_FOUND"),
    (Code::AlreadyExists, "ALREADY_EXISTS"),
    (Code::PermissionDenied, "PERMISSION_DENIED"),
    (Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    (Code::FailedPrecondition, "FAILED_PRECONDITION"),
    (Code::Aborted, "ABORTED"),
    (Code::OutOfRange, "OUT_OF_RANGE"),
    (Code::Unimplemented, "UNIMPLEMENTED"),
    (Code::Internal, "INTERNAL"),
    (Code::Unavailable, "UNAVAILABLE"),
    (Code::DataLoss, "DATA_LOSS"),
    (Code::Unauthenticated, "UNAUTHENTICATED"),
];

impl Code {
    /// The number on the wire, 1 to 16.
    #[must_use]
    pub const fn value(self) -> u8 {
        self as u8
    }

    /// The code with this number; a number that this version does not know is `Unknown`.
    #[must_use]
    pub fn from_value(value: u8) -> Self {
        let index = usize::from(value).wrapping_sub(1);
        CODES.get(index).map_or(Self::Unknown, |&(code, _)| code)
    }

    /// The canonical name, such as `DEADLINE_EXCEEDED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        CODES[usize::from(self.value()) - 1].1
    }

    /// The code with this canonical name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        CODES.iter().find(|(_, known)| *known == name).map(|&(code, _)| code)
    }

    /// Whether the same call may succeed a moment later, if repeating it is safe.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable | Self::ResourceExhausted | Self::Aborted)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Whether the handler of a failed call may have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Execution {
    /// The handler was certainly not started: repeating the call repeats nothing.
    NotStarted,
    /// The handler may have run, in part or whole.
    MayHaveRun,
}

/// How a call ended when its status has the word, not the trait's own error type: the framework's, or one that a
/// handler chose.
///
/// Beside code and message it may carry details for programs, each the bytes of a value with the name of its type,
/// the time before which it makes no sense to call again, and metadata.
///
/// ```
/// use std::time::Duration;
/// use rpc_core::{Code, Status};
///
/// let status = Status::new(Code::ResourceExhausted, "too many orders today")
///     .with_detail("shop.Quota", br#"{"orders":100}"#)
///     .with_retry_after(Duration::from_secs(3600));
/// assert_eq!(status.detail("shop.Quota"), Some(&br#"{"orders":100}"#[..]));
/// assert_eq!(status.retry_after(), Some(Duration::from_secs(3600)));
/// ```
#[derive(Clone)]
pub struct Status {
    code: Code,
    execution: Execution,
    /// The message, unless `rare` has one. Those that are written into the program need no allocation.
    message: &'static str,
    /// What few statuses have, and so apart: a call's outcome is moved about.
    rare: Option<Box<Rare>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rare {
    message: Option<Box<str>>,
    // Bounded by: MAX_DETAILS.
    details: Vec<(Box<str>, Box<[u8]>)>,
    retry_after: Option<Duration>,
    metadata: Metadata,
}

/// Most bytes of names and details that one status may carry, 8 more for each.
pub(crate) const MAX_DETAILS: usize = 8 << 10;

/// The longest name of a detail's type, in bytes.
pub(crate) const MAX_DETAIL_NAME: usize = 255;

/// What a detail costs against `MAX_DETAILS` beside its bytes, so that empty ones are not free.
const DETAIL_COST: usize = 8;

/// A detail that a status cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DetailError {
    /// The name of the type is empty, or longer than 255 bytes.
    #[error("the name of a detail's type must be 1 to {MAX_DETAIL_NAME} bytes long")]
    Name,
    /// All details together would exceed 8 KiB.
    #[error(
        "the details of one status are limited to {MAX_DETAILS} bytes, and this one does not fit any more"
    )]
    Size,
}

impl Status {
    /// A status of a call whose handler may have run.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let status = Self { code, execution: Execution::MayHaveRun, message: "", rare: None };
        status.with_message(message)
    }

    /// A status of a call whose handler was certainly not started.
    pub fn not_started(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let status = Self { code, execution: Execution::NotStarted, message: "", rare: None };
        status.with_message(message)
    }

    /// The same status of a call whose handler may have run.
    pub(crate) const fn having_run(mut self) -> Self {
        self.execution = Execution::MayHaveRun;
        self
    }

    /// The same status with another message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        match message.into() {
            Cow::Borrowed(message) => {
                self.message = message;
                if let Some(rare) = &mut self.rare {
                    rare.message = None;
                }
            }
            Cow::Owned(message) if message.is_empty() => return self.with_message(""),
            Cow::Owned(message) => self.rare().message = Some(message.into()),
        }
        self
    }

    /// Adds a detail for programs: the bytes of a value, and what its type is called, by which readers know how to
    /// read it. One that does not fit ([`Self::add_detail`] says so) is left out: the status itself matters more.
    #[must_use]
    pub fn with_detail(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let _ = self.add_detail(name, bytes);
        self
    }

    /// Adds a detail for programs.
    ///
    /// # Errors
    /// The name is empty or longer than 255 bytes, or all details together would be above 8 KiB.
    pub fn add_detail(&mut self, name: &str, bytes: impl AsRef<[u8]>) -> Result<(), DetailError> {
        let bytes = bytes.as_ref();
        if name.is_empty() || name.len() > MAX_DETAIL_NAME {
            return Err(DetailError::Name);
        }
        let size = |(name, bytes): (&str, &[u8])| name.len() + bytes.len() + DETAIL_COST;
        let before: usize = self.details().map(size).sum();
        if before + size((name, bytes)) > MAX_DETAILS {
            return Err(DetailError::Size);
        }
        self.rare().details.push((name.into(), bytes.into()));
        Ok(())
    }

    /// Says that it makes no sense to call again before so much time has passed.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.set_retry_after(after);
        self
    }

    pub(crate) fn set_retry_after(&mut self, after: Duration) {
        self.rare().retry_after = Some(after);
    }

    /// The metadata that travels with the status, to be added to.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.rare().metadata
    }

    /// The kind of failure.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What went wrong, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        let own = self.rare.as_ref().and_then(|rare| rare.message.as_deref());
        own.unwrap_or(self.message)
    }

    /// What went wrong, for programs: the names of types, and the bytes of a value of each, in the order in which
    /// they were added.
    pub fn details(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        let details = self.rare.as_ref().map_or(&[][..], |rare| &rare.details);
        details.iter().map(|(name, bytes)| (&**name, &**bytes))
    }

    /// The first detail whose type has this name.
    #[must_use]
    pub fn detail(&self, name: &str) -> Option<&[u8]> {
        self.details().find(|(known, _)| *known == name).map(|(_, bytes)| bytes)
    }

    /// How long to wait before the call is made again, if whoever ended it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.rare.as_ref().and_then(|rare| rare.retry_after)
    }

    /// The metadata that came with the status.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        const NONE: &Metadata = &Metadata::new();
        self.rare.as_ref().map_or(NONE, |rare| &rare.metadata)
    }

    /// Whether the handler may have run.
    #[must_use]
    pub const fn execution(&self) -> Execution {
        self.execution
    }

    /// Whether the handler may have run.
    #[must_use]
    pub const fn may_have_run(&self) -> bool {
        matches!(self.execution, Execution::MayHaveRun)
    }

    /// Whether repeating the call is safe for any method and has a chance: the handler was certainly
    /// not started, and the code is one that passes.
    #[must_use]
    pub const fn is_safe_to_retry(&self) -> bool {
        self.code.is_retryable() && !self.may_have_run()
    }

    /// Whether there is more to it than code, execution and message.
    pub(crate) fn is_rich(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| {
            !rare.details.is_empty() || rare.retry_after.is_some() || !rare.metadata.is_empty()
        })
    }

    /// Code, execution and message alone.
    pub(crate) fn bare(mut self) -> Self {
        if let Some(rare) = &mut self.rare {
            **rare = Rare { message: rare.message.take(), ..Rare::default() };
        }
        self
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// Two statuses are equal if they say the same, however they hold it.
impl PartialEq for Status {
    fn eq(&self, other: &Self) -> bool {
        self.code == other.code
            && self.execution == other.execution
            && self.message() == other.message()
            && self.details().eq(other.details())
            && self.retry_after() == other.retry_after()
            && self.metadata() == other.metadata()
    }
}

impl Eq for Status {}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Status");
        debug
            .field("code", &self.code)
            .field("execution", &self.execution)
            .field("message", &self.message());
        if self.details().len() > 0 {
            debug.field("details", &self.details().map(|(name, _)| name).collect::<Vec<_>>());
        }
        if let Some(after) = self.retry_after() {
            debug.field("retry_after", &after);
        }
        if !self.metadata().is_empty() {
            debug.field("metadata", self.metadata());
        }
        debug.finish()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message())
    }
}

impl std::error::Error for Status {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_the_wire() {
        for (code, name) in CODES {
            assert_eq!(Code::from_value(code.value()), code);
            assert_eq!(code.name(), name);
            assert_eq!(Code::from_name(name), Some(code));
        }
        assert_eq!(Code::from_value(0), Code::Unknown);
        assert_eq!(Code::from_value(200), Code::Unknown);
        assert_eq!(Code::from_name("NotFound"), None);
    }

    #[test]
    fn only_a_call_that_never_started_is_safe_to_retry() {
        assert!(Status::not_started(Code::Unavailable, "gone").is_safe_to_retry());
        assert!(!Status::new(Code::Unavailable, "gone").is_safe_to_retry());
        assert!(!Status::not_started(Code::InvalidArgument, "bad").is_safe_to_retry());
    }

    #[test]
    fn a_status_is_small_and_costs_nothing_that_it_does_not_have() {
        assert!(size_of::<Status>() <= 32, "{}", size_of::<Status>());
        let plain = Status::new(Code::Internal, "plain");
        assert!(plain.rare.is_none());
        assert!(Status::new(Code::Internal, String::new()).rare.is_none());
        assert_eq!(plain, Status::new(Code::Internal, "plain".to_owned()));
        assert_eq!(plain.clone().with_message("other".to_owned()).with_message("plain"), plain);
    }

    #[test]
    fn details_come_in_their_order_and_are_bounded() {
        let mut status =
            Status::new(Code::Aborted, "busy").with_detail("a", b"1").with_detail("b", []);
        status.add_detail("a", b"2").unwrap();
        let details: Vec<_> = status.details().collect();
        assert_eq!(details, [("a", &b"1"[..]), ("b", b""), ("a", b"2")]);
        assert_eq!((status.detail("a"), status.detail("c")), (Some(&b"1"[..]), None));
        assert_eq!(status.add_detail("", b"x"), Err(DetailError::Name));
        assert_eq!(status.add_detail(&"x".repeat(256), b"x"), Err(DetailError::Name));
        assert_eq!(status.add_detail("x", vec![0; MAX_DETAILS]), Err(DetailError::Size));
        let free = MAX_DETAILS - 5 - 3 * DETAIL_COST;
        status.add_detail("x", vec![0; free - 1 - DETAIL_COST]).unwrap();
        assert_eq!(status.add_detail("x", b""), Err(DetailError::Size));
        assert_eq!(status.clone().with_detail("y", b"left out"), status);
    }

    #[test]
    fn what_is_added_does_not_change_the_rest() {
        let mut status = Status::not_started(Code::Unavailable, "later")
            .with_retry_after(Duration::from_secs(2));
        status.metadata_mut().set("shard", "7").unwrap();
        assert_eq!(status.retry_after(), Some(Duration::from_secs(2)));
        assert_eq!(status.metadata().value("shard"), Some("7"));
        assert_eq!(status.to_string(), "UNAVAILABLE: later");
        assert!(status.is_safe_to_retry());
        assert_ne!(status, Status::not_started(Code::Unavailable, "later"));
        assert!(!status.having_run().is_safe_to_retry());
    }
}
