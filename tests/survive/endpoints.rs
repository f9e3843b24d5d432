//! What an endpoint says holds for each connection: services, hooks, TLS, what is known of signatures.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rpc_core::{Channel, Code, Context, Endpoint, Server, Status, service};
use tests::{Authority, PlaygroundClient, PlaygroundServer, Toys, Transport};
use tokio::sync::mpsc;

use crate::ground::{Place, kill, soon};

#[service]
trait Room {
    async fn join(&self, name: String, cx: &Context) -> u64;
    async fn greet(&self, cx: &Context) -> Result<String, Status>;
}

#[service]
trait Guest {
    async fn name(&self) -> String;
}

struct Ada;

impl Guest for Ada {
    async fn name(&self) -> String {
        "ada".to_owned()
    }
}

/// Whom it has seen it has forgotten with the connection.
struct Den(mpsc::UnboundedSender<String>);

impl Room for Den {
    async fn join(&self, name: String, cx: &Context) -> u64 {
        cx.connection().insert(name.clone());
        self.0.send(name).unwrap();
        1
    }

    async fn greet(&self, cx: &Context) -> Result<String, Status> {
        if cx.connection().state::<String>().is_none() {
            return Err(Status::new(Code::FailedPrecondition, "who are you?"));
        }
        let guest: GuestClient = cx.peer();
        Ok(format!("hello {}", guest.name().await?))
    }
}

#[tokio::test(start_paused = true)]
async fn the_hook_runs_on_each_connection_ahead_of_all_calls_and_services_are_served_on_it() {
    let place = Place::default();
    let (seen, mut joined) = mpsc::unbounded_channel();
    let serve = || place.serve_by(Server::new().with(RoomServer::new(Den(seen.clone()))));
    let mut running = serve();
    let endpoint = Endpoint::new().with(GuestServer::new(Ada)).on_connected(|channel| async move {
        RoomClient::new(channel).join("ada").await.map(drop)
    });
    let room = place.connect(endpoint, RoomClient::new).await;
    for _ in 0..5 {
        assert_eq!(soon(joined.recv()).await.unwrap(), "ada");
        assert_eq!(soon(room.greet()).await.unwrap(), "hello ada");
        kill(running).await;
        running = serve();
    }
    // Nobody has called: it has come back by itself.
    assert_eq!(soon(joined.recv()).await.unwrap(), "ada");
    drop(room);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_fails_has_another_connection_tried() {
    let (place, toys) = (Place::default(), Toys::default());
    let running = place.serve(&toys);
    let tries = Arc::new(AtomicUsize::new(0));
    let hook = {
        let tries = tries.clone();
        move |_channel: Channel| {
            let nth = tries.fetch_add(1, Ordering::SeqCst);
            async move {
                match nth {
                    0 | 3 => Ok(()),
                    _ => Err(Status::new(Code::Aborted, "not yet")),
                }
            }
        }
    };
    let client = place.connect(Endpoint::new().on_connected(hook), PlaygroundClient::new).await;
    kill(running).await;
    let _running = place.serve(&toys);
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
    assert_eq!((tries.load(Ordering::SeqCst), place.attempts()), (4, 4));
    let refusing = Endpoint::new()
        .on_connected(|_| async { Err::<(), _>(Status::new(Code::Aborted, "never")) });
    let error = refusing.connect_with(place).await.unwrap_err();
    assert!(error.to_string().ends_with("failed: ABORTED: never"), "{error}");
}

mod before {
    #[rpc_core::service]
    pub(crate) trait Shop {
        async fn price(&self, item: String) -> u32;
    }
}

mod after {
    #[rpc_core::service]
    pub(crate) trait Shop {
        async fn price(&self, item: String, amount: Option<u32>) -> u32;
    }
}

struct Old;
struct New;

impl before::Shop for Old {
    async fn price(&self, _item: String) -> u32 {
        1
    }
}

impl after::Shop for New {
    async fn price(&self, _item: String, amount: Option<u32>) -> u32 {
        2 * amount.unwrap_or(1)
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_signatures_is_known_of_one_connection() {
    let place = Place::default();
    let old = || place.serve_by(Server::new().with(before::ShopServer::new(Old)));
    let new = || place.serve_by(Server::new().with(after::ShopServer::new(New)));
    let mut running = old();
    let endpoint = Endpoint::new().evolve(true);
    let shop = place.connect(endpoint, before::ShopClient::new).await;
    for version in [1, 2, 1, 2, 2, 1] {
        kill(running).await;
        running = if version == 1 { old() } else { new() };
        for _ in 0..3 {
            assert_eq!(soon(shop.price("tea")).await, Ok(version));
        }
    }
    drop(running);
}

#[tokio::test]
async fn channels_over_real_sockets_come_back() {
    for transport in [Transport::Tcp, Transport::Unix] {
        let served = tests::Served::over(transport, Default::default()).await;
        let address = served.address().clone();
        assert_eq!(served.client.add(1, 2).await, Ok(3));
        kill(served.running.unwrap()).await;
        let server = Server::new().with(PlaygroundServer::new(Toys::default()));
        let _running = server.start(&address).await.unwrap();
        assert_eq!(soon(served.client.add(1, 2)).await, Ok(3));
    }
}

#[tokio::test]
async fn channels_over_tls_come_back() {
    let authority = Authority::default();
    let server = || {
        let server = Server::new().tls(authority.server_tls());
        server.with(PlaygroundServer::new(Toys::default()))
    };
    let running = server().start("127.0.0.1:0").await.unwrap();
    let address = running.address().clone();
    let endpoint = Endpoint::new().tls(authority.client_tls());
    let client = PlaygroundClient::new(endpoint.connect(&address).await.unwrap());
    assert_eq!(client.add(1, 2).await, Ok(3));
    kill(running).await;
    let _running = server().start(address.to_string().trim_start_matches("tls:")).await.unwrap();
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
}
