//! Calls in both directions on one connection, the order of calls, and what is handed on from call to call.

use std::time::Duration;

use futures_util::future::join_all;
use rpc_core::{Context, Limits, Server, service};

use crate::relay::{BounceClient, Relayed, each, each_with};

#[test]
fn calls_nest_to_any_depth() {
    each(async |Relayed { client, .. }| {
        assert_eq!(client.bounce(64).await, Ok(64));
        let many = join_all((0..20).map(|depth| client.bounce(depth))).await;
        assert!(many.into_iter().map(Result::unwrap).eq(0..20));
    });
}

#[test]
fn a_call_that_would_wait_for_itself_is_refused() {
    for max_calls in [1, 3] {
        let limits = Limits::default().max_calls(max_calls);
        each_with(limits, async |Relayed { client, .. }| {
            let allowed = max_calls * 2;
            assert_eq!(client.bounce(allowed - 1).await, Ok(allowed - 1));
            let error = client.bounce(64).await.unwrap_err().to_string();
            assert!(error.contains("nested too deep"), "{error}");
            assert_eq!(client.bounce(1).await, Ok(1));
        });
    }
}

/// Hands a client of its caller to the test.
#[service]
trait Greeter {
    async fn greet(&self, cx: &Context);
}

struct Door(tokio::sync::mpsc::UnboundedSender<BounceClient>);

impl Greeter for Door {
    async fn greet(&self, cx: &Context) {
        self.0.send(cx.peer()).unwrap();
    }
}

#[tokio::test]
async fn a_client_of_the_caller_outlives_the_handler() {
    let (send, mut clients) = tokio::sync::mpsc::unbounded_channel();
    let running = Server::new().with(GreeterServer::new(Door(send))).start("127.0.0.1:0").await;
    let running = running.unwrap();
    let watch = crate::relay::Watch::default();
    let endpoint = rpc_core::Endpoint::new();
    let endpoint = endpoint.with(crate::relay::BounceServer::new(watch));
    let greeter = GreeterClient::new(endpoint.connect(running.address()).await.unwrap());
    greeter.greet().await.unwrap();
    let caller = clients.recv().await.unwrap();
    let task = tokio::spawn(async move {
        let mut count = caller.count(3).await?;
        let mut sum = 0;
        while let Some(number) = count.next().await {
            sum += number?;
        }
        Ok::<_, rpc_core::CallError>((sum, caller))
    });
    let (sum, caller) = task.await.unwrap().unwrap();
    assert_eq!(sum, 3);
    // It does not keep the connection open.
    drop(greeter);
    let error = loop {
        match caller.count(1).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), rpc_core::Code::Unavailable);
}

