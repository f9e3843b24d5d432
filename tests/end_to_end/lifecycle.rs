//! The life of a connection, as those on both ends of it see it: open, draining, closed.

use std::{collections::BTreeSet, future::Future, time::Duration};

use futures_util::{Stream, StreamExt as _};
use rpc_core::{
    Broadcast, ChannelState, Code, Codec, Context, Endpoint, Reconnect, Server, Shared, Status,
    service,
};
use tests::{PlaygroundClient, PlaygroundServer, Served, Toys, Transport};
use tokio::{sync::mpsc, time::timeout};

/// A test that hangs fails by this.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

/// A channel that ends with its connection.
fn once() -> Endpoint {
    Endpoint::new().reconnect(Reconnect::off())
}

/// Subscriptions that may be quiet for ever.
#[service]
trait Feed {
    /// Ends when the connection is to end.
    fn polite(&self, cx: &Context) -> impl Stream<Item = Result<Shared<u64>, Status>>;
    /// Never ends by itself.
    fn stubborn(&self) -> impl Stream<Item = Result<Shared<u64>, Status>>;
    /// Gives the test its context, and waits until it is told to stop.
    async fn watched(&self, cx: &Context) -> bool;
}

#[derive(Clone)]
struct Exchange {
    values: Broadcast<u64>,
    contexts: mpsc::UnboundedSender<Context>,
}

impl Feed for Exchange {
    fn polite(&self, cx: &Context) -> impl Stream<Item = Result<Shared<u64>, Status>> {
        self.values.subscribe().until_lag().take_until(cx.draining())
    }

    fn stubborn(&self) -> impl Stream<Item = Result<Shared<u64>, Status>> {
        self.values.subscribe().until_lag()
    }

    async fn watched(&self, cx: &Context) -> bool {
        self.contexts.send(cx.clone()).unwrap();
        cx.draining().await;
        cx.is_draining()
    }
}

fn exchange() -> (Exchange, mpsc::UnboundedReceiver<Context>) {
    let (contexts, received) = mpsc::unbounded_channel();
    (Exchange { values: Broadcast::new(16), contexts }, received)
}

#[tokio::test]
async fn a_quiet_subscription_that_watches_for_the_end_does_not_hold_a_shutdown_up() {
    let (exchange, _contexts) = exchange();
    let server = Server::new().grace(Duration::from_secs(3600));
    let server = server.with(FeedServer::new(exchange.clone()));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let feed = FeedClient::new(once().connect(running.address()).await.unwrap());
    let mut values = feed.polite().await.unwrap();
    exchange.values.send(7);
    assert_eq!(values.next().await, Some(Ok(7)));
    soon(running.shutdown()).await;
    assert_eq!(values.next().await, None, "the reader takes it for the end that it is");
    assert_eq!(soon(feed.channel().closed()).await, Ok(()));
}

#[tokio::test]
async fn a_quiet_subscription_that_does_not_watch_is_cut() {
    let (exchange, _contexts) = exchange();
    let server = Server::new().grace(Duration::from_millis(1));
    let running = server.with(FeedServer::new(exchange)).start("127.0.0.1:0").await.unwrap();
    let feed = FeedClient::new(once().connect(running.address()).await.unwrap());
    let mut values = feed.stubborn().await.unwrap();
    soon(running.shutdown()).await;
    let cut = values.next().await.unwrap().unwrap_err();
    assert_eq!(cut.code(), Code::Unavailable);
    // In words that are true of the reader's side.
    let words = "peer closed the connection: aborted: it did not wait for the calls that run";
    assert!(cut.to_string().contains(words), "{cut}");
    let lost = soon(feed.channel().closed()).await.unwrap_err();
    assert_eq!(lost.code(), Code::Unavailable, "{lost}");
}

