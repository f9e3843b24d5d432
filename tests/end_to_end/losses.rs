//! Connections that break: every pending call ends, and says whether it may have run.

use rpc_core::{
    Code, Codec, Endpoint, Reconnect,
    proto::{
        MethodKey,
        wire::{CloseCode, Kind},
    },
};
use tests::{PlaygroundClient, RawPeer, Served, Transport, wire};
use tokio::net::TcpListener;

#[tokio::test]
async fn pending_calls_end_when_the_server_goes_away() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let client = served.client_once().await;
    let waiting = tokio::spawn(client.wait());
    served.toys.until_waiting(1).await;
    served.running.as_ref().unwrap().shutdown_handle().abort();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.status().unwrap().may_have_run());
    served.toys.until_waiting(0).await;
    let error = client.add(1, 2).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!error.status().unwrap().may_have_run(), "{error}");
    let ready = client.channel().ready().await.unwrap_err();
    assert_eq!(ready.code(), Code::Unavailable);
}

#[tokio::test]
async fn handlers_end_when_their_client_is_reset() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let mut peer = RawPeer::connect(served.address()).await.unwrap();
    peer.send(&RawPeer::greeting()).await.unwrap();
    let wait = PlaygroundClient::schema().method("wait").unwrap().key;
    peer.send(&RawPeer::request(0, wait, &[])).await.unwrap();
    served.toys.until_waiting(1).await;
    peer.reset().unwrap();
    served.toys.until_waiting(0).await;
}

#[tokio::test]
async fn a_server_that_closes_midway_leaves_no_call_hanging() {
    for goodbye in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::new().reconnect(Reconnect::off());
        let channel = endpoint.connect(listener.local_addr().unwrap()).await.unwrap();
        let call = tokio::spawn(PlaygroundClient::new(channel).add(1, 2));
        let (stream, _) = listener.accept().await.unwrap();
        let mut peer = RawPeer::over(stream);
        peer.send(&RawPeer::greeting()).await.unwrap();
        peer.next(Kind::Request).await.unwrap();
        if goodbye {
            // A goaway that says that nothing was accepted: the call is safe to repeat.
            peer.send(&wire::goaway(CloseCode::Drain, "restarting")).await.unwrap();
        }
        drop(peer);
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
        let status = error.status().unwrap();
        assert_eq!(status.may_have_run(), !goodbye, "{status}");
        assert_eq!(status.is_safe_to_retry(), goodbye);
    }
}

#[tokio::test]
async fn replies_are_delivered_to_a_client_that_has_said_goodbye() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let mut peer = RawPeer::connect(served.address()).await.unwrap();
    let wait: MethodKey = PlaygroundClient::schema().method("wait").unwrap().key;
    let bytes =
        [RawPeer::greeting(), RawPeer::request(5, wait, &[]), wire::goaway(CloseCode::Drain, "")];
    peer.send(&bytes.concat()).await.unwrap();
    served.toys.until_waiting(1).await;
    served.client.open(1).await.unwrap();
    let (head, payload) = peer.next(Kind::Response).await.unwrap();
    assert_eq!((head.id.value(), payload), (5, vec![7]));
    assert_eq!(peer.frame_or_end().await.unwrap(), None);
}

#[test]
fn calls_end_when_the_runtime_of_their_connection_has_ended() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (servers, connected) = (runtime(), runtime());
    let served = servers.block_on(Served::over(Transport::Tcp, Codec::Bincode));
    let client = connected.block_on(PlaygroundClient::connect(served.address())).unwrap();
    servers.block_on(async {
        let waiting = tokio::spawn(client.wait());
        served.toys.until_waiting(1).await;
        connected.shutdown_background();
        let pending = waiting.await.unwrap().unwrap_err();
        let after = client.add(1, 2).await.unwrap_err();
        for (error, may_have_run) in [(pending, true), (after, false)] {
            assert_eq!(error.code(), Code::Unavailable);
            assert!(error.to_string().contains("runtime"), "{error}");
            assert_eq!(error.status().unwrap().may_have_run(), may_have_run);
        }
    });
}
