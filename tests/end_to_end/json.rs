//! Calls by name with JSON: what the command line and other languages do.

use rpc_core::{CallError, Code, Codec};
use serde_json::{Value, json};
use tests::{Served, Transport};

async fn call(served: &Served, method: &str, arguments: Value) -> Result<Value, CallError<Value>> {
    served.client.channel().call_json(method, &arguments).await
}

#[tokio::test]
async fn arguments_go_by_name_or_by_position() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    for arguments in [json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}), json!([1, 2])] {
        assert_eq!(call(&served, "Playground.add", arguments).await, Ok(json!(3)));
    }
    assert_eq!(call(&served, "Playground.nothing", json!({})).await, Ok(Value::Null));
    assert_eq!(call(&served, "Playground.echo", json!(["hi"])).await, Ok(json!([104, 105])));
}

#[tokio::test]
async fn the_services_error_arrives_as_json() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let error = call(&served, "Playground.take", json!([11])).await.unwrap_err();
    assert_eq!(error, CallError::App(json!({"TooMuch": {"wanted": 11, "limit": 10}})));
}

#[tokio::test]
async fn wrong_arguments_are_named() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    for (arguments, word) in [
        (json!({"a": 1}), "missing field `b`"),
        (json!({"a": "one", "b": 2}), "invalid type"),
        (json!([1]), "invalid length 1"),
    ] {
        let error = call(&served, "Playground.add", arguments).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.status().unwrap().message().contains(word), "{error:?}");
    }
}

#[tokio::test]
async fn unknown_methods_are_unimplemented() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let error = call(&served, "Playground.gone", json!([])).await.unwrap_err();
    assert_eq!(error.code(), Code::Unimplemented);
}
