//! Reflection that not everybody may ask.

use rpc_core::{CallError, Code, Endpoint, MethodKey, reflect::ReflectionClient};
use rpc_core::{Credentials, Running};

use crate::orders::{CHIEF, CLERK, OrdersClient, by_words, refused, server};

async fn guarded() -> Running {
    let (server, _) = server();
    let judge = async |credentials: Credentials| by_words(&credentials);
    let server = server.authenticate(judge).reflection_requires("orders:describe");
    server.start("127.0.0.1:0").await.unwrap()
}

async fn reflection(running: &Running, token: &str) -> ReflectionClient {
    let endpoint = Endpoint::new().token(token);
    ReflectionClient::new(endpoint.connect(running.address()).await.unwrap())
}

#[tokio::test]
async fn reflection_is_guarded_like_any_service() {
    let running = guarded().await;
    let clerk = reflection(&running, CLERK).await;
    let (code, words) = refused(clerk.services().await);
    assert_eq!(code, Code::PermissionDenied);
    let expected =
        "Reflection.services requires orders:describe, and this caller lacks orders:describe";
    assert_eq!(words, expected);
    match clerk.describe("Orders").await {
        Err(CallError::Status(status)) => assert_eq!(status.code(), Code::PermissionDenied),
        other => panic!("not refused: {other:?}"),
    }
    let anybody = ReflectionClient::connect(running.address()).await.unwrap();
    assert_eq!(refused(anybody.services().await).0, Code::Unauthenticated);
    let chief = reflection(&running, CHIEF).await;
    assert_eq!(chief.services().await.unwrap(), ["Orders", "Lobby", "Reflection"]);
}

#[tokio::test]
async fn a_description_says_what_is_required() {
    let running = guarded().await;
    let chief = reflection(&running, CHIEF).await;
    let orders = chief.describe("Orders").await.unwrap();
    assert_eq!(&orders, OrdersClient::schema());
    assert_eq!(orders.method("cancel").unwrap().requires, ["orders:read", "orders:write"]);
    let own = chief.describe("Reflection").await.unwrap();
    assert_eq!(own.method("services").unwrap().requires, ["orders:describe"]);
}

/// A refusal that lists services would answer what it refuses.
#[tokio::test]
async fn refusals_do_not_tell_what_there_is() {
    let running = guarded().await;
    let channel = Endpoint::new().token(CLERK).connect(running.address()).await.unwrap();
    let call = channel.call_json("Orders.burn", &serde_json::json!([]));
    let Err(CallError::Status(status)) = call.await else { panic!("not refused") };
    assert_eq!(status.code(), Code::Unimplemented);
    for hidden in ["Orders", "Lobby", "Reflection"] {
        assert!(!status.message().contains(hidden), "{status}");
    }
    assert_ne!(MethodKey::bare("Orders.burn"), MethodKey::bare("Orders.count"));
}
