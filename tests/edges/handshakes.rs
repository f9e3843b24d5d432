//! Clients that connect and say nothing: the oldest of them make room, and nobody else is kept waiting.

use std::{collections::VecDeque, io, time::Duration};

use rpc_core::{Running, Server};
use tests::{PlaygroundClient, PlaygroundServer, Toys};
use tokio::{io::AsyncReadExt as _, net::TcpStream};

const LIMIT: usize = 32;

/// A server that gives nobody up for want of time.
async fn serve(server: Server) -> Running {
    let patience = Duration::from_secs(1 << 20);
    let server = server.handshake_timeout(patience).with(PlaygroundServer::new(Toys::default()));
    server.start("127.0.0.1:0").await.unwrap()
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.address().to_string()).await.unwrap()
}

/// True if the server has closed a connection on which it has said nothing.
fn is_open(silent: &TcpStream) -> bool {
    matches!(silent.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

/// Resolves when the server closes the connection.
async fn until_closed(silent: &mut TcpStream) {
    let mut told = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(60), silent.read_to_end(&mut told)).await;
    closed.expect("it is closed").unwrap();
}

/// Two thousand connect and say nothing; clients that speak are served all the time, old ones and new ones.
async fn check(server: Server) {
    let running = serve(server.max_handshakes(LIMIT)).await;
    let faithful = PlaygroundClient::connect(running.address()).await.unwrap();
    let mut silent = VecDeque::new();
    for index in 0..2000 {
        silent.push_back(connect(&running).await);
        assert_eq!(faithful.add(index, 1).await, Ok(index + 1));
        if index % 20 == 0 {
            let fresh = PlaygroundClient::connect(running.address()).await.unwrap();
            assert_eq!(fresh.add(2, index).await, Ok(index + 2));
        }
        if silent.len() > LIMIT {
            until_closed(&mut silent.pop_front().unwrap()).await;
        }
    }
    assert_eq!(silent.len(), LIMIT);
    // Each new client was one too many until it had said hello.
    let left = silent.iter().skip(1).filter(|silent| is_open(silent)).count();
    assert_eq!(left, LIMIT - 1, "the youngest stay");
    running.shutdown().await;
}

#[tokio::test]
async fn silent_clients_keep_nobody_out() {
    check(Server::new()).await;
}

#[tokio::test]
async fn nor_where_connections_are_served_on_threads() {
    check(Server::new().threads(2)).await;
}

/// The limit for silent ones is far above that for all.
#[tokio::test]
async fn silent_clients_do_not_have_all_shares_of_the_limit() {
    let running = serve(Server::new().max_connections(4)).await;
    let mut silent = VecDeque::new();
    for index in 0..40 {
        silent.push_back(connect(&running).await);
        if silent.len() == 4 {
            until_closed(&mut silent.pop_front().unwrap()).await;
        }
        if index % 4 == 0 {
            let fresh = PlaygroundClient::connect(running.address()).await.unwrap();
            assert_eq!(fresh.add(2, index).await, Ok(index + 2));
        }
    }
    running.shutdown().await;
}

/// Those who have said hello may be as many as all connections, silent from then on or not.
#[tokio::test]
async fn clients_that_have_said_hello_are_not_counted() {
    let running = serve(Server::new().max_handshakes(2)).await;
    let mut greeted = Vec::new();
    for _ in 0..20 {
        let client = PlaygroundClient::connect(running.address()).await.unwrap();
        client.channel().ready().await.unwrap();
        greeted.push(client);
    }
    let _silent = [connect(&running).await, connect(&running).await, connect(&running).await];
    for client in greeted {
        assert_eq!(client.add(1, 2).await, Ok(3));
    }
    running.shutdown().await;
}