#[tokio::test]
async fn handlers_of_either_side_are_told_when_either_side_drains() {
    for client_closes in [false, true] {
        let (exchange, mut contexts) = exchange();
        let server = Server::new().with(FeedServer::new(exchange.clone()));
        let running = server.start("127.0.0.1:0").await.unwrap();
        let endpoint = Endpoint::new().with(FeedServer::new(exchange));
        let channel = endpoint.connect(running.address()).await.unwrap();
        let feed = FeedClient::new(channel.clone());
        let on_server = tokio::spawn(feed.watched());
        let cx = contexts.recv().await.unwrap();
        assert!(!cx.is_draining());
        let back: FeedClient = cx.peer();
        let on_client = tokio::spawn(back.watched());
        contexts.recv().await.unwrap();
        let ending = tokio::spawn(async move {
            if client_closes {
                return channel.close().await;
            }
            running.shutdown().await;
            Ok(())
        });
        assert_eq!(soon(on_server).await.unwrap(), Ok(true));
        assert_eq!(soon(on_client).await.unwrap(), Ok(true));
        assert_eq!(soon(ending).await.unwrap(), Ok(()));
        assert!(cx.is_draining());
        soon(cx.draining()).await;
    }
}

#[tokio::test]
async fn closing_waits_for_what_runs_and_starts_nothing_else() {
    for transport in [Transport::Tcp, Transport::Unix, Transport::Memory] {
        let served = Served::over(transport, Codec::Bincode).await;
        let channel = served.client.channel().clone();
        channel.ready().await.unwrap();
        assert_eq!((channel.state(), channel.open_calls()), (ChannelState::Ready, 0));
        let waiting = tokio::spawn(served.client.wait());
        served.toys.until_waiting(1).await;
        assert_eq!(channel.open_calls(), 1);
        let closing = tokio::spawn({
            let channel = channel.clone();
            async move { channel.close().await }
        });
        while channel.state() == ChannelState::Ready {
            tokio::task::yield_now().await;
        }
        assert_eq!(channel.state(), ChannelState::Draining);
        let refused = served.client.nothing().await.unwrap_err();
        assert!(!refused.status().unwrap().may_have_run(), "{refused}");
        assert!(!closing.is_finished() && !channel.is_closed());
        tests::Playground::open(&served.toys, 1).await;
        assert_eq!(waiting.await.unwrap(), Ok(7));
        assert_eq!(soon(closing).await.unwrap(), Ok(()));
        assert_eq!((channel.is_closed(), channel.open_calls()), (true, 0));
        // It is over for all clones, however often they ask.
        assert_eq!(soon(served.client.channel().close()).await, Ok(()));
    }
}

#[test]
fn one_way_calls_have_left_when_the_connection_is_closed() {
    const LINES: usize = 2000;
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let servers = runtime();
    let served = servers.block_on(Served::over(Transport::Tcp, Codec::Bincode));
    // Its whole runtime ends right after, as a program's does.
    runtime().block_on(async {
        let client = PlaygroundClient::connect(served.address()).await.unwrap();
        assert_eq!(client.channel().state(), ChannelState::Connecting);
        for line in 0..LINES {
            client.note(line.to_string()).await.unwrap();
        }
        soon(client.channel().close()).await.unwrap();
    });
    servers.block_on(soon(served.toys.until_noted(LINES)));
    let noted: BTreeSet<usize> =
        served.toys.noted().iter().map(|line| line.parse().unwrap()).collect();
    assert!(noted.into_iter().eq(0..LINES));
}

#[tokio::test]
async fn an_end_that_is_not_in_order_says_why() {
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    let client = served.client_once().await;
    let channel = client.channel().clone();
    let closed = tokio::spawn(async move { channel.closed().await });
    client.nothing().await.unwrap();
    served.running.as_ref().unwrap().shutdown_handle().abort();
    let why = soon(closed).await.unwrap().unwrap_err();
    assert_eq!(why.code(), Code::Unavailable);
    assert!(why.message().starts_with("peer closed the connection"), "{why}");
    assert_eq!(client.channel().close().await, Err(why), "there is no better end to come");
}

#[test]
fn a_connection_is_over_when_its_runtime_is() {
    use tokio::runtime::Builder;
    // On one thread, neither end is polled when the other has been dropped: it would see that its peer is gone.
    let connected = Builder::new_current_thread().enable_all().build().unwrap();
    let watching = Builder::new_multi_thread().enable_all().build().unwrap();
    let client = connected.block_on(async {
        PlaygroundClient::in_memory(Server::new().with(PlaygroundServer::new(Toys::default())))
    });
    let channel = client.channel().clone();
    let closed = watching.spawn(async move { channel.closed().await });
    connected.shutdown_background();
    let why = watching.block_on(soon(closed)).unwrap().unwrap_err();
    assert!(why.message().contains("runtime"), "{why}");
    assert!(client.channel().is_closed());
}
