//! Peers that break the rules of streams: more items than they may send, items after the end, uploads that
//! never end. The connection is closed with a reason, and another one is served meanwhile.

use std::time::Instant;

use futures_util::{Stream, stream};
use rpc_core::{
    Limits, Running, Server, Streaming,
    proto::{
        CallId, Codec, MethodKey, Opening, Streams,
        wire::{Credit, Flags, GoAway, Kind},
    },
    service,
};
use tests::RawPeer;

#[service]
trait Pond {
    /// Reads nothing, and never ends.
    async fn ignore(&self, items: Streaming<u64>);
    /// Ends at once.
    async fn refuse(&self, items: Streaming<u64>) -> u64;
    /// As many as are read.
    fn flow(&self) -> impl Stream<Item = u64>;
}

struct Frogs;

impl Pond for Frogs {
    async fn ignore(&self, items: Streaming<u64>) {
        let _items = items;
        std::future::pending().await
    }

    async fn refuse(&self, _items: Streaming<u64>) -> u64 {
        7
    }

    fn flow(&self) -> impl Stream<Item = u64> {
        stream::repeat(1)
    }
}

const WINDOW: u32 = 16 << 10;

struct Attacked {
    _running: Running,
    friend: PondClient,
    peer: RawPeer,
}

async fn attacked() -> Attacked {
    let limits =
        Limits::default().window(WINDOW).initial_window(WINDOW).max_calls(3).max_streams(3);
    let server = Server::new().limits(limits).with(PondServer::new(Frogs));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let friend = PondClient::connect(running.address()).await.unwrap();
    let mut peer = RawPeer::connect(running.address()).await.unwrap();
    peer.send(&RawPeer::greeting()).await.unwrap();
    Attacked { _running: running, friend, peer }
}

fn request(id: u32, method: &str, streams: Streams) -> Vec<u8> {
    let method = PondClient::schema().method(method).unwrap();
    let mut payload = Vec::new();
    let opening = Opening { streams, ..Opening::new(method.key, Codec::Bincode) };
    opening.encode(Instant::now(), 0, &mut payload);
    RawPeer::frame(Kind::Request, Flags::MINE.with(Flags::EXT), id, &payload)
}

fn item(id: u32, length: usize) -> Vec<u8> {
    RawPeer::frame(Kind::Item, Flags::MINE, id, &vec![0; length])
}

impl Attacked {
    /// The message of the server's goaway.
    async fn told(mut self) -> String {
        let (_, payload) = self.peer.next(Kind::GoAway).await.unwrap();
        assert_eq!(self.friend.refuse(stream::iter([1])).await, Ok(7));
        GoAway::decode(&payload).unwrap().message
    }
}

#[tokio::test]
async fn more_items_than_the_window_holds_end_the_connection() {
    let mut attacked = attacked().await;
    attacked.peer.send(&request(0, "ignore", Streams::UP)).await.unwrap();
    let items = WINDOW as usize / 108;
    attacked.peer.send(&item(0, 100).repeat(items)).await.unwrap();
    attacked.peer.send(&RawPeer::frame(Kind::Ping, Flags::NONE, 0, &[1; 8])).await.unwrap();
    attacked.peer.next(Kind::Pong).await.unwrap();
    attacked.peer.send(&item(0, 100)).await.unwrap();
    assert_eq!(attacked.told().await, "peer sent more items of call 0 than it had credit for");
}

#[tokio::test]
async fn a_long_item_is_held_to_the_window_as_well() {
    let mut attacked = attacked().await;
    attacked.peer.send(&request(0, "ignore", Streams::UP)).await.unwrap();
    attacked.peer.send(&item(0, WINDOW as usize)).await.unwrap();
    assert_eq!(attacked.told().await, "peer sent more items of call 0 than it had credit for");
}

#[tokio::test]
async fn items_without_a_stream_end_the_connection() {
    for (bytes, words) in [
        (item(5, 1), "item frame for call 5, which has no such stream"),
        (
            [
                request(0, "ignore", Streams::UP),
                RawPeer::frame(Kind::End, Flags::MINE, 0, &[]),
                item(0, 1),
            ]
            .concat(),
            "item frame for call 0, which has no such stream",
        ),
        (
            RawPeer::frame(Kind::End, Flags::MINE, 0, &[]),
            "end frame for call 0, which has no such stream",
        ),
        (
            RawPeer::frame(Kind::Accept, Flags::NONE, 0, &[]),
            "accept frame for call 0, which has no such stream",
        ),
    ] {
        let mut attacked = attacked().await;
        attacked.peer.send(&bytes).await.unwrap();
        assert_eq!(attacked.told().await, words);
    }
}

#[tokio::test]
async fn uploads_that_never_end_are_counted() {
    let mut attacked = attacked().await;
    for id in 0..11 {
        attacked.peer.send(&request(id, "refuse", Streams::UP)).await.unwrap();
        attacked.peer.next(Kind::Response).await.unwrap();
    }
    attacked.peer.send(&request(11, "refuse", Streams::UP)).await.unwrap();
    assert_eq!(attacked.told().await, "peer kept opening calls above the limit of 3");
}

#[tokio::test]
async fn the_id_of_an_upload_that_goes_on_is_taken() {
    let mut attacked = attacked().await;
    attacked.peer.send(&request(0, "refuse", Streams::UP)).await.unwrap();
    attacked.peer.next(Kind::Response).await.unwrap();
    attacked.peer.send(&request(0, "refuse", Streams::UP)).await.unwrap();
    assert_eq!(attacked.told().await, "request has the id 0 of a call that is still open");
}

#[tokio::test]
async fn credit_without_measure_ends_the_connection() {
    let mut attacked = attacked().await;
    attacked.peer.send(&request(0, "flow", Streams::DOWN)).await.unwrap();
    let mut credit = Vec::new();
    Credit { bytes: u32::MAX }.encode(CallId::new(0), Flags::MINE, &mut credit);
    attacked.peer.send(&credit).await.unwrap();
    assert_eq!(attacked.told().await, "peer gave call 0 more credit than a stream can have");
}

#[tokio::test]
async fn a_stream_by_the_bare_name_needs_json() {
    let mut attacked = attacked().await;
    let key = MethodKey::bare("Pond.flow");
    attacked.peer.send(&RawPeer::request(0, key, &[])).await.unwrap();
    let (_, payload) = attacked.peer.next(Kind::Error).await.unwrap();
    assert!(String::from_utf8_lossy(&payload).contains("takes JSON"));
    assert_eq!(attacked.friend.refuse(stream::empty()).await, Ok(7));
}
