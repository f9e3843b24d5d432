//! Long arguments: whoever sends them keeps nobody waiting for as long as they take to read.

use std::{
    sync::{Condvar, Mutex},
    time::Duration,
};

use bytes::Bytes;
use rpc_core::{
    Schema, Server,
    schema::{Format, Registry},
    service,
};
use serde::{Deserialize, Deserializer, Serialize};
use tokio::runtime::Builder;

/// How far it has come with the scroll.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Stage {
    Begun,
    Read,
    Passed,
}

static STAGE: (Mutex<Stage>, Condvar) = (Mutex::new(Stage::Begun), Condvar::new());

fn reach(stage: Stage) {
    *STAGE.0.lock().unwrap() = stage;
    STAGE.1.notify_all();
}

/// Waits for a stage, on a thread that is nobody else's meanwhile; whether it was reached.
fn wait_for(stage: Stage) -> bool {
    let (reached, told) = &STAGE;
    let (most, before) = (Duration::from_secs(30), |reached: &mut Stage| *reached < stage);
    *told.wait_timeout_while(reached.lock().unwrap(), most, before).unwrap().0 >= stage
}

/// Text that cannot be read before somebody has passed.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Scroll(String);

impl<'de> Deserialize<'de> for Scroll {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        reach(Stage::Read);
        match wait_for(Stage::Passed) {
            true => Ok(Self(text)),
            false => Err(serde::de::Error::custom("nobody came past")),
        }
    }
}

impl Schema for Scroll {
    fn format(registry: &mut Registry) -> Format {
        String::format(registry)
    }
}

#[service]
trait Archive {
    /// The length of a scroll.
    async fn keep(&self, scroll: Scroll) -> usize;
    async fn pass(&self);
    /// The task that the handler runs on.
    async fn stow(&self, bytes: Bytes) -> String;
}

struct Shelf;

impl Archive for Shelf {
    async fn keep(&self, scroll: Scroll) -> usize {
        scroll.0.len()
    }

    async fn pass(&self) {
        reach(Stage::Passed);
    }

    async fn stow(&self, _bytes: Bytes) -> String {
        tokio::task::id().to_string()
    }
}

/// Arguments were read by the task of their connection, and every other call of it waited until that was done.
#[test]
fn long_arguments_are_read_beside_the_other_calls_of_their_connection() {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::new().with(ArchiveServer::new(Shelf));
        let server = server.start("127.0.0.1:0").await.unwrap();
        let client = ArchiveClient::connect(server.address()).await.unwrap();
        let length = 1 << 20;
        let kept = tokio::spawn(client.keep(Scroll("x".repeat(length))));
        assert!(tokio::task::spawn_blocking(|| wait_for(Stage::Read)).await.unwrap());
        client.pass().await.unwrap();
        assert_eq!(kept.await.unwrap(), Ok(length));
    });
}

/// Bytes are only cut out of what came, for which a task of their own costs more than it spares: 1 MiB echoes took a fifth more.
#[tokio::test]
async fn long_bytes_are_read_where_they_came() {
    let server = Server::new().with(ArchiveServer::new(Shelf));
    let server = server.start("127.0.0.1:0").await.unwrap();
    let client = ArchiveClient::connect(server.address()).await.unwrap();
    let connection = client.stow(Bytes::from_static(b"short")).await.unwrap();
    // What was measured while the machine did something else is forgotten in time.
    for _ in 0..10_000 {
        if client.stow(Bytes::from(vec![0; 256 << 10])).await.unwrap() == connection {
            return;
        }
    }
    panic!("each call had a task of its own");
}
