//! gRPC by tonic: protobuf over HTTP/2, as its generated code is used.

use std::{any::Any, net::SocketAddr};

use anyhow::Result;
use bytes::Bytes;
use futures_util::{Stream, future::BoxFuture, stream};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{
        Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig,
        server::TcpIncoming,
    },
};

use super::{
    Info, LARGEST_MESSAGE, Link, Listening, MOST_CALLS, Role, Transport,
    callers::{Caller, Callers},
    certificates::{self, Certificates},
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
#[derive(Debug, Clone, Copy)]
pub(super) enum Tonic {
    Plain,
    Tls,
}

impl Transport for Tonic {
    fn info(&self) -> Info {
        let (name, settings) = match self {
            Self::Plain => ("tonic", PLAIN),
            Self::Tls => ("tonic-tls", "as tonic, with TLS 1.3"),
        };
        Info { name, role: Role::Peer, settings }
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        match self {
            Self::Plain => Box::pin(serve()),
            Self::Tls => Box::pin(serve_tls()),
        }
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        let tonic = *self;
        Box::pin(async move {
            let client = match tonic {
                Self::Plain => connect(address).await?,
                Self::Tls => connect_tls(&address).await?,
            };
            Ok(Box::new(Callers(client)) as Box<dyn Link>)
        })
    }
}

const PLAIN: &str = "protobuf over HTTP/2 without TLS, TCP_NODELAY, windows of 4 MiB a stream and 16 MiB a \
     connection, as many streams as calls in flight, bytes fields shared, not copied";

/// Serves the calls, and the stream of items.
pub(crate) async fn serve() -> Result<Listening> {
    let (url, serving) = serve_with(Server::builder()).await?;
    Ok(Listening::new(url, serving))
}

async fn serve_tls() -> Result<Listening> {
    let certificates = Certificates::new()?;
    let leaf = &certificates.leaf;
    let identity = Identity::from_pem(&leaf.certificates, &leaf.key);
    let server = Server::builder().tls_config(ServerTlsConfig::new().identity(identity))?;
    let (url, serving) = serve_with(server).await?;
    let address = certificates.address(url.replace("http:", "https:"));
    Ok(Listening::new(address, (serving, certificates)))
}

async fn serve_with(server: Server) -> Result<(String, impl Any + Send)> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let jobs = JobsServer::new(Worker).max_decoding_message_size(LARGEST_MESSAGE as usize);
    let serving = server
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MOST_CALLS)
        .add_service(jobs)
        .serve_with_incoming(incoming);
    Ok((url, tokio::spawn(serving)))
}

/// A client on a connection of its own.
pub(crate) async fn connect(address: String) -> Result<JobsClient<Channel>> {
    client(Endpoint::from_shared(address)?).await
}

async fn connect_tls(address: &str) -> Result<JobsClient<Channel>> {
    let (url, authority) = certificates::read(address)?;
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority));
    client(Endpoint::from_shared(url.to_owned())?.tls_config(tls)?).await
}

async fn client(endpoint: Endpoint) -> Result<JobsClient<Channel>> {
    let endpoint = endpoint
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