#[test]
fn ordered_calls_end_in_the_order_sent_and_others_overtake() {
    each(async |Relayed { client, .. }| {
        let calls = (0..200).map(|number| client.append(number));
        for result in join_all(calls).await {
            result.unwrap();
        }
        for number in 200..300 {
            client.append_oneway(number).await.unwrap();
        }
        // A method on its own has an order of its own: the one-way calls are waited for.
        let noted = loop {
            let noted = client.noted().await.unwrap();
            if noted.len() == 300 {
                break noted;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(noted, (0..300).collect::<Vec<_>>());
    });
}

/// A chain of servers: each passes the call on to the next.
#[service]
trait Link {
    async fn pass(&self, cx: &Context, links: u32) -> Result<(String, u64), String>;
    async fn hang(&self, cx: &Context, links: u32);
}

struct Chain {
    next: Option<LinkClient>,
    ended: tokio::sync::mpsc::UnboundedSender<u32>,
}

impl Link for Chain {
    async fn pass(&self, cx: &Context, links: u32) -> Result<(String, u64), String> {
        match &self.next {
            Some(next) => next.pass(links + 1).within(cx).await.map_err(|error| error.to_string()),
            None => {
                let who = cx.metadata().value("who").unwrap_or("nobody").to_owned();
                Ok((who, cx.remaining().map_or(0, |left| left.as_millis() as u64)))
            }
        }
    }

    async fn hang(&self, cx: &Context, links: u32) {
        struct Ended(u32, tokio::sync::mpsc::UnboundedSender<u32>);
        impl Drop for Ended {
            fn drop(&mut self) {
                let _ = self.1.send(self.0);
            }
        }
        let ended = Ended(links, self.ended.clone());
        let started = self.ended.clone();
        match &self.next {
            // In a task of its own: only the context ties it to the call.
            Some(next) => {
                let call = next.hang(links + 1).within(cx);
                let _ = tokio::spawn(async move {
                    let _ended = ended;
                    call.await
                })
                .await;
            }
            None => {
                let _ended = ended;
                started.send(100).unwrap();
                std::future::pending().await
            }
        }
    }
}

async fn chain() -> (LinkClient, tokio::sync::mpsc::UnboundedReceiver<u32>, Vec<rpc_core::Running>)
{
    let (ended, receiver) = tokio::sync::mpsc::unbounded_channel();
    let mut next = None;
    let mut servers = Vec::new();
    for _ in 0..3 {
        let link = Chain { next: next.take(), ended: ended.clone() };
        let running = Server::new().with(LinkServer::new(link)).start("127.0.0.1:0").await.unwrap();
        next = Some(LinkClient::connect(running.address()).await.unwrap());
        servers.push(running);
    }
    (next.unwrap(), receiver, servers)
}

#[tokio::test]
async fn deadline_and_metadata_pass_through_three_servers() {
    let (first, _ended, _servers) = chain().await;
    let timeout = Duration::from_secs(30);
    let (who, left) = first.pass(0).timeout(timeout).metadata("who", "ada").await.unwrap();
    assert_eq!(who, "ada");
    assert!(left > 0 && left <= 30_000, "{left}");
    let (who, left) = first.pass(0).await.unwrap();
    assert_eq!((&who[..], left), ("nobody", 0));
}

#[tokio::test]
async fn when_the_first_caller_goes_the_last_handler_ends() {
    let (first, mut ended, _servers) = chain().await;
    let call = tokio::spawn(first.hang(0));
    assert_eq!(ended.recv().await, Some(100), "the last handler has started");
    call.abort();
    let mut seen = [ended.recv().await, ended.recv().await, ended.recv().await];
    seen.sort_unstable();
    assert_eq!(seen, [Some(0), Some(1), Some(2)]);
}

/// Hands the context of its call to the test.
#[service]
trait Holder {
    async fn hold(&self, cx: &Context);
}

struct Hand(tokio::sync::mpsc::UnboundedSender<Context>);

impl Holder for Hand {
    async fn hold(&self, cx: &Context) {
        self.0.send(cx.clone()).unwrap();
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_call_that_it_is_part_of() {
    let limits = Limits::default();
    let Relayed { client, watch, .. } =
        &Relayed::over(tests::Transport::Tcp, rpc_core::Codec::Bincode, limits).await;
    let (send, mut contexts) = tokio::sync::mpsc::unbounded_channel();
    let holder = HolderClient::in_memory(Server::new().with(HolderServer::new(Hand(send))));
    let held = tokio::spawn(holder.hold());
    let cx = contexts.recv().await.unwrap();
    // It brings one item, and then waits for ever.
    let (lines_in, source) = tokio::sync::mpsc::unbounded_channel::<String>();
    lines_in.send("one".to_owned()).unwrap();
    let source = futures_util::stream::unfold(source, async |mut source| {
        source.recv().await.map(|line| (line, source))
    });
    let mut lines = client.shout(source).within(&cx).await.unwrap();
    assert_eq!(lines.next().await, Some(Ok("ONE".to_owned())));
    held.abort();
    let error = lines.next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), rpc_core::Code::Cancelled, "{error}");
    assert_eq!(lines.next().await, None);
    watch.until_live(0).await;
}
