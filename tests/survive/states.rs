//! What a channel says of itself, and when it gives up for good.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use rpc_core::{ChannelState, Code, Endpoint, Principal, Reconnect, Server, StaticTokens, Status};
use tests::{PlaygroundClient, PlaygroundServer, Toys};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::ground::{Place, kill, soon};

/// What is asked for of the first state that has it; others may be passed over.
async fn until<T>(
    states: &mut (impl Stream<Item = ChannelState> + Unpin),
    asked: impl Fn(ChannelState) -> Option<T>,
) -> T {
    loop {
        if let Some(found) = asked(soon(states.next()).await.expect("there are more states")) {
            return found;
        }
    }
}

fn lost(state: ChannelState) -> Option<Status> {
    match state {
        ChannelState::Lost(why) => Some(why),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn the_states_of_a_channel_are_told_one_after_the_other() {
    let (place, toys) = (Place::default(), Toys::default());
    let channel = Endpoint::new().connect_lazy_with(place.clone()).unwrap();
    let client = PlaygroundClient::new(channel.clone());
    let mut states = Box::pin(channel.states());
    assert_eq!(soon(states.next()).await, Some(ChannelState::Idle));
    let call = tokio::spawn(client.add(1, 2).timeout(Duration::from_secs(3600)));
    let why = until(&mut states, lost).await;
    assert_eq!(why.message(), "nothing is listening at the place");
    let running = place.serve(&toys);
    until(&mut states, |state| (state == ChannelState::Ready).then_some(())).await;
    assert_eq!(soon(call).await.unwrap(), Ok(3));
    kill(running).await;
    assert_eq!(until(&mut states, lost).await.code(), Code::Unavailable);
    assert!(!channel.is_closed());
    let _running = place.serve(&toys);
    channel.ready().await.unwrap();
    assert_eq!(channel.state(), ChannelState::Ready);
    assert!(channel.ping().await.is_ok());
    channel.close().await.unwrap();
    let mut last = None;
    while let Some(state) = soon(states.next()).await {
        last = Some(state);
    }
    assert_eq!(last, Some(ChannelState::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_was_closed_dials_no_more() {
    let (place, toys) = (Place::default(), Toys::default());
    let _running = place.serve(&toys);
    let client = place.connect(Endpoint::new(), PlaygroundClient::new).await;
    let other = place.connect(Endpoint::new(), PlaygroundClient::new).await;
    let waiting = tokio::spawn(client.wait());
    soon(toys.until_waiting(1)).await;
    let closing = tokio::spawn({
        let channel = client.channel().clone();
        async move { channel.close().await }
    });
    soon(client.channel().draining()).await;
    let error = client.add(1, 2).await.unwrap_err();
    assert!(!error.status().unwrap().may_have_run(), "{error}");
    assert!(!closing.is_finished());
    other.open(1).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap(), Ok(7));
    assert_eq!(soon(closing).await.unwrap(), Ok(()));
    assert_eq!(client.channel().state(), ChannelState::Closed);
    assert_eq!(place.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_waits_for_a_connection_can_be_closed() {
    let place = Place::default();
    let channel = Endpoint::new().connect_lazy_with(place.clone()).unwrap();
    let call = tokio::spawn(PlaygroundClient::new(channel.clone()).add(1, 2));
    tokio::time::sleep(Duration::from_secs(1)).await;
    channel.close().await.unwrap();
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("connection closed; the call was not started"), "{error}");
    let attempts = place.attempts();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(place.attempts(), attempts);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_is_not_shown_for_ever() {
    let (place, toys) = (Place::default(), Toys::default());
    let tokens = || StaticTokens::new().with("secret", Principal::default());
    let server = || Server::new().with(PlaygroundServer::new(toys.clone()));
    let running = place.serve_by(server().authenticate(tokens()));
    let endpoint = Endpoint::new().token("secret");
    let client = place.connect(endpoint, PlaygroundClient::new).await;
    assert_eq!(client.add(1, 2).await, Ok(3));
    kill(running).await;
    // It comes back with its token, until nobody knows that any more.
    let running = place.serve_by(server().authenticate(tokens()));
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
    kill(running).await;
    let _running = place.serve_by(server().authenticate(StaticTokens::new()));
    for _ in 0..3 {
        let error = soon(client.add(1, 2)).await.unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated, "{error}");
        assert!(!error.status().unwrap().may_have_run());
    }
    assert_eq!(client.channel().state(), ChannelState::Closed);
    assert_eq!(soon(client.channel().closed()).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(place.attempts(), 3);
}

#[tokio::test(start_paused = true)]
async fn whoever_speaks_another_protocol_is_not_waited_for() {
    let place = Place::default();
    let mut ear = place.listen();
    let endpoint = Endpoint::new().reconnect(Reconnect::new().patience(Duration::from_secs(3600)));
    let client = place.connect(endpoint, PlaygroundClient::new).await;
    let call = tokio::spawn(client.add(1, 2));
    let mut stream = ear.next().await;
    stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let began = tokio::time::Instant::now();
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("does not speak this protocol"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(1));
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    // It may be another one the next time.
    let _running = place.serve(&Toys::default());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(soon(client.add(1, 2)).await, Ok(3));
}
