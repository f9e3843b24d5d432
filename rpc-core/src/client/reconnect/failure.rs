//! Why there is no connection, and what follows from that.

use crate::{
    proto::{Code, Status, connection::ConnectionError},
    transport::DialError,
};

/// Why there is no connection.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(in crate::client) status: Status,
    pub(super) reach: Reach,
}

/// How far a failure reaches.
#[derive(Clone, Debug)]
pub(super) enum Reach {
    /// The next attempt may succeed: those who wait go on waiting.
    Passing,
    /// Another attempt makes sense, but not for those who wait: something else must change first.
    Waiting,
    /// No attempt makes sense any more.
    Final(ConnectionError),
}

impl From<&DialError> for Failure {
    fn from(error: &DialError) -> Self {
        let reach = match error {
            DialError::Refused { .. } | DialError::Connect { .. } | DialError::Resolve { .. } => {
                Reach::Passing
            }
            _ => Reach::Waiting,
        };
        Self { status: Status::not_started(Code::Unavailable, error.to_string()), reach }
    }
}

impl From<ConnectionError> for Failure {
    fn from(error: ConnectionError) -> Self {
        let status = Status::not_started(error.code(), error.to_string());
        let reach = match &error {
            ConnectionError::Refused(_) => Reach::Final(error),
            ConnectionError::ByPeer(_) if error.code() == Code::Unauthenticated => {
                Reach::Final(error)
            }
            error if error.is_foreign() => Reach::Waiting,
            _ => Reach::Passing,
        };
        Self { status, reach }
    }
}

impl Failure {
    /// Whether the next attempt may succeed without anything else having changed.
    #[cfg(feature = "fleet")]
    pub(in crate::client) const fn is_passing(&self) -> bool {
        matches!(self.reach, Reach::Passing)
    }

    /// The hook that a new connection is given to has failed.
    pub(super) const fn of_hook(status: Status) -> Self {
        Self { status, reach: Reach::Passing }
    }
}
