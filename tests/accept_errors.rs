//! A server that runs out of file descriptors: it neither ends nor forgets who is waiting. Alone in its process,
//! because descriptors are the process's.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs::File;

use rpc_core::{Codec, Endpoint};
use tests::{PlaygroundClient, Served, Transport};
use tokio::net::TcpStream;

/// Takes every descriptor that is left.
fn hog() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[tokio::test]
async fn connections_are_accepted_again_when_descriptors_are_free() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    assert_eq!(served.client.add(1, 2).await, Ok(3));
    let mut hogged = hog();
    assert!(!hogged.is_empty());
    // One descriptor for the client's end; none is left for the server's.
    hogged.pop();
    let address = served.address().to_string();
    let waiting = TcpStream::connect(&address).await.unwrap();
    assert_eq!(served.client.add(2, 3).await, Ok(5), "who is connected is served");
    assert!(File::open("/dev/null").is_err(), "descriptors are still exhausted");
    drop(hogged);
    drop(waiting);
    let channel = Endpoint::new().connect(address).await.unwrap();
    assert_eq!(PlaygroundClient::new(channel).add(3, 4).await, Ok(7));
}
