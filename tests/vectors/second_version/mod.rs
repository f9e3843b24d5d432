//! A second version of the wire against this one, over a real connection: a peer by hand says what this side does not
//! know. What docs/protocol.md says of it holds, and where it says so all other calls go on.

mod acceptor;
mod dialer;

use std::{future::Future, io, time::Duration};

use futures_util::{Stream, stream};
use rpc_core::{
    Streaming,
    proto::{
        MethodKey,
        wire::{CloseCode, Head, Kind},
    },
    service,
};
use tests::{RawPeer, wire};

/// The service of this side.
#[service]
trait Zoo {
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Never ends by itself.
    async fn wait(&self);
    fn count(&self, up_to: u64) -> impl Stream<Item = u64>;
    /// Returns the items that it reads, in words.
    async fn read(&self, items: Streaming<u64>) -> Vec<String>;
    #[rpc(oneway)]
    async fn note(&self, line: String);
}

struct Keeper;

impl Zoo for Keeper {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    async fn wait(&self) {
        std::future::pending().await
    }

    fn count(&self, up_to: u64) -> impl Stream<Item = u64> {
        stream::iter(0..up_to)
    }

    async fn read(&self, mut items: Streaming<u64>) -> Vec<String> {
        let mut words = Vec::new();
        while let Some(item) = items.next().await {
            words.push(item.map_or_else(|error| error.code().to_string(), |item| item.to_string()));
        }
        words
    }

    async fn note(&self, _line: String) {}
}

/// Tags and a subtype that no version has assigned.
const UNKNOWN: u8 = 0x60;
const CRITICAL: u8 = 0x80 | UNKNOWN;
const SUBTYPE: u16 = 0x0777;
const CRITICAL_SUBTYPE: u16 = 0x8000 | SUBTYPE;

/// The entries of a later version's hello, beside the defaults: a feature that this one has no bit for, and a new tag.
fn later_hello() -> Vec<Vec<u8>> {
    // But for reports of load, which would come in between.
    let mut features = [0xff; 20];
    features[0] = 0xf7;
    vec![wire::entry(10, &features), wire::entry(UNKNOWN, b"new")]
}

/// Entries that this version passes over.
fn ignorable() -> Vec<Vec<u8>> {
    vec![wire::entry(UNKNOWN, b"new"), wire::entry(UNKNOWN + 1, b"")]
}

/// Entries of which it must not pass one over.
fn critical() -> Vec<Vec<u8>> {
    vec![wire::entry(UNKNOWN, b"new"), wire::entry(CRITICAL, b"new")]
}

/// Entries of all sorts, for places where nothing can be refused.
fn any() -> Vec<u8> {
    critical().concat()
}

fn subtype(subtype: u16) -> Vec<u8> {
    [&subtype.to_le_bytes()[..], b"new"].concat()
}

fn key(method: &str) -> MethodKey {
    ZooClient::schema().method(method).unwrap().key
}

/// The words for an unknown entry.
fn not_understood(kind: &str) -> String {
    format!(
        "{kind} frame has an entry with tag {CRITICAL} that this side must understand and does not"
    )
}

/// A generous end for a test that would wait for ever.
async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("it ends in time")
}

/// The next frame, which is of this kind and call.
async fn expect(peer: &mut RawPeer, kind: Kind, id: u32) -> Vec<u8> {
    let (head, payload): (Head, _) = in_time(peer.frame_or_end()).await.unwrap().expect("a frame");
    assert_eq!((head.kind, head.id.value()), (kind, id), "{payload:?}");
    payload
}

/// The goaway that comes next, and the end of the stream behind it.
async fn expect_close(mut peer: RawPeer, code: CloseCode, words: &str) -> io::Result<()> {
    let (_, payload) = in_time(peer.next(Kind::GoAway)).await?;
    assert_eq!(wire::farewell(&payload), Some((code, words.to_owned())));
    assert_eq!(in_time(peer.frame_or_end()).await?, None);
    Ok(())
}
