//! Servers with too much to do, and what tells that they have: over real sockets, asserted by counts and order, never by how
//! long something took.

use std::time::Duration;

use rpc_core::{Context, Endpoint, Priority, Server, service};
use tests::{PlaygroundClient, PlaygroundServer, Toys};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(60);

/// Calls until the server has said how much it has to do.
async fn told(client: &PlaygroundClient) -> u32 {
    loop {
        client.nothing().await.unwrap();
        if let Some(load) = client.channel().peer_load() {
            return load.in_flight;
        }
    }
}

#[tokio::test]
async fn a_server_tells_how_many_calls_it_serves_for_all_its_clients() {
    let toys = Toys::default();
    let server = Server::new().with(PlaygroundServer::new(toys.clone()));
    let server = server.start("127.0.0.1:0").await.unwrap();
    let busy = PlaygroundClient::connect(server.address()).await.unwrap();
    let waiting: Vec<_> = (0..5).map(|_| tokio::spawn(busy.wait())).collect();
    timeout(LONG, toys.until_waiting(5)).await.unwrap();

    let other = PlaygroundClient::connect(server.address()).await.unwrap();
    assert_eq!(other.channel().peer_load(), None, "it has said nothing yet");
    assert_eq!(timeout(LONG, told(&other)).await.unwrap(), 5);
    assert!(
        other.channel().peer_load().unwrap().queue_delay.is_zero(),
        "none of them waits for it"
    );

    other.open(5).await.unwrap();
    for call in waiting {
        call.await.unwrap().unwrap();
    }
    // The next report comes with the next call after a while.
    let all_ended = async {
        while other.channel().peer_load().unwrap().in_flight > 0 {
            other.nothing().await.unwrap();
        }
    };
    timeout(LONG, all_ended).await.unwrap();
}

#[service]
trait Desk {
    /// The number of the priority of this call, and of one that the caller is called back with.
    async fn priority(&self, cx: &Context) -> (u8, u8);
}

#[service]
trait Customer {
    /// The number of the priority of this call.
    async fn asked(&self, cx: &Context) -> u8;
}

struct Counter;

impl Desk for Counter {
    async fn priority(&self, cx: &Context) -> (u8, u8) {
        let back = cx.peer::<CustomerClient>().asked().await.unwrap();
        (cx.priority().value(), back)
    }
}

impl Customer for Counter {
    async fn asked(&self, cx: &Context) -> u8 {
        cx.priority().value()
    }
}

#[tokio::test]
async fn a_priority_travels_and_is_that_of_the_calls_within() {
    let server = Server::new().with(DeskServer::new(Counter)).start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().with(CustomerServer::new(Counter));
    let desk = DeskClient::new(endpoint.connect(server.address()).await.unwrap());
    assert_eq!(desk.priority().await.unwrap(), (1, 1), "what is said of no call");
    for priority in [Priority::Critical, Priority::Normal, Priority::Low, Priority::Sheddable] {
        let seen = desk.priority().priority(priority).await.unwrap();
        assert_eq!(seen, (priority.value(), priority.value()));
    }
}
