//! A server whose connections are served on threads of its own.

use std::{collections::BTreeSet, thread};

use futures_util::{future::join_all, stream};
use rpc_core::{Server, Stream, Streaming, service};

#[service]
trait Where {
    /// The thread that the handler runs on, also behind an await and in what it spawns.
    async fn thread(&self) -> Vec<String>;
    fn count(&self, until: u32) -> impl Stream<Item = u32>;
    async fn sum(&self, numbers: Streaming<u32>) -> u32;
    async fn forever(&self);
}

struct Here;

fn name() -> String {
    thread::current().name().unwrap_or_default().to_owned()
}

impl Where for Here {
    async fn thread(&self) -> Vec<String> {
        let first = name();
        tokio::task::yield_now().await;
        let spawned = tokio::spawn(async { name() }).await.unwrap();
        vec![first, name(), spawned]
    }

    fn count(&self, until: u32) -> impl Stream<Item = u32> {
        stream::iter(0..until)
    }

    async fn sum(&self, mut numbers: Streaming<u32>) -> u32 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    async fn forever(&self) {
        std::future::pending().await
    }
}

fn server() -> Server {
    Server::new().threads(2).with(WhereServer::new(Here))
}

#[tokio::test]
async fn each_connection_has_one_thread_and_all_have_work() {
    let running = server().start("127.0.0.1:0").await.unwrap();
    let mut used = BTreeSet::new();
    for _ in 0..4 {
        let client = WhereClient::connect(running.address()).await.unwrap();
        let calls = join_all((0..50).map(|_| client.thread())).await;
        let names: BTreeSet<String> = calls.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(names.len(), 1, "{names:?}");
        used.extend(names);
        assert_eq!(client.sum(stream::iter(0..1000)).await, Ok(499_500));
        let mut count = client.count(1000).await.unwrap();
        let mut last = None;
        while let Some(number) = count.next().await {
            last = Some(number.unwrap());
        }
        assert_eq!(last, Some(999));
    }
    let expected = ["rpc-server-0", "rpc-server-1"].map(str::to_owned);
    assert_eq!(used, BTreeSet::from(expected));
    running.shutdown().await;
}

#[cfg(unix)]
#[tokio::test]
async fn threads_serve_unix_sockets_too() {
    let folder = tempfile::TempDir::new().unwrap();
    let address = format!("unix:{}", folder.path().join("socket").display());
    let running = server().start(&*address).await.unwrap();
    let client = WhereClient::connect(&*address).await.unwrap();
    assert!(client.thread().await.unwrap()[0].starts_with("rpc-server-"));
    running.shutdown().await;
}

#[tokio::test]
async fn an_abort_ends_what_runs_on_the_threads() {
    let running = server().start("127.0.0.1:0").await.unwrap();
    let client = WhereClient::connect(running.address()).await.unwrap();
    client.thread().await.unwrap();
    let call = tokio::spawn(client.forever());
    running.shutdown_handle().abort();
    running.wait().await;
    assert_eq!(call.await.unwrap().unwrap_err().code(), rpc_core::Code::Unavailable);
}

#[test]
fn threads_end_with_the_runtime_of_their_server() {
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (serving, calling) = (runtime(), runtime());
    let running = serving.block_on(server().start("127.0.0.1:0")).unwrap();
    let client = calling.block_on(async {
        let client = WhereClient::connect(running.address()).await.unwrap();
        client.thread().await.unwrap();
        client
    });
    let call = calling.spawn(client.forever());
    serving.shutdown_background();
    assert_eq!(calling.block_on(call).unwrap().unwrap_err().code(), rpc_core::Code::Unavailable);
}
