//! The peer that speaks a later version dials; this side serves.

use rpc_core::{
    Code, Running, Server,
    proto::{
        Failure, Streams,
        wire::{CloseCode, Flags, Kind},
    },
};
use tests::{RawPeer, wire};

use super::{
    CRITICAL_SUBTYPE, Keeper, SUBTYPE, ZooClient, ZooServer, any, critical, expect, expect_close,
    ignorable, in_time, key, later_hello, not_understood, subtype,
};

/// A server of this version, a client of this version and a peer of a later one.
struct Meeting {
    _running: Running,
    friend: ZooClient,
    peer: RawPeer,
}

const MINE: Flags = Flags::MINE;
const UP: u8 = 1;

impl Meeting {
    /// The peer has sent `bytes`.
    async fn beginning(bytes: &[u8]) -> Self {
        let running =
            Server::new().with(ZooServer::new(Keeper)).start("127.0.0.1:0").await.unwrap();
        let friend = ZooClient::connect(running.address()).await.unwrap();
        let mut peer = RawPeer::connect(running.address()).await.unwrap();
        peer.send(bytes).await.unwrap();
        Self { _running: running, friend, peer }
    }

    /// Both have said hello.
    async fn new() -> Self {
        let mut meeting = Self::beginning(&wire::greeting(2, &later_hello())).await;
        expect(&mut meeting.peer, Kind::Hello, 0).await;
        meeting
    }

    async fn send(&mut self, kind: Kind, flags: Flags, id: u32, payload: &[u8]) {
        self.peer.send(&RawPeer::frame(kind, flags, id, payload)).await.unwrap();
    }

    /// A plain call of the peer's is answered, by the next frame that comes.
    async fn goes_on(&mut self) {
        self.peer.send(&RawPeer::request(9, key("add"), &[2, 4])).await.unwrap();
        assert_eq!(expect(&mut self.peer, Kind::Response, 9).await, [6]);
    }

    /// The next frame ends a call with this status.
    async fn ends(&mut self, id: u32, code: Code, may_have_run: bool, words: &str) {
        let payload = expect(&mut self.peer, Kind::Error, id).await;
        let Ok(Failure::Status(status)) = Failure::decode(&payload) else { panic!("{payload:?}") };
        assert_eq!((status.code(), status.may_have_run()), (code, may_have_run));
        assert_eq!(status.message(), words);
    }

    /// The connection of the peer is closed, and that of others is not.
    async fn closes(self, words: &str) {
        expect_close(self.peer, CloseCode::Protocol, words).await.unwrap();
        assert_eq!(in_time(self.friend.add(1, 2)).await, Ok(3));
    }
}

#[tokio::test]
async fn a_later_version_is_answered_in_this_one() {
    let mut meeting = Meeting::beginning(&wire::greeting(200, &later_hello())).await;
    let hello = expect(&mut meeting.peer, Kind::Hello, 0).await;
    assert!(wire::first_window(&hello).is_some());
    meeting.goes_on().await;
}

#[tokio::test]
async fn a_hello_that_must_be_understood_closes() {
    Meeting::beginning(&wire::greeting(2, &critical()))
        .await
        .closes(&not_understood("hello"))
        .await;
}

#[tokio::test]
async fn a_request_is_answered_or_refused_by_its_entries() {
    let mut meeting = Meeting::new().await;
    meeting.peer.send(&wire::request_with(0, key("add"), &ignorable(), &[2, 4])).await.unwrap();
    assert_eq!(expect(&mut meeting.peer, Kind::Response, 0).await, [6]);
    meeting.peer.send(&wire::request_with(0, key("add"), &critical(), &[2, 4])).await.unwrap();
    meeting.ends(0, Code::Unimplemented, false, &not_understood("request")).await;
    meeting.goes_on().await;
}

#[tokio::test]
async fn the_items_of_a_refused_request_are_passed_over() {
    let mut meeting = Meeting::new().await;
    for entries in
        [[critical(), vec![wire::entry(3, &[UP])]], [vec![wire::entry(3, &[UP])], critical()]]
    {
        meeting
            .peer
            .send(&wire::request_with(0, key("read"), &entries.concat(), &[]))
            .await
            .unwrap();
        meeting.ends(0, Code::Unimplemented, false, &not_understood("request")).await;
        meeting.send(Kind::Item, MINE, 0, &[1]).await;
        meeting.goes_on().await;
        meeting.send(Kind::End, MINE, 0, &any()).await;
    }
    meeting.goes_on().await;
}

/// It has nobody to answer to: what it says is not done, and nothing comes of it.
#[tokio::test]
async fn a_oneway_request_that_must_be_understood_is_dropped() {
    let mut meeting = Meeting::new().await;
    let note = wire::request_with(u32::MAX, key("note"), &critical(), b"\x02hi");
    meeting.peer.send(&note).await.unwrap();
    meeting.peer.send(&RawPeer::request(9, key("add"), &[2, 4])).await.unwrap();
    let (_, payload) = in_time(meeting.peer.next(Kind::Response)).await.unwrap();
    assert_eq!(payload, [6]);
}

