//! A server describes itself, unless it was told not to.

use rpc_core::{
    Code, Codec, Server,
    reflect::{ReflectError, ReflectionClient},
};
use tests::{PlaygroundClient, Served, Transport, each_transport_and_codec};

#[test]
fn services_are_listed_and_described() {
    each_transport_and_codec(async |served| {
        let reflection = ReflectionClient::new(served.client.channel().clone());
        assert_eq!(reflection.services().await.unwrap(), ["Playground", "Reflection"]);
        let described = reflection.describe("Playground").await.unwrap();
        assert_eq!(&described, PlaygroundClient::schema());
        let itself = reflection.describe("Reflection").await.unwrap();
        assert_eq!(&itself, ReflectionClient::schema());
    });
}

#[tokio::test]
async fn documentation_travels_along() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let reflection = ReflectionClient::new(served.client.channel().clone());
    let schema = reflection.describe("Playground").await.unwrap();
    assert_eq!(schema.doc, "Every kind of method.");
    assert_eq!(schema.method("note").unwrap().doc, "No reply.");
    let names: Vec<&str> = schema.types.iter().map(|(_, container)| &*container.name).collect();
    assert_eq!(names, ["Colour", "Order", "Refused"]);
}

#[tokio::test]
async fn an_unknown_service_is_a_typed_error() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let reflection = ReflectionClient::new(served.client.channel().clone());
    let error = reflection.describe("Gone").await.unwrap_err();
    let Some(ReflectError::UnknownService { name, services }) = error.app() else {
        panic!("another error: {error}")
    };
    assert_eq!((name.as_str(), services.len()), ("Gone", 2));
}

#[tokio::test]
async fn reflection_can_be_switched_off() {
    let server = Server::new().without_reflection();
    let served = Served::with(server, Transport::Tcp, Codec::Bincode).await;
    let reflection = ReflectionClient::new(served.client.channel().clone());
    assert_eq!(reflection.services().await.unwrap_err().code(), Code::Unimplemented);
    assert_eq!(served.client.add(1, 2).await, Ok(3));
}
