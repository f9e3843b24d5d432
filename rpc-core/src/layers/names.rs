//! Names of OpenTelemetry's conventions for RPC: all of them, so that a change of those is made in one place.

use crate::proto::{Failure, Status};

pub(super) const SYSTEM: &str = "rpc-core";

/// The status of a call as an attribute: the name of its code, `OK`, or `APPLICATION` for the method's own error.
pub(super) fn status(failure: Option<&Failure>) -> &'static str {
    match failure {
        None => "OK",
        Some(Failure::Application(_)) => "APPLICATION",
        Some(Failure::Status(status)) => Status::code(status).name(),
    }
}
