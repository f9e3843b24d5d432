//! The four statuses, with their names and numbers in gRPC's health checking.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Schema;

/// The status of a service, or of a server as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Schema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ServingStatus {
    /// Not known yet: whoever asks does not send calls.
    #[default]
    Unknown,
    /// Calls are served.
    Serving,
    /// Calls are not to be sent here: what the service depends on is gone, or the server shuts down.
    NotServing,
    /// The server has no such service.
    ServiceUnknown,
}

impl ServingStatus {
    /// The name, as gRPC has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Serving => "SERVING",
            Self::NotServing => "NOT_SERVING",
            Self::ServiceUnknown => "SERVICE_UNKNOWN",
        }
    }
}

/// Shows the name.
impl fmt::Display for ServingStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
