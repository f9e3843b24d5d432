//! Calls that end without a value: with the handler's status as it was sent, or because no server has the method.

use bytes::Bytes;
use futures_util::stream;
use rpc_core::{CallError, Code, Status, service};

use crate::service::{EchoStatus, Request, TestServiceClient, each};

/// Asks both ways of ending with a status for this one.
async fn echoes(client: &TestServiceClient, code: Code, message: &str) {
    let status = EchoStatus { code: code.value(), message: message.to_owned() };
    let request = Request { status: Some(status), ..Request::default() };
    let expected: CallError = Status::new(code, message.to_owned()).into();
    let error = client.unary_call(&request, Bytes::new()).await.unwrap_err();
    assert_eq!(error, expected);
    let mut replies = client.full_duplex_call(stream::iter([request])).await.unwrap();
    assert_eq!(replies.next().await, Some(Err(expected)));
    assert_eq!(replies.next().await, None);
}

#[test]
fn status_code_and_message() {
    each(async |client, _| echoes(&client, Code::Unknown, "test status message").await);
}

/// Every code that a handler may choose arrives as that code.
#[test]
fn status_of_every_code() {
    each(async |client, _| {
        for code in (1..=16).map(Code::from_value) {
            echoes(&client, code, "as it was sent").await;
        }
    });
}

#[test]
fn special_status_message() {
    each(async |client, _| {
        let message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
        echoes(&client, Code::Unknown, message).await;
    });
}

/// The service as a client knows it that was built against another version.
mod other {
    use rpc_core::service;

    #[service]
    pub(super) trait TestService {
        async fn unimplemented_call(&self);
    }
}

/// A service that the server does not have.
#[service]
trait UnimplementedService {
    async fn unimplemented_call(&self);
}

#[test]
fn unimplemented_method() {
    each(async |client, _| {
        let client = other::TestServiceClient::new(client.channel().clone());
        let error = client.unimplemented_call().await.unwrap_err();
        assert_eq!(error.code(), Code::Unimplemented, "{error}");
        assert!(!error.status().unwrap().may_have_run());
    });
}

#[test]
fn unimplemented_service() {
    each(async |client, _| {
        let client = UnimplementedServiceClient::new(client.channel().clone());
        let error = client.unimplemented_call().await.unwrap_err();
        assert_eq!(error.code(), Code::Unimplemented, "{error}");
        assert!(!error.status().unwrap().may_have_run());
    });
}
