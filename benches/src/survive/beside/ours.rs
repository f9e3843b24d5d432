//! This framework, by what of it is used.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::BoxFuture;
use rpc_core::{Endpoint, OnceLimits, Reconnect, Resume, Retry, Server, service};

use super::{Record, client, frameworks::Survival};
use crate::transport::Listening;

#[service]
trait Book {
    /// Enters a number.
    async fn enter(&self, number: u64);
    /// Enters a number, once.
    #[rpc(once)]
    async fn enter_once(&self, number: u64);
}

impl Book for Record {
    async fn enter(&self, number: u64) {
        self.work(number).await;
    }

    async fn enter_once(&self, number: u64) {
        self.work(number).await;
    }
}

pub(super) async fn serve(record: Record) -> Result<Listening> {
    // More calls come in a minute than the usual memory of what has run has room for: others would be refused.
    let once = OnceLimits::new().max_entries(8 << 20).max_bytes(4 << 30);
    let server = Server::new().with(BookServer::new(record)).resume(Resume::new()).once(once);
    let running = server.start("127.0.0.1:0").await?;
    Ok(Listening::new(running.address().to_string(), running))
}

pub(super) struct Client(Survival, BookClient);

pub(super) async fn connect(survival: Survival, address: &str) -> Result<Client> {
    // Connections through the cutter last for milliseconds: the usual pause between two would be all that is measured, and
    // each cut meets all calls, which is what the usual budget is there to stop.
    let reconnect = Reconnect::new().first_delay(Duration::from_millis(1));
    let retry = Retry::new().attempts(u8::MAX).budget(1000, 1000);
    let mut endpoint = Endpoint::new().reconnect(reconnect).retry(retry);
    if survival == Survival::Resuming {
        endpoint = endpoint.resume(Resume::new());
    }
    let channel = endpoint.connect(address).await?;
    channel.ready().await?;
    Ok(Client(survival, BookClient::new(channel)))
}

impl client::Client for Client {
    fn enter(&self, number: u64) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            match self.0 {
                Survival::Once => self.1.enter_once(number).await?,
                Survival::Reconnecting | Survival::Resuming => self.1.enter(number).await?,
            }
            Ok(())
        })
    }
}