/// Of the ways to stream only those count that this version knows.
#[tokio::test]
async fn ways_to_stream_that_are_not_known_are_passed_over() {
    let mut meeting = Meeting::new().await;
    let request = wire::request_with(0, key("count"), &[wire::entry(3, &[0xfc | 2])], &[1]);
    meeting.peer.send(&request).await.unwrap();
    expect(&mut meeting.peer, Kind::Accept, 0).await;
    assert_eq!(expect(&mut meeting.peer, Kind::Item, 0).await, [0]);
    assert_eq!(expect(&mut meeting.peer, Kind::Response, 0).await, b"");
    meeting.goes_on().await;
}

#[tokio::test]
async fn cancels_and_ends_say_what_they_like() {
    let mut meeting = Meeting::new().await;
    meeting.peer.send(&RawPeer::request(0, key("wait"), &[])).await.unwrap();
    meeting.goes_on().await;
    meeting.send(Kind::Cancel, MINE, 0, &any()).await;
    let payload = expect(&mut meeting.peer, Kind::Error, 0).await;
    assert_eq!(payload[1], Code::Cancelled.value());
    meeting.peer.send(&wire::streaming(1, key("read"), Streams::UP)).await.unwrap();
    meeting.send(Kind::Item, MINE, 1, &[5]).await;
    meeting.send(Kind::End, MINE, 1, &any()).await;
    assert_eq!(expect(&mut meeting.peer, Kind::Response, 1).await, b"\x01\x015");
    meeting.goes_on().await;
}

#[tokio::test]
async fn an_item_is_read_or_ends_its_upload_by_its_entries() {
    let mut meeting = Meeting::new().await;
    meeting.peer.send(&wire::streaming(0, key("read"), Streams::UP)).await.unwrap();
    let item = |entries: &[Vec<u8>]| [&wire::block(entries)[..], &[5]].concat();
    meeting.send(Kind::Item, MINE.with(Flags::EXT), 0, &item(&ignorable())).await;
    meeting.goes_on().await;
    meeting.send(Kind::Item, MINE.with(Flags::EXT), 0, &item(&critical())).await;
    // No more is wanted of the upload; the call goes on, and its handler is told.
    expect(&mut meeting.peer, Kind::Cancel, 0).await;
    assert_eq!(expect(&mut meeting.peer, Kind::Response, 0).await, b"\x02\x015\x07UNKNOWN");
    meeting.send(Kind::End, MINE, 0, &[]).await;
    meeting.goes_on().await;
}

#[tokio::test]
async fn a_goaway_says_what_it_likes() {
    let mut meeting = Meeting::new().await;
    meeting.peer.send(&wire::streaming(0, key("read"), Streams::UP)).await.unwrap();
    let mut goaway = wire::goaway(CloseCode::Drain, "bye");
    goaway.extend_from_slice(&any());
    let length = goaway.len() as u8 - 8;
    goaway[0] = length;
    meeting.peer.send(&goaway).await.unwrap();
    meeting.send(Kind::End, MINE, 0, &[]).await;
    assert_eq!(expect(&mut meeting.peer, Kind::Response, 0).await, [0]);
    assert_eq!(in_time(meeting.peer.frame_or_end()).await.unwrap(), None);
}

/// A code that is not known counts as that of a broken rule: the connection is over.
#[tokio::test]
async fn a_goaway_of_an_unknown_kind_ends_the_connection() {
    let mut meeting = Meeting::new().await;
    meeting.peer.send(&RawPeer::request(0, key("wait"), &[])).await.unwrap();
    meeting.goes_on().await;
    let mut goaway = wire::goaway(CloseCode::Drain, "bye");
    goaway[8] = 99;
    meeting.peer.send(&goaway).await.unwrap();
    assert_eq!(in_time(meeting.peer.frame_or_end()).await.unwrap(), None);
}

#[tokio::test]
async fn extension_frames_are_passed_over() {
    let mut meeting = Meeting::new().await;
    meeting.peer.send(&RawPeer::request(0, key("wait"), &[])).await.unwrap();
    for (flags, id) in [(Flags::NONE, 0), (MINE, 0), (Flags::NONE, 7), (MINE, u32::MAX)] {
        meeting.send(Kind::Extension, flags, id, &subtype(SUBTYPE)).await;
    }
    meeting.goes_on().await;
}

#[tokio::test]
async fn extension_frames_that_must_be_understood_close() {
    for (flags, id) in [(Flags::NONE, 0), (MINE, 0), (Flags::NONE, 7)] {
        let mut meeting = Meeting::new().await;
        meeting.peer.send(&RawPeer::request(0, key("wait"), &[])).await.unwrap();
        meeting.send(Kind::Extension, flags, id, &subtype(CRITICAL_SUBTYPE)).await;
        let words =
            format!("extension frame of subtype {CRITICAL_SUBTYPE} must be understood and is not");
        meeting.closes(&words).await;
    }
}
