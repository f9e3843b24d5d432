//! How a call ended when it did not end with a value: a code, a message, and whether the handler may
//! have run, so that a retry is a decision and not a guess. Crosses the wire in error frames.

use std::{borrow::Cow, fmt};

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
pub enum Execution {
    /// The handler was certainly not started: repeating the call repeats nothing.
    NotStarted,
    /// The handler may have run, in part or whole.
    MayHaveRun,
}

/// How a call ended when the framework, not the trait's own error type, has the word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    code: Code,
    execution: Execution,
    message: Cow<'static, str>,
}

impl Status {
    /// A status of a call whose handler may have run.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, execution: Execution::MayHaveRun, message: message.into() }
    }

    /// A status of a call whose handler was certainly not started.
    pub fn not_started(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, execution: Execution::NotStarted, message: message.into() }
    }

    /// The kind of failure.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What went wrong, for people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
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
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
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
        }
        assert_eq!(Code::from_value(0), Code::Unknown);
        assert_eq!(Code::from_value(200), Code::Unknown);
    }

    #[test]
    fn only_a_call_that_never_started_is_safe_to_retry() {
        assert!(Status::not_started(Code::Unavailable, "gone").is_safe_to_retry());
        assert!(!Status::new(Code::Unavailable, "gone").is_safe_to_retry());
        assert!(!Status::not_started(Code::InvalidArgument, "bad").is_safe_to_retry());
    }
}
