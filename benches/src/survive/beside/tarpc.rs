//! tarpc, whose clients end with their connection.

#![allow(missing_docs, reason = "the macro's items have none")]

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::StreamExt as _;
use tarpc::{
    client::Config,
    context, serde_transport,
    server::{BaseChannel, Channel as _},
    tokio_serde::formats::Bincode,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::codec::LengthDelimitedCodec;

use super::{Record, client::Enters};
use crate::transport::Listening;

#[tarpc::service]
trait Book {
    async fn enter(number: u64);
}

#[derive(Clone)]
struct Entering(Record);

impl Book for Entering {
    async fn enter(self, _: context::Context, number: u64) {
        self.0.work(number).await;
    }
}

pub(super) async fn serve(record: Record) -> Result<Listening> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A connection that is gone already shows so at its first read.
            let _ = stream.set_nodelay(true);
            let framed = LengthDelimitedCodec::builder().new_framed(stream);
            let channel =
                BaseChannel::with_defaults(serde_transport::new(framed, Bincode::default()));
            let entering = Entering(record.clone());
            tokio::spawn(channel.execute(entering.serve()).for_each(|call| async {
                tokio::spawn(call);
            }));
        }
    });
    Ok(Listening::new(address, accepting))
}

pub(super) struct Client(BookClient);

impl Enters for Client {
    async fn dial(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let framed = LengthDelimitedCodec::builder().new_framed(stream);
        let transport = serde_transport::new(framed, Bincode::default());
        Ok(Self(BookClient::new(Config::default(), transport).spawn()))
    }

    async fn enter(&self, number: u64) -> Result<()> {
        let mut context = context::current();
        context.deadline = Instant::now() + Duration::from_secs(10);
        Ok(self.0.enter(context, number).await?)
    }
}
