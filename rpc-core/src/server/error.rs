//! Why a server cannot serve.

use std::fmt;

use thiserror::Error;

use crate::{proto::LimitsError, service::BuildError, transport::BindError};

/// Why a server cannot serve.
#[derive(Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The services do not go together.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A limit is out of range, or a time is zero.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// The address cannot be listened at.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The system gives no threads.
    #[error("cannot start the server's threads: {0}")]
    Threads(std::io::Error),
    /// The listening socket that another process gave this one cannot be used.
    #[error("cannot listen at the socket that this process was given: {0}")]
    Given(std::io::Error),
}

/// In words, since a program whose `main` returns it shows this.
impl fmt::Debug for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServeError").field(&format_args!("{self}")).finish()
    }
}
