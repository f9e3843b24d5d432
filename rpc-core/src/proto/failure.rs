//! The end of a call: with a value, with the trait's own error, or with a status.

use std::{error::Error, fmt};

use super::{Metadata, Payload, Status};

/// The end of a call that has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The handler returned the trait's own error: its encoded value.
    Application(Payload),
    /// The framework, or a handler in its words, ended the call.
    Status(Status),
}

/// The end of a call: the encoded value, or a failure.
pub type Outcome = Result<Payload, Failure>;

/// The same, with the metadata that came beside it.
pub type Ended = (Outcome, Option<Box<Metadata>>);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Application(_) => f.write_str("the method's own error"),
            Self::Status(status) => status.fmt(f),
        }
    }
}

impl Error for Failure {}
