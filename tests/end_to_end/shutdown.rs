//! Servers that end: what runs is finished, what is new is refused as never started.

use std::time::Duration;

use rpc_core::{Channel, Code, Codec, Server};
use tests::{PlaygroundClient, PlaygroundServer, Served, Toys, Transport};

#[tokio::test]
async fn a_shutdown_finishes_what_runs_and_starts_nothing_else() {
    for transport in [Transport::Tcp, Transport::Unix] {
        let mut served = Served::over(transport, Codec::Bincode).await;
        let address = served.address().clone();
        let client = served.client.clone();
        let waiting = tokio::spawn(async move { client.wait().await });
        served.toys.until_waiting(1).await;
        let running = served.running.take().unwrap();
        let shutdown = tokio::spawn(running.shutdown());
        // The goaway is on its way: calls go through or were never started, until it is here.
        let refused = loop {
            match served.client.nothing().await {
                Ok(()) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        };
        assert_eq!(refused.code(), Code::Unavailable);
        assert!(refused.status().unwrap().is_safe_to_retry(), "{refused}");
        assert!(Channel::connect(&address).await.is_err(), "it does not listen any more");
        rpc_core_open(&served).await;
        assert_eq!(waiting.await.unwrap(), Ok(7));
        shutdown.await.unwrap();
    }
}

/// Lets the waiting handler pass without a connection to its server.
async fn rpc_core_open(served: &Served) {
    use tests::Playground as _;
    served.toys.open(1).await;
}

#[tokio::test]
async fn the_grace_period_ends_what_does_not() {
    let server = Server::new().grace(Duration::from_millis(20));
    let mut served = Served::with(server, Transport::Tcp, Codec::Bincode).await;
    let client = served.client.clone();
    let waiting = tokio::spawn(async move { client.wait().await });
    served.toys.until_waiting(1).await;
    served.running.take().unwrap().shutdown().await;
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.status().unwrap().may_have_run());
    served.toys.until_waiting(0).await;
}

#[tokio::test]
async fn a_unix_socket_file_goes_with_its_server_and_a_stale_one_is_replaced() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("socket");
    let address = format!("unix:{}", path.display());
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "a socket file without a listener");
    let running = Server::new().start(&address).await.unwrap();
    let taken = Server::new().start(&address).await.unwrap_err();
    assert!(taken.to_string().contains("cannot listen"), "{taken}");
    Channel::connect(&address).await.unwrap().ready().await.unwrap();
    running.shutdown().await;
    assert!(!path.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_address_replaces_no_file_of_others() {
    let folder = tempfile::TempDir::new().unwrap();
    let server = || Server::new().with(PlaygroundServer::new(Toys::default()));
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, "precious").unwrap();
    assert!(server().start(format!("unix:{}", notes.display())).await.is_err());
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "precious");

    // One server takes the place of another that is still there; the end of that one is not its own.
    let path = folder.path().join("socket");
    let address = format!("unix:{}", path.display());
    let former = server().start(&address).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let _running = server().start(&address).await.unwrap();
    former.shutdown().await;
    let client = PlaygroundClient::connect(&address).await.unwrap();
    assert_eq!(client.add(1, 2).await, Ok(3));
}
