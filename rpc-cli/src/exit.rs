//! How the program ends: one place prints the error, one place decides the exit code.

use std::process::ExitCode;

use rpc_core::{Code, Status};
use serde_json::Value;
use thiserror::Error;

use crate::output;

/// A failure whose exit code is known.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The server, or the way to it, failed the call.
    #[error("{context}: {status}")]
    Status {
        /// What was being done.
        context: String,
        /// What came of it.
        status: Status,
    },
    /// The method returned its own error.
    #[error("{method} failed: {error}")]
    Application {
        /// Which method.
        method: String,
        /// Its error, as JSON.
        error: Value,
    },
    /// A failed call that was shown already.
    #[error("{0}")]
    Shown(Code),
    /// The user has enough.
    #[error("interrupted")]
    Interrupted,
    /// Found wrong before anything was sent.
    #[error("{message}")]
    Refused {
        /// The code that the server would have answered with.
        code: Code,
        /// What is wrong and what to do.
        message: String,
    },
}

impl Failure {
    /// A mistake in the arguments of a call.
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self::Refused { code: Code::InvalidArgument, message: message.into() }
    }

    /// A service or method that is not there.
    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::Refused { code: Code::Unimplemented, message: message.into() }
    }

    /// A server that cannot be reached.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self::Refused { code: Code::Unavailable, message: message.into() }
    }

    const fn code(&self) -> Code {
        match self {
            Self::Status { status, .. } => status.code(),
            Self::Application { .. } => Code::Unknown,
            Self::Interrupted => Code::Cancelled,
            Self::Refused { code, .. } | Self::Shown(code) => *code,
        }
    }
}

/// What exit codes of failed calls begin at, as grpcurl has it.
const CALL_FAILED: u8 = 64;

/// The exit code of a program that SIGINT ended, as shells have it.
const INTERRUPTED: u8 = 130;

/// Prints an error once and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if matches!(error.downcast_ref(), Some(Failure::Interrupted)) {
        return ExitCode::from(INTERRUPTED);
    }
    if !matches!(error.downcast_ref(), Some(Failure::Shown(_))) {
        output::error(&format!("{error:#}"));
    }
    match error.downcast_ref::<Failure>() {
        Some(failure) => ExitCode::from(CALL_FAILED + failure.code().value()),
        None => ExitCode::FAILURE,
    }
}
