//! Channels to many servers: how they are made, what they say of themselves, how they end.

use std::time::Duration;

use rpc_core::{Channel, ChannelState, Code, Endpoint, Reconnect, Server, tls::ClientTls};
use tests::Authority;

use crate::ground::{Told, WorkClient, WorkServer, Worker, Yard, all_known, connected, kill, soon};

/// An address at which nobody listens.
async fn nowhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_channel_begins_with_whoever_is_there() {
    let yard = Yard::plain(1).await;
    let text = format!("{},{}", nowhere().await, yard.text());
    let client = WorkClient::connect(text).await.unwrap();
    for number in 0..100 {
        assert_eq!(client.look(number).await, Ok(0));
    }
}

#[tokio::test]
async fn nobody_is_there_and_the_error_says_so() {
    let (one, other) = (nowhere().await, nowhere().await);
    let error = Channel::connect(format!("{one},{other}")).await.unwrap_err().to_string();
    assert!(
        error.starts_with("none of 2 servers can be reached: nothing is listening at 127."),
        "{error}"
    );
    // Who does not wait for the first connection is told so by the calls.
    let endpoint = Endpoint::new().reconnect(Reconnect::new().patience(Duration::from_millis(100)));
    let channel = endpoint.connect_lazy(format!("{one},{other}")).unwrap();
    assert_eq!(channel.state(), ChannelState::Idle);
    let client = WorkClient::new(channel);
    let error = soon(client.enter(1)).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().contains("none of 2 servers can be reached"), "{error}");
    assert!(error.to_string().contains("the call was not started"), "{error}");
    let error = soon(client.enter(1).timeout(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(matches!(client.channel().state(), ChannelState::Lost(_)));
}

#[tokio::test]
async fn calls_wait_for_the_first_server() {
    let yard = Yard::plain(1).await;
    let (told, teller) = Told::new();
    let client = WorkClient::new(Endpoint::new().connect_fleet_lazy(told).unwrap());
    let call = tokio::spawn(client.enter(7).timeout(Duration::from_secs(60)));
    soon(async {
        while client.channel().open_calls() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(client.channel().state(), ChannelState::Connecting);
    teller.tell([yard.address(0)]);
    assert_eq!(soon(call).await.unwrap(), Ok(0));
    assert_eq!(client.channel().state(), ChannelState::Ready);
    assert_eq!(client.channel().peer().to_string(), yard.address(0).to_string());
}

#[tokio::test]
async fn a_channel_is_closed_and_with_it_all_its_connections() {
    let yard = Yard::plain(3).await;
    let client = yard.client(Endpoint::new()).await;
    all_known(&client, 3).await;
    assert_eq!(soon(client.channel().close()).await, Ok(()));
    assert!(client.channel().is_closed());
    let error = soon(client.enter(1)).await.unwrap_err();
    assert!(error.to_string().contains("not started"), "{error}");
    soon(async {
        while yard.running.iter().flatten().any(|running| running.connections() != 0) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_last_channel_is_dropped_and_nothing_is_left() {
    let yard = Yard::plain(3).await;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let client = yard.client(Endpoint::new()).await;
    all_known(&client, 3).await;
    // Its server is gone at the time, and nobody dials it any more.
    let mut yard = yard;
    kill(yard.running[1].take().unwrap()).await;
    drop(client);
    soon(async {
        let metrics = tokio::runtime::Handle::current().metrics();
        while yard.running.iter().flatten().any(|running| running.connections() != 0)
            || metrics.num_alive_tasks() > tasks
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_sent_is_answered_though_the_channel_is_gone() {
    let slow = Worker::reacting(0, |_| crate::ground::Reaction::Takes(Duration::from_millis(50)));
    let yard = Yard::of(vec![slow, Worker::new(1)]).await;
    let client = yard.client(Endpoint::new()).await;
    let calls: Vec<_> = (0..8).map(|number| tokio::spawn(client.enter(number))).collect();
    soon(async {
        while yard.calls().iter().sum::<usize>() < 8 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    drop(client);
    for call in calls {
        soon(call).await.unwrap().unwrap();
    }
}

/// Servers that share a name are believed by that name.
#[tokio::test]
async fn a_name_in_dns_is_what_certificates_are_checked_for() {
    let authority = Authority::new("fleet");
    let leaf = authority.server(&["localhost"]);
    let server = Server::new().with(WorkServer::new(Worker::new(3))).tls(leaf.server_tls());
    let running = server.start("127.0.0.1:0").await.unwrap();
    let port = running.address().to_string().rsplit_once(':').unwrap().1.to_owned();
    let tls: ClientTls = authority.client_tls();
    let endpoint = Endpoint::new().tls(tls);
    let client = WorkClient::new(endpoint.connect(format!("dns:localhost:{port}")).await.unwrap());
    assert_eq!(client.look(0).await, Ok(3));
    // By its number it is somebody else.
    let error = endpoint.connect(format!("127.0.0.1:{port},127.0.0.1:1")).await.unwrap_err();
    assert!(error.to_string().starts_with("none of 2 servers"), "{error}");
}

#[tokio::test]
async fn many_servers_are_no_place_to_listen_at() {
    for text in ["127.0.0.1:0,127.0.0.1:0", "dns:localhost:0", "file:/nowhere"] {
        let server = Server::new().with(WorkServer::new(Worker::new(0)));
        let error = server.start(text).await.unwrap_err().to_string();
        assert!(error.contains("it stands for several servers"), "{error}");
    }
}

#[tokio::test]
async fn a_hook_is_run_for_each_connection() {
    let yard = Yard::plain(2).await;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let endpoint = Endpoint::new().on_connected(move |channel| {
        let sender = sender.clone();
        async move {
            let server = WorkClient::new(channel).look(0).await?;
            let _ = sender.send(server);
            Ok::<_, rpc_core::Status>(())
        }
    });
    let client = yard.client(endpoint).await;
    let mut hooked = [soon(receiver.recv()).await.unwrap(), soon(receiver.recv()).await.unwrap()];
    hooked.sort_unstable();
    assert_eq!(hooked, [0, 1]);
    drop(client);
    let (told, teller) = Told::new();
    teller.tell([yard.address(0)]);
    drop(connected(told).await);
}
