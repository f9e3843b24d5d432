//! gRPC by tonic, whose channels connect again by themselves.

use std::net::SocketAddr;

use anyhow::Result;
use futures_util::{future::BoxFuture, stream};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};

use super::{Record, client};
use crate::{
    jobs::Order,
    transport::{
        Listening,
        generated::grpc::{
            jobs_client::JobsClient,
            jobs_server::{Jobs, JobsServer},
        },
        messages::{AddRequest, Nothing, Number, Payload, Triple, WorkRequest},
    },
};

/// Of the jobs only `add` is called: what it adds to is the number that is entered.
#[tonic::async_trait]
impl Jobs for Record {
    type ItemsStream = stream::Empty<Result<Triple, Status>>;

    async fn add(&self, request: Request<AddRequest>) -> Result<Response<Number>, Status> {
        let number = request.into_inner().a;
        Self::work(self, number as u64).await;
        Ok(Response::new(Number { value: number }))
    }

    async fn work(&self, _: Request<WorkRequest>) -> Result<Response<Number>, Status> {
        Err(Status::unimplemented("only add is called"))
    }

    async fn echo(&self, _: Request<Payload>) -> Result<Response<Payload>, Status> {
        Err(Status::unimplemented("only add is called"))
    }

    async fn record(&self, _: Request<Order>) -> Result<Response<Order>, Status> {
        Err(Status::unimplemented("only add is called"))
    }

    async fn items(&self, _: Request<Nothing>) -> Result<Response<Self::ItemsStream>, Status> {
        Err(Status::unimplemented("only add is called"))
    }
}

pub(super) async fn serve(record: Record) -> Result<Listening> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let address = listener.local_addr()?.to_string();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let jobs = JobsServer::new(record);
    let serving = Server::builder().add_service(jobs).serve_with_incoming(incoming);
    Ok(Listening::new(address, tokio::spawn(serving)))
}

pub(super) struct Client(JobsClient<Channel>);

pub(super) fn connect(address: &str) -> Result<Client> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?.tcp_nodelay(true);
    Ok(Client(JobsClient::new(endpoint.connect_lazy())))
}

impl client::Client for Client {
    fn enter(&self, number: u64) -> BoxFuture<'_, Result<()>> {
        let mut client = self.0.clone();
        Box::pin(async move {
            client.add(AddRequest { a: number as i64, b: 0 }).await?;
            Ok(())
        })
    }
}
