//! tarpc: bincode behind a length prefix over TCP, as its documentation shows it.

#![allow(missing_docs, reason = "the macro's items have none")]

use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture};
use tarpc::{
    client, context, serde_transport,
    server::{BaseChannel, Channel},
    tokio_serde::formats::Bincode,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::LengthDelimitedCodec;

use super::{
    Info, LARGEST_MESSAGE, Link, Listening, MOST_CALLS, Role, Transport,
    callers::{Caller, Callers},
};
use crate::jobs::{self, Order};

/// The jobs, as a tarpc service.
#[tarpc::service]
trait Jobs {
    async fn add(a: i64, b: i64) -> i64;
    async fn work(kind: u32, amount: u32) -> i64;
    async fn echo(payload: Bytes) -> Bytes;
    async fn record(order: Order) -> Order;
}

#[derive(Clone)]
struct Worker;

impl Jobs for Worker {
    async fn add(self, _: context::Context, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn work(self, _: context::Context, kind: u32, amount: u32) -> i64 {
        jobs::perform(kind, amount).await
    }

    async fn echo(self, _: context::Context, payload: Bytes) -> Bytes {
        payload
    }

    async fn record(self, _: context::Context, order: Order) -> Order {
        order
    }
}

/// tarpc on both sides.
#[derive(Debug)]
pub(super) struct Tarpc;

impl Transport for Tarpc {
    fn info(&self) -> Info {
        Info {
            name: "tarpc",
            role: Role::Peer,
            settings: "bincode over TCP, TCP_NODELAY, a task per request (its `execute`), frames to 16 MiB, queues \
         on both sides raised to the calls in flight",
        }
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        Box::pin(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?.to_string();
            let accepting = tokio::spawn(accept(listener));
            Ok(Listening::new(address, accepting))
        })
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let transport = serde_transport::new(frames().new_framed(stream), Bincode::default());
            let mut config = client::Config::default();
            config.max_in_flight_requests = MOST_CALLS as usize;
            config.pending_request_buffer = QUEUE;
            let client = JobsClient::new(config, transport).spawn();
            Ok(Box::new(Callers(client)) as Box<dyn Link>)
        })
    }
}

async fn accept(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        // A connection that is gone already shows so at its first read.
        let _ = stream.set_nodelay(true);
        let transport = serde_transport::new(frames().new_framed(stream), Bincode::default());
        let config = tarpc::server::Config { pending_response_buffer: QUEUE };
        let channel = BaseChannel::new(config, transport);
        tokio::spawn(channel.execute(Worker.serve()).for_each(|call| async {
            tokio::spawn(call);
        }));
    }
}

fn frames() -> tokio_util::codec::length_delimited::Builder {
    let mut frames = LengthDelimitedCodec::builder();
    frames.max_frame_length(LARGEST_MESSAGE as usize);
    frames
}

/// Calls may take longer than the ten seconds that are usual.
fn patient() -> context::Context {
    let mut context = context::current();
    context.deadline = Instant::now() + PATIENCE;
    context
}

impl Caller for JobsClient {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(Self::add(self, patient(), a, b).await?)
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        Ok(Self::work(self, patient(), kind, amount).await?)
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        Ok(Self::echo(self, patient(), payload).await?)
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        Ok(Self::record(self, patient(), order.clone()).await?)
    }
}

const PATIENCE: Duration = Duration::from_secs(60);
/// Requests and responses that wait to be written.
const QUEUE: usize = 1024;
