//! How the program ends: one place prints the error, one place decides the exit code.

use std::{
    io::{ErrorKind, IsTerminal as _},
    process::ExitCode,
};

use rpc_core::{Code, Status};
use serde_json::{Map, Value, json};
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
        /// The code that the error stands for.
        code: Code,
    },
    /// The user has enough.
    #[error("interrupted")]
    Interrupted,
    /// Something that was told when it happened, and decides how the program ends.
    #[error("{error:#}")]
    Told {
        /// What it was.
        error: anyhow::Error,
    },
    /// What was written on the command line is wrong, whatever any server would say.
    #[error("{0}")]
    Usage(String),
    /// Found wrong by what a server says of itself, before the call was sent; or nobody is there to send it to.
    #[error("{message}")]
    Refused {
        /// The code that the server would have answered with.
        code: Code,
        /// What is wrong and what to do.
        message: String,
    },
}

impl Failure {
    /// A mistake in what was written, found before anybody was asked.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// A failure that was printed already.
    pub(crate) const fn told(error: anyhow::Error) -> Self {
        Self::Told { error }
    }

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

    /// A server whose description cannot be used.
    pub(crate) fn misdescribed(message: impl Into<String>) -> Self {
        Self::Refused { code: Code::Internal, message: message.into() }
    }

    /// The time of a command was over.
    pub(crate) const fn late(message: String) -> Self {
        Self::Refused { code: Code::DeadlineExceeded, message }
    }

    /// Whether a server has no description that can be used, but may take calls all the same.
    pub(crate) const fn is_about_descriptions(&self) -> bool {
        match self {
            Self::Refused { code: Code::Unimplemented | Code::Internal, .. } => true,
            Self::Status { status, .. } => is_refusal(status.code()),
            _ => false,
        }
    }

    /// The code of a call that failed or would have.
    fn code(&self) -> Option<Code> {
        match self {
            Self::Told { error } => error.downcast_ref().and_then(Self::code),
            Self::Status { status, .. } => Some(status.code()),
            Self::Application { code, .. } | Self::Refused { code, .. } => Some(*code),
            Self::Usage(_) | Self::Interrupted => None,
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Application { .. } => "application",
            Self::Usage(_) => "usage",
            Self::Refused { .. } => "refused",
            Self::Interrupted => "interrupted",
            Self::Told { .. } => "told",
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => WRONG_USAGE,
            Self::Interrupted => INTERRUPTED,
            Self::Told { error } => error.downcast_ref().map_or(FAILED, Self::exit_code),
            failed => CALL_FAILED + failed.code().unwrap_or(Code::Unknown).value(),
        }
    }
}

/// Whether a call ended like this for who made it.
pub(crate) const fn is_refusal(code: Code) -> bool {
    matches!(code, Code::PermissionDenied | Code::Unauthenticated)
}

/// The exit code of wrong usage, as clap has it.
const WRONG_USAGE: u8 = 2;

/// The exit code of what has no other.
const FAILED: u8 = 1;

/// What exit codes of failed calls begin at, as grpcurl has it.
const CALL_FAILED: u8 = 64;

/// The exit code of a program that SIGINT ended, as shells have it.
const INTERRUPTED: u8 = 130;

/// Prints help or what is wrong with the command line, as clap has it, and gives the exit code.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    match error.print() {
        Err(lost) if lost.kind() != ErrorKind::BrokenPipe => report(&cannot_write(lost), false),
        _ => u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from),
    }
}

/// How the program ends. A command whose data got lost on the way has not succeeded.
pub(crate) fn end(outcome: anyhow::Result<()>, json: bool) -> ExitCode {
    let lost = output::lost().map(|error| std::io::Error::new(error.kind(), error.to_string()));
    match (outcome, lost) {
        (Ok(()), None) => ExitCode::SUCCESS,
        (Ok(()), Some(lost)) => report(&cannot_write(lost), json),
        (Err(error), _) => report(&error, json),
    }
}

fn cannot_write(lost: std::io::Error) -> anyhow::Error {
    anyhow::Error::from(lost).context("cannot write to stdout")
}

/// Ends the program by SIGINT, as it would have ended had it not cleaned up before: a shell that runs a loop or a
/// script ends that too then.
fn die_of_interrupt() {
    #[cfg(unix)]
    {
        // Where that fails the exit code says the same.
        let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGINT);
    }
}

/// Prints an error once, for a person or as JSON, and gives the exit code.
fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let failure = error.downcast_ref::<Failure>();
    match failure {
        Some(Failure::Interrupted) => {
            // The terminal has shown ^C, and the next prompt is to begin a line.
            if std::io::stderr().is_terminal() {
                output::note("");
            }
            die_of_interrupt();
        }
        Some(Failure::Told { .. }) => {}
        failure if json => output::note(&output::one_line(&as_json(error, failure))),
        _ => output::error(&format!("{error:#}")),
    }
    failure.map_or(ExitCode::FAILURE, |failure| failure.exit_code().into())
}

/// An error for programs: what kind it is of, its code if it is that of a call, and what a person would read; beside
/// them the method's own error, or whether the handler may have run.
fn as_json(error: &anyhow::Error, failure: Option<&Failure>) -> Value {
    let mut object = Map::new();
    let mut add = |key: &str, value: Value| object.insert(key.to_owned(), value);
    add("kind", failure.map_or("other", Failure::kind).into());
    if let Some(code) = failure.and_then(Failure::code) {
        add("code", code.name().into());
    }
    add("message", format!("{error:#}").into());
    match failure {
        Some(Failure::Application { error, .. }) => {
            add("value", error.clone());
        }
        Some(Failure::Status { status, .. }) => {
            add("message", status.message().into());
            add("may_have_run", status.may_have_run().into());
        }
        _ => {}
    }
    json!({ "error": object })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_an_object_of_the_same_form_whatever_it_is() {
        let shown = |error: anyhow::Error| as_json(&error, error.downcast_ref());
        let status = Status::new(Code::Aborted, "not now");
        assert_eq!(
            shown(Failure::Status { context: "S.m".to_owned(), status }.into()),
            json!({ "error": {
                "kind": "status", "code": "ABORTED", "message": "not now", "may_have_run": true,
            } })
        );
        let (method, error, code) = ("S.m".to_owned(), json!({ "A": 1 }), Code::NotFound);
        assert_eq!(
            shown(Failure::Application { method, error, code }.into()),
            json!({ "error": {
                "kind": "application", "code": "NOT_FOUND", "message": "S.m failed: {\"A\":1}",
                "value": { "A": 1 },
            } })
        );
        assert_eq!(
            shown(Failure::argument("a is missing").into()),
            json!({ "error": {
                "kind": "refused", "code": "INVALID_ARGUMENT", "message": "a is missing",
            } })
        );
        assert_eq!(
            shown(Failure::usage("no address").into()),
            json!({ "error": { "kind": "usage", "message": "no address" } })
        );
        assert_eq!(
            shown(anyhow::anyhow!("the disk is full").context("cannot write a")),
            json!({ "error": { "kind": "other", "message": "cannot write a: the disk is full" } })
        );
    }
}
