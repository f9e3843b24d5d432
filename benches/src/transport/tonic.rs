//! gRPC by tonic: protobuf over HTTP/2, as its generated code is used.

use std::net::SocketAddr;

use anyhow::Result;
use bytes::Bytes;
use futures_util::{Stream, future::BoxFuture, stream};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

use super::{
    Info, LARGEST_MESSAGE, Link, Listening, MOST_CALLS, Role, Transport,
    callers::{Caller, Callers},
    generated::grpc::{
        jobs_client::JobsClient,
        jobs_server::{Jobs, JobsServer},
    },
    messages::{AddRequest, Nothing, Number, Payload, Triple, WorkRequest},
};
use crate::jobs::{self, Order};

struct Worker;

#[tonic::async_trait]
impl Jobs for Worker {
    type ItemsStream = std::pin::Pin<Box<dyn Stream<Item = Result<Triple, Status>> + Send>>;

    async fn add(&self, request: Request<AddRequest>) -> Result<Response<Number>, Status> {
        let AddRequest { a, b } = request.into_inner();
        Ok(Response::new(Number { value: a.wrapping_add(b) }))
    }

    async fn work(&self, request: Request<WorkRequest>) -> Result<Response<Number>, Status> {
        let WorkRequest { kind, amount } = request.into_inner();
        Ok(Response::new(Number { value: jobs::perform(kind, amount).await }))
    }

    async fn echo(&self, request: Request<Payload>) -> Result<Response<Payload>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn record(&self, request: Request<Order>) -> Result<Response<Order>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn items(&self, _: Request<Nothing>) -> Result<Response<Self::ItemsStream>, Status> {
        let items = stream::repeat_with(|| Ok(Triple { a: 1.0, b: 2.0, c: 3.0 }));
        Ok(Response::new(Box::pin(items)))
    }
}

/// tonic on both sides.
#[derive(Debug)]
pub(super) struct Tonic;

impl Transport for Tonic {
    fn info(&self) -> Info {
        Info {
            name: "tonic",
            role: Role::Peer,
            settings: "protobuf over HTTP/2 without TLS, TCP_NODELAY, windows of 4 MiB a stream and 16 MiB a \
         connection, as many streams as calls in flight, bytes fields shared, not copied",
        }
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        Box::pin(serve())
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move { Ok(Box::new(Callers(connect(address).await?)) as Box<dyn Link>) })
    }
}

/// Serves the calls, and the stream of items.
pub(crate) async fn serve() -> Result<Listening> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let jobs = JobsServer::new(Worker).max_decoding_message_size(LARGEST_MESSAGE as usize);
    let serving = Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MOST_CALLS)
        .add_service(jobs)
        .serve_with_incoming(incoming);
    Ok(Listening::new(url, tokio::spawn(serving)))
}

/// A client on a connection of its own.
pub(crate) async fn connect(address: String) -> Result<JobsClient<Channel>> {
    let endpoint = Endpoint::from_shared(address)?
        .tcp_nodelay(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .buffer_size(MOST_CALLS as usize);
    let channel = endpoint.connect().await?;
    Ok(JobsClient::new(channel).max_decoding_message_size(LARGEST_MESSAGE as usize))
}

/// The methods take a client by `&mut`; a clone is how it is shared.
impl Caller for JobsClient<Channel> {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(Self::add(&mut self.clone(), AddRequest { a, b }).await?.into_inner().value)
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        Ok(Self::work(&mut self.clone(), WorkRequest { kind, amount }).await?.into_inner().value)
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        Ok(Self::echo(&mut self.clone(), Payload { data: payload }).await?.into_inner().data)
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        Ok(Self::record(&mut self.clone(), order.clone()).await?.into_inner())
    }
}

const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
