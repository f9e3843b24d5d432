//! The peer that speaks a later version accepts; this side calls.

use futures_util::{StreamExt as _, stream};
use rpc_core::{
    Address, CallError, Code,
    proto::wire::{CloseCode, Flags, Kind},
};
use tests::{RawPeer, wire};
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    CRITICAL_SUBTYPE, SUBTYPE, ZooClient, any, critical, expect, expect_close, ignorable, in_time,
    later_hello, not_understood, subtype,
};

/// A client of this version and a server of a later one, by hand.
struct Meeting {
    client: ZooClient,
    peer: RawPeer,
}

/// A call of `add` under way.
type Adding = JoinHandle<Result<i64, CallError>>;

impl Meeting {
    /// The peer answers the client's hello with `bytes`.
    async fn beginning(bytes: &[u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = Address::Tcp { host: "127.0.0.1".to_owned(), port };
        let accepted = async {
            let (stream, _) = listener.accept().await.unwrap();
            let mut peer = RawPeer::over(stream);
            expect(&mut peer, Kind::Hello, 0).await;
            peer.send(bytes).await.unwrap();
            peer
        };
        let both = async { tokio::join!(ZooClient::connect(&address), accepted) };
        let (client, peer) = in_time(both).await;
        Self { client: client.unwrap(), peer }
    }

    async fn new() -> Self {
        Self::beginning(&wire::greeting(2, &later_hello())).await
    }

    async fn send(&mut self, kind: Kind, flags: Flags, id: u32, payload: &[u8]) {
        self.peer.send(&RawPeer::frame(kind, flags, id, payload)).await.unwrap();
    }

    /// A call that the peer has read and not answered; gives its id.
    async fn ask(&mut self) -> (u32, Adding) {
        let call = tokio::spawn(self.client.add(1, 2));
        let (head, _) = in_time(self.peer.next(Kind::Request)).await.unwrap();
        (head.id.value(), call)
    }

    /// Answers a call of [`Self::ask`].
    async fn answer(&mut self, (id, call): (u32, Adding)) {
        self.send(Kind::Response, Flags::NONE, id, &[6]).await;
        assert_eq!(in_time(call).await.unwrap(), Ok(3));
    }

    /// How a call ends that is answered by these frames, each kind, flags and payload, while another one is under way,
    /// which then goes on.
    async fn reply(&mut self, kind: Kind, flags: Flags, payload: &[u8]) -> Result<i64, CallError> {
        let bystander = self.ask().await;
        let (id, call) = self.ask().await;
        self.send(kind, flags, id, payload).await;
        let ended = in_time(call).await.unwrap();
        self.answer(bystander).await;
        ended
    }
}

/// The call has ended as unknown, and may have run.
#[track_caller]
fn assert_unknown(error: &CallError, words: &str) {
    let status = error.status().expect("a status");
    assert_eq!((status.code(), status.may_have_run()), (Code::Unknown, true));
    assert_eq!(status.message(), words);
}

fn extended(entries: &[Vec<u8>], value: &[u8]) -> Vec<u8> {
    [&wire::block(entries)[..], value].concat()
}

/// A status: INTERNAL, with an execution, words, and entries behind them.
fn status(execution: u8, entries: &[u8]) -> Vec<u8> {
    [&[1, Code::Internal.value(), execution, 2, 0, b'n', b'o'][..], entries].concat()
}

#[tokio::test]
async fn a_later_version_is_called_in_this_one() {
    for version in [2, 255] {
        let mut meeting = Meeting::beginning(&wire::greeting(version, &later_hello())).await;
        let asked = meeting.ask().await;
        meeting.answer(asked).await;
    }
}

#[tokio::test]
async fn a_hello_that_must_be_understood_closes() {
    let meeting = Meeting::beginning(&wire::greeting(2, &critical())).await;
    let words = not_understood("hello");
    expect_close(meeting.peer, CloseCode::Protocol, &words).await.unwrap();
}

#[tokio::test]
async fn a_response_is_read_or_ends_its_call_by_its_entries() {
    let mut meeting = Meeting::new().await;
    let value = extended(&ignorable(), &[6]);
    assert_eq!(meeting.reply(Kind::Response, Flags::EXT, &value).await, Ok(3));
    let value = extended(&critical(), &[6]);
    let error = meeting.reply(Kind::Response, Flags::EXT, &value).await.unwrap_err();
    assert_unknown(&error, &not_understood("response"));
}

#[tokio::test]
async fn an_error_is_read_or_ends_its_call_by_its_entries() {
    let mut meeting = Meeting::new().await;
    let payload = extended(&ignorable(), &status(0, &[]));
    let error = meeting.reply(Kind::Error, Flags::EXT, &payload).await.unwrap_err();
    assert_eq!((error.code(), error.status().unwrap().may_have_run()), (Code::Internal, false));
    let payload = extended(&critical(), &status(0, &[]));
    let error = meeting.reply(Kind::Error, Flags::EXT, &payload).await.unwrap_err();
    assert_unknown(&error, &not_understood("error"));
}

#[tokio::test]
async fn a_status_says_what_it_likes_behind_its_message() {
    let mut meeting = Meeting::new().await;
    let error = meeting.reply(Kind::Error, Flags::NONE, &status(0, &any())).await.unwrap_err();
    let status = error.status().unwrap();
    assert_eq!((status.code(), status.message()), (Code::Internal, "no"));
    assert!(!status.may_have_run());
}

#[tokio::test]
async fn an_error_of_unknown_origin_or_execution_ends_its_call_alone() {
    let mut meeting = Meeting::new().await;
    let payload = [2, 1, 2, 3];
    let error = meeting.reply(Kind::Error, Flags::NONE, &payload).await.unwrap_err();
    assert_unknown(&error, "the peer replied with an error of a kind unknown here (2)");
    let error = meeting.reply(Kind::Error, Flags::NONE, &status(2, &[])).await.unwrap_err();
    assert_unknown(&error, "no");
}

#[tokio::test]
async fn an_accept_goes_on_or_ends_its_call_by_its_entries() {
    let mut meeting = Meeting::new().await;
    let bystander = meeting.ask().await;
    for (entries, goes_on) in [(ignorable(), true), (critical(), false)] {
        let call = tokio::spawn(meeting.client.count(1));
        let (head, _) = in_time(meeting.peer.next(Kind::Request)).await.unwrap();
        let id = head.id.value();
        meeting.send(Kind::Accept, Flags::NONE, id, &entries.concat()).await;
        if goes_on {
            let mut items = in_time(call).await.unwrap().unwrap();
            meeting.send(Kind::Item, Flags::NONE, id, &[5]).await;
            meeting.send(Kind::Response, Flags::NONE, id, &[]).await;
            assert_eq!(in_time(items.next()).await, Some(Ok(5)));
            assert_eq!(in_time(items.next()).await, None);
        } else {
            let error = in_time(call).await.unwrap().unwrap_err();
            assert_unknown(&error, &not_understood("accept"));
            // The peer is told, and still owes the reply; what it sends before that is passed over.
            expect(&mut meeting.peer, Kind::Cancel, id).await;
            meeting.send(Kind::Item, Flags::NONE, id, &[5]).await;
            meeting.send(Kind::Response, Flags::NONE, id, &[]).await;
        }
    }
    meeting.answer(bystander).await;
}

#[tokio::test]
async fn an_item_is_read_or_ends_its_stream_by_its_entries() {
    let mut meeting = Meeting::new().await;
    let bystander = meeting.ask().await;
    let call = tokio::spawn(meeting.client.count(1));
    let (head, _) = in_time(meeting.peer.next(Kind::Request)).await.unwrap();
    let id = head.id.value();
    meeting.send(Kind::Item, Flags::EXT, id, &extended(&ignorable(), &[5])).await;
    let mut items = in_time(call).await.unwrap().unwrap();
    assert_eq!(in_time(items.next()).await, Some(Ok(5)));
    meeting.send(Kind::Item, Flags::EXT, id, &extended(&critical(), &[5])).await;
    let error = in_time(items.next()).await.unwrap().unwrap_err();
    assert_unknown(&error, &not_understood("item"));
    expect(&mut meeting.peer, Kind::Cancel, id).await;
    meeting.send(Kind::Error, Flags::NONE, id, &status(1, &[])).await;
    meeting.answer(bystander).await;
}

/// That no more of an upload is wanted may be said with reasons.
#[tokio::test]
async fn a_cancel_of_an_upload_says_what_it_likes() {
    let mut meeting = Meeting::new().await;
    let numbers = stream::iter([5]).chain(stream::pending());
    let call = tokio::spawn(meeting.client.read(numbers));
    let (head, _) = in_time(meeting.peer.next(Kind::Request)).await.unwrap();
    let id = head.id.value();
    assert_eq!(expect(&mut meeting.peer, Kind::Item, id).await, [5]);
    meeting.send(Kind::Cancel, Flags::NONE, id, &any()).await;
    expect(&mut meeting.peer, Kind::End, id).await;
    meeting.send(Kind::Response, Flags::NONE, id, &[1, 1, b'5']).await;
    assert_eq!(in_time(call).await.unwrap(), Ok(vec!["5".to_owned()]));
    let asked = meeting.ask().await;
    meeting.answer(asked).await;
}

#[tokio::test]
async fn a_goaway_says_what_it_likes() {
    let mut meeting = Meeting::new().await;
    let asked = meeting.ask().await;
    // One request is accepted.
    let payload = [&[0][..], &1_u64.to_le_bytes(), &[0, 0], &any()].concat();
    meeting.send(Kind::GoAway, Flags::NONE, 0, &payload).await;
    meeting.answer(asked).await;
    assert_eq!(in_time(meeting.peer.frame_or_end()).await.unwrap(), None);
}

#[tokio::test]
async fn extension_frames_are_passed_over() {
    let mut meeting = Meeting::new().await;
    let asked = meeting.ask().await;
    for (flags, id) in
        [(Flags::NONE, 0), (Flags::MINE, 0), (Flags::NONE, asked.0), (Flags::NONE, 99)]
    {
        meeting.send(Kind::Extension, flags, id, &subtype(SUBTYPE)).await;
    }
    meeting.answer(asked).await;
}

#[tokio::test]
async fn an_extension_frame_that_must_be_understood_closes() {
    let mut meeting = Meeting::new().await;
    let (_, call) = meeting.ask().await;
    meeting.send(Kind::Extension, Flags::NONE, 0, &subtype(CRITICAL_SUBTYPE)).await;
    let words =
        format!("extension frame of subtype {CRITICAL_SUBTYPE} must be understood and is not");
    let status = in_time(call).await.unwrap().unwrap_err();
    let status = status.status().unwrap();
    assert_eq!((status.code(), status.may_have_run()), (Code::Unavailable, true));
    assert!(status.message().starts_with(&words), "{}", status.message());
    expect_close(meeting.peer, CloseCode::Protocol, &words).await.unwrap();
}
