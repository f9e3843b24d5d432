//! A session of twenty frames, cut after every byte and closed in order or reset, and sent byte by byte.

use rpc_core::{
    Code, Codec,
    proto::wire::{Flags, Kind},
};
use tests::{PlaygroundClient, RawPeer, Served, Transport};
use tokio::net::TcpListener;

/// The frames that a client sends in the session: hello, then pings, calls of several sizes, a cancel.
fn client_frames() -> Vec<Vec<u8>> {
    let key = |method: &str| PlaygroundClient::schema().method(method).unwrap().key;
    let mut frames = vec![RawPeer::greeting()];
    for n in 0..6_u8 {
        frames.push(RawPeer::request(n.into(), key("add"), &[2 * n, 2]));
    }
    frames.push(RawPeer::frame(Kind::Ping, Flags::NONE, 0, &1_u64.to_le_bytes()));
    frames.push(RawPeer::request(100, key("take"), &[11]));
    frames.push(RawPeer::request(101, key("nothing"), &[]));
    frames.push(RawPeer::frame(Kind::Cancel, Flags::MINE, 77, &[]));
    let payload = [&key("echo").to_u64().to_le_bytes()[..], &[40], &[9; 40]].concat();
    let (first, second) = payload.split_at(20);
    frames.push(RawPeer::frame(Kind::Request, Flags::MINE.with(Flags::MORE), 102, first));
    frames.push(RawPeer::request(103, key("add"), &[2, 2]));
    frames.push(RawPeer::frame(Kind::Request, Flags::MINE, 102, second));
    for n in 0..6_u8 {
        frames.push(RawPeer::request(200 + u32::from(n), key("add"), &[2 * n, 4]));
    }
    assert_eq!(frames.len(), 20);
    frames
}

/// The replies that the server gives, by call id: every call has exactly one.
async fn replies(peer: &mut RawPeer, wanted: usize) -> Vec<(u32, Kind, Vec<u8>)> {
    let mut replies = Vec::new();
    while replies.len() < wanted {
        let (head, payload) = peer.frame_or_end().await.unwrap().expect("the server goes on");
        if matches!(head.kind, Kind::Response | Kind::Error) {
            replies.push((head.id.value(), head.kind, payload));
        }
    }
    replies.sort_by_key(|(id, ..)| *id);
    replies
}

#[tokio::test]
async fn bytes_one_by_one_or_all_at_once_give_the_same_replies() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let bytes = client_frames().concat();
    let mut at_once = RawPeer::connect(served.address()).await.unwrap();
    at_once.send(&bytes).await.unwrap();
    let whole = replies(&mut at_once, 16).await;
    let mut one_by_one = RawPeer::connect(served.address()).await.unwrap();
    one_by_one.send_slowly(&bytes).await.unwrap();
    assert_eq!(replies(&mut one_by_one, 16).await, whole);
    assert_eq!(whole[0], (0, Kind::Response, vec![2]));
    assert_eq!(whole[6].1, Kind::Error, "take(11) is refused");
}

#[tokio::test]
async fn a_server_survives_a_cut_after_every_byte() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let bytes = client_frames().concat();
    for cut in 0..=bytes.len() {
        for reset in [false, true] {
            let mut peer = RawPeer::connect(served.address()).await.unwrap();
            peer.send(&bytes[..cut]).await.unwrap();
            if reset {
                peer.reset().unwrap();
            }
        }
    }
    assert_eq!(served.client.add(1, 2).await, Ok(3));
}

/// The bytes of a server to a client that has made twenty calls: hello and the replies.
fn server_bytes() -> Vec<u8> {
    let mut bytes = RawPeer::greeting();
    for id in 0..CALLS {
        bytes.extend(RawPeer::frame(Kind::Response, Flags::NONE, id, &[2 * id as u8]));
    }
    bytes
}

const CALLS: u32 = 8;

#[tokio::test]
async fn a_clients_pending_calls_end_after_a_cut_at_every_byte() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let bytes = server_bytes();
    for cut in 0..bytes.len() {
        for reset in [false, true] {
            let client = PlaygroundClient::connect(address).await.unwrap();
            let calls: Vec<_> = (0..CALLS)
                .map(|_| {
                    let client = client.clone();
                    tokio::spawn(async move { client.add(0, 0).await })
                })
                .collect();
            let (stream, _) = listener.accept().await.unwrap();
            let mut peer = RawPeer::over(stream);
            for _ in 0..CALLS {
                peer.next(Kind::Request).await.unwrap();
            }
            peer.send(&bytes[..cut]).await.unwrap();
            if reset {
                peer.reset().unwrap();
            } else {
                drop(peer);
            }
            for call in calls {
                // A reset may overtake replies that were whole; nothing else may fail them.
                if let Err(error) = call.await.unwrap() {
                    assert_eq!(error.code(), Code::Unavailable, "cut at {cut}");
                    assert!(error.status().unwrap().may_have_run());
                }
            }
        }
    }
}
