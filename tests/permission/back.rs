//! Calls back: what a client's own services require, and what their server may do there.

use rpc_core::{CallError, Code, Context, Endpoint, Server, service};

#[service]
trait Gate {
    /// Calls the caller back, and tells what came of it.
    async fn knock(&self, cx: &Context) -> String;
}

#[service]
#[rpc(requires = "door:open")]
trait Door {
    async fn open(&self, cx: &Context) -> String;
}

struct Porter;

impl Gate for Porter {
    async fn knock(&self, cx: &Context) -> String {
        match cx.peer::<DoorClient>().open().await {
            Ok(said) => said,
            Err(CallError::Status(status)) => format!("{}: {}", status.code(), status.message()),
            Err(_) => unreachable!("it has no error of its own"),
        }
    }
}

struct Oak;

impl Door for Oak {
    async fn open(&self, cx: &Context) -> String {
        format!("open, {}, {}", cx.permits("door:open"), cx.permits("door:burn"))
    }
}

async fn knock(endpoint: Endpoint) -> String {
    let server = Server::new().with(GateServer::new(Porter)).start("127.0.0.1:0").await.unwrap();
    let channel = endpoint.with(DoorServer::new(Oak)).connect(server.address()).await.unwrap();
    GateClient::new(channel).knock().await.unwrap()
}

#[tokio::test]
async fn a_server_may_call_back_what_its_client_grants_and_nothing_else() {
    let refused = knock(Endpoint::new()).await;
    assert_eq!(
        refused,
        "UNAUTHENTICATED: Door.open requires door:open, and nothing proves who calls"
    );
    assert_eq!(
        knock(Endpoint::new().grant("window:open").grant("door:open")).await,
        "open, true, false"
    );
    assert_eq!(knock(Endpoint::new().grant("door:*")).await, "open, true, true");
    assert_eq!(Code::Unauthenticated.name(), "UNAUTHENTICATED");
}
