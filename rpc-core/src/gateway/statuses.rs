//! The ends of calls in the words of HTTP and JSON-RPC (PROTOCOL §24).

use std::borrow::Cow;

use data_encoding::BASE64;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::proto::{Code, Execution, Failure, MetadataValue, Payload, Status};

/// JSON-RPC's codes for requests that are not calls.
pub(super) const PARSE_ERROR: Fault = Fault(-32700, "Parse error");
pub(super) const INVALID_REQUEST: Fault = Fault(-32600, "Invalid Request");
const METHOD_NOT_FOUND: Fault = Fault(-32601, "Method not found");
pub(super) const INVALID_PARAMS: Fault = Fault(-32602, "Invalid params");
const INTERNAL_ERROR: Fault = Fault(-32603, "Internal error");

/// The code of a method's own error, whose value is the data.
const OWN_ERROR: i64 = 2;

/// One of JSON-RPC's own errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault(i64, &'static str);

impl Fault {
    /// The error object, with words that say more.
    pub(super) fn error(self, more: &str) -> Vec<u8> {
        let data = json!({ "message": more });
        json!({ "code": self.0, "message": self.1, "data": data }).to_string().into_bytes()
    }
}

/// The status of HTTP for a call that ended with this code.
pub(super) const fn http(code: Code) -> StatusCode {
    match code {
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => {
            StatusCode::BAD_REQUEST
        }
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        // What others call 499; the client has gone.
        Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// The error object of a call that failed.
pub(super) fn error(failure: &Failure) -> Vec<u8> {
    match failure {
        Failure::Application(value) => {
            let mut text =
                format!(r#"{{"code":{OWN_ERROR},"message":"the method's own error","data":"#)
                    .into_bytes();
            text.extend_from_slice(written(value));
            text.push(b'}');
            text
        }
        Failure::Status(status) => of_status(status),
    }
}

/// A status without the words of a [`Fault`]: for what is none, though its code may be that of one.
pub(super) fn plain_error(status: &Status) -> Vec<u8> {
    object(server_code(status.code()), said(status), status)
}

fn of_status(status: &Status) -> Vec<u8> {
    let started = status.may_have_run();
    let fault = match status.code() {
        Code::Unimplemented if !started => METHOD_NOT_FOUND,
        Code::InvalidArgument if !started => INVALID_PARAMS,
        Code::Internal => INTERNAL_ERROR,
        _ => return plain_error(status),
    };
    object(fault.0, fault.1, status)
}

/// The code of a status among those that JSON-RPC leaves to servers.
fn server_code(code: Code) -> i64 {
    -32000 - i64::from(code.value())
}

fn said(status: &Status) -> &str {
    let message = status.message();
    if message.is_empty() { status.code().name() } else { message }
}

fn object(code: i64, message: &str, status: &Status) -> Vec<u8> {
    let execution = match status.execution() {
        Execution::NotStarted => "not_started",
        Execution::MayHaveRun => "may_have_run",
    };
    let mut data = json!({
        "name": status.code().name(),
        "execution": execution,
        "message": status.message(),
    });
    if let Value::Object(data) = &mut data {
        let mut add = |key: &str, value| drop(data.insert(key.to_owned(), value));
        if let Some(after) = status.retry_after() {
            let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            add("retry_after_ms", millis.into());
        }
        let details = status
            .details()
            .map(|(name, bytes)| json!({ "name": name, "bytes": BASE64.encode(bytes) }));
        let details: Vec<Value> = details.collect();
        if !details.is_empty() {
            add("details", details.into());
        }
        let pairs = status.metadata().iter_all().map(|(key, value)| match value {
            MetadataValue::Text(text) => json!([key, text]),
            MetadataValue::Binary(bytes) => json!([key, BASE64.encode(bytes)]),
        });
        let pairs: Vec<Value> = pairs.collect();
        if !pairs.is_empty() {
            add("metadata", pairs.into());
        }
    }
    json!({ "code": code, "message": message, "data": data }).to_string().into_bytes()
}

/// The failure that an error object stands for, whoever has written it.
pub(super) fn failure(error: &str) -> Failure {
    let Ok(ErrorObject { code, message, data }) = serde_json::from_str(error) else {
        let message = "the other side has failed, and does not say how in the way of JSON-RPC";
        return Failure::Status(Status::new(Code::Unknown, message));
    };
    let said: Option<Said<'_>> = data.and_then(|data| serde_json::from_str(data.get()).ok());
    let started = said.as_ref().is_none_or(|said| said.execution != Some("not_started"));
    let (status, started) = match code {
        OWN_ERROR => {
            let value = data.map_or("null", RawValue::get);
            return Failure::Application(Payload::copy_from_slice(value.as_bytes()));
        }
        -32601 => (Code::Unimplemented, false),
        -32602 => (Code::InvalidArgument, started && said.is_some()),
        -32603 => (Code::Internal, started),
        -32016..=-32001 => (Code::from_value((-32000 - code) as u8), started),
        _ => {
            let message = format!("the other side has failed with code {code}: {message}");
            return Failure::Status(Status::new(Code::Unknown, message));
        }
    };
    let message = match said.and_then(|said| said.message) {
        Some(message) if !message.is_empty() => message.into_owned(),
        _ => message.into_owned(),
    };
    Failure::Status(match started {
        true => Status::new(status, message),
        false => Status::not_started(status, message),
    })
}

/// An error object.
#[derive(Deserialize)]
struct ErrorObject<'t> {
    code: i64,
    #[serde(borrow, default)]
    message: Cow<'t, str>,
    #[serde(borrow)]
    data: Option<&'t RawValue>,
}

/// What this crate says in its data.
#[derive(Deserialize)]
struct Said<'t> {
    execution: Option<&'t str>,
    #[serde(borrow)]
    message: Option<Cow<'t, str>>,
}

/// The text of a value; one-way methods have none.
pub(super) fn written(payload: &Payload) -> &[u8] {
    if payload.is_empty() { b"null" } else { payload.as_slice() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_come_back_as_what_they_were() {
        let own = Failure::Application(Payload::copy_from_slice(b"{\"a\":1}"));
        let statuses = [
            Status::new(Code::NotFound, "no such room"),
            Status::not_started(Code::Unavailable, "draining"),
            Status::not_started(Code::Unimplemented, "no method"),
            Status::not_started(Code::InvalidArgument, "no number"),
            Status::new(Code::InvalidArgument, "not even"),
            Status::new(Code::Internal, "handler panicked"),
            Status::new(Code::Unauthenticated, ""),
        ];
        for failure in statuses.into_iter().map(Failure::Status).chain([own]) {
            let text = String::from_utf8(error(&failure)).unwrap();
            match (self::failure(&text), failure) {
                (Failure::Status(read), Failure::Status(wrote)) => {
                    assert_eq!(
                        (read.code(), read.may_have_run()),
                        (wrote.code(), wrote.may_have_run())
                    );
                    assert!(read.message().ends_with(wrote.message()), "{read}");
                }
                (read, wrote) => assert_eq!(read, wrote),
            }
        }
    }

    #[test]
    fn errors_of_others_are_read_as_far_as_they_go() {
        let of = |text: &str| match failure(text) {
            Failure::Status(status) => (status.code(), status.may_have_run()),
            Failure::Application(_) => panic!("{text} is a status"),
        };
        assert_eq!(
            of(r#"{"code":-32601,"message":"Method not found"}"#),
            (Code::Unimplemented, false)
        );
        assert_eq!(of(r#"{"code":-32602,"message":"x"}"#), (Code::InvalidArgument, false));
        assert_eq!(of(r#"{"code":-32603,"message":"x","data":[1]}"#), (Code::Internal, true));
        for text in [r#"{"code":7,"message":"busy"}"#, "{}", "1", r#"{"code":"x"}"#] {
            assert_eq!(of(text), (Code::Unknown, true), "{text}");
        }
    }
}
