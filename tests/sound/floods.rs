//! Frames that cost their sender next to nothing and carry no work: a peer that floods a connection with them gets a
//! goaway, and others are served meanwhile. And frames that are begun and do not go on.

use std::{future::pending, time::Duration};

use rpc_core::{
    Limits,
    proto::{
        Streams,
        wire::{CloseCode, Flags, Kind, Ping},
    },
};
use tests::{RawPeer, wire};

use crate::yard::{YardClient, in_time, key, yard};

const MANY: usize = 100_000;

/// The call behind a flood.
const LAST: u32 = 1 << 20;

/// Sends `flood`, and sees it end with a goaway that says why while another client is served.
async fn ends(flood: Vec<u8>) {
    let (server, _ground, _guests) = yard(Limits::default());
    let running = server.start("127.0.0.1:0").await.unwrap();
    let friend = YardClient::connect(running.address()).await.unwrap();
    assert_eq!(friend.add(1, 2).await, Ok(3));
    let mut peer = RawPeer::connect(running.address()).await.unwrap();
    let last = RawPeer::request(LAST, key("add"), &[2, 4]);
    let bytes = [RawPeer::greeting(), flood, last].concat();
    let served = async {
        loop {
            assert_eq!(friend.add(1, 2).await, Ok(3));
        }
    };
    let flood = async {
        tokio::select! {
            answer = peer.flood(&bytes, LAST) => answer.unwrap(),
            () = served => pending().await,
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(30), flood).await;
    let payload = answer.expect("it is neither closed nor read").expect("it is served to its end");
    let (code, message) = wire::farewell(&payload).unwrap();
    assert!(
        [CloseCode::Protocol, CloseCode::Limit, CloseCode::Calm].contains(&code),
        "{code}: {message}"
    );
    assert!(!message.is_empty());
    assert_eq!(friend.add(1, 2).await, Ok(3));
}

/// Each was answered, for ever.
#[tokio::test]
async fn a_flood_of_pings_ends_the_connection() {
    let mut pings = Vec::new();
    for token in 1..=MANY as u64 {
        Ping { token }.encode(Kind::Ping, &mut pings);
    }
    ends(pings).await;
}

/// Each was taken for one that has crossed its reply.
#[tokio::test]
async fn a_flood_of_cancels_of_calls_that_never_were_ends_the_connection() {
    ends(RawPeer::frame(Kind::Cancel, Flags::MINE, 7, &[]).repeat(MANY)).await;
}

/// A request went on for ever without growing.
#[tokio::test]
async fn a_flood_of_empty_parts_of_a_request_ends_the_connection() {
    let flags = Flags::MINE.with(Flags::MORE);
    let key = key("measure").to_u64().to_le_bytes();
    let first = RawPeer::frame(Kind::Request, flags, 0, &key);
    ends([first, RawPeer::frame(Kind::Request, flags, 0, &[]).repeat(MANY)].concat()).await;
}

/// An item went on for ever without growing: only its first part was paid for.
#[tokio::test]
async fn a_flood_of_empty_parts_of_an_item_ends_the_connection() {
    let request = wire::streaming(0, key("count"), Streams::UP);
    let part = RawPeer::frame(Kind::Item, Flags::MINE.with(Flags::MORE), 0, &[]);
    ends([request, part.repeat(MANY)].concat()).await;
}

/// The control: calls above the limit are refused one by one, a thousand times.
#[tokio::test]
async fn a_flood_of_requests_above_the_limit_ends_the_connection() {
    let calls = (0..MANY as u32).flat_map(|id| RawPeer::request(id, key("wait"), &[]));
    ends(calls.collect()).await;
}

/// They were held, and nothing of the connection was read any more.
#[tokio::test]
async fn a_flood_of_oneway_calls_beyond_their_credit_ends_the_connection() {
    ends(wire::oneway(key("dawdle"), &[]).repeat(MANY)).await;
}

/// A peer that has said hello and begun something.
async fn begun(bytes: &[u8]) -> (rpc_core::Running, RawPeer) {
    let (server, _ground, _guests) = yard(Limits::default());
    let running = server.start("127.0.0.1:0").await.unwrap();
    let mut peer = RawPeer::connect(running.address()).await.unwrap();
    peer.send(&[&RawPeer::greeting(), bytes].concat()).await.unwrap();
    peer.next(Kind::Hello).await.unwrap();
    (running, peer)
}

/// A long request, in one frame, as far as its key.
fn beginning(flags: Flags, length: usize) -> Vec<u8> {
    let payload = [&key("measure").to_u64().to_le_bytes()[..], &vec![7; length]].concat();
    RawPeer::frame(Kind::Request, flags, 0, &payload)
}

async fn is_given_up(peer: &mut RawPeer) {
    let (_, payload) = in_time(peer.next(Kind::GoAway)).await.unwrap();
    let (code, message) = wire::farewell(&payload).unwrap();
    assert_eq!(code, CloseCode::Timeout, "{message}");
}

/// It was waited for as long as its sender liked, with all that it brought.
#[tokio::test]
async fn a_begun_frame_must_make_progress() {
    let (_running, mut peer) = begun(&beginning(Flags::MINE, 60_000)[..100]).await;
    tokio::time::pause();
    is_given_up(&mut peer).await;
}

/// The same for one that grows by a byte each five seconds.
#[tokio::test]
async fn a_begun_frame_must_make_more_progress_than_a_byte_now_and_then() {
    let frame = beginning(Flags::MINE, 60_000);
    let (_running, mut peer) = begun(&frame[..100]).await;
    tokio::time::pause();
    for byte in &frame[100..] {
        let closed = is_given_up(&mut peer);
        if tokio::time::timeout(Duration::from_secs(5), closed).await.is_ok() {
            return;
        }
        peer.send(std::slice::from_ref(byte)).await.unwrap();
    }
    panic!("sixty thousand bytes were read one by one");
}

/// The same for a message of which frames are missing.
#[tokio::test]
async fn a_begun_message_must_make_progress() {
    let first = beginning(Flags::MINE.with(Flags::MORE), 60_000);
    let (_running, mut peer) = begun(&first).await;
    tokio::time::pause();
    is_given_up(&mut peer).await;
}
