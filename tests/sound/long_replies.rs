//! Long replies that their caller does not read, or not yet: what is short goes past them.

use std::time::Duration;

use bytes::Bytes;
use rpc_core::{Peer, Server, service};
use tests::RawPeer;
use tokio::{io::AsyncWriteExt as _, sync::mpsc, time::timeout};

#[service]
trait Library {
    /// As long as replies may be.
    async fn read(&self) -> Bytes;
    /// How many books there are.
    async fn count(&self) -> u64;
}

/// Tells which handlers have run.
struct Shelves(mpsc::UnboundedSender<&'static str>);

impl Library for Shelves {
    async fn read(&self) -> Bytes {
        self.0.send("read").unwrap();
        vec![7; 3 << 20].into()
    }

    async fn count(&self) -> u64 {
        self.0.send("count").unwrap();
        7
    }
}

/// No handler was started before all but 768 KiB of the reply were written: a small call beside one reply of 64 MiB took
/// as long as that.
#[tokio::test]
async fn a_call_with_a_short_reply_is_served_while_a_long_one_is_unread() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (mut near, far) = tokio::io::duplex(4 << 10);
    let running = Server::new().with(LibraryServer::new(Shelves(tell)));
    let running = running.start("127.0.0.1:0").await.unwrap();
    let ended = running.serve_io(far, Peer::new("pipe"));
    let schema = LibraryClient::schema();
    let request = |id, method| RawPeer::request(id, schema.method(method).unwrap().key, b"");
    near.write_all(&RawPeer::greeting()).await.unwrap();
    for (id, method) in [(0, "read"), (1, "count"), (2, "count")] {
        near.write_all(&request(id, method)).await.unwrap();
        let ran = timeout(Duration::from_secs(60), told.recv()).await.expect("its handler starts");
        assert_eq!(ran, Some(method));
    }
    drop((near, ended));
}
