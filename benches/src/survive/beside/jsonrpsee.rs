//! JSON-RPC over a WebSocket by jsonrpsee, whose clients end with their connection.

use std::sync::Arc;

use anyhow::Result;
use jsonrpsee_core::{client::ClientT as _, rpc_params};
use jsonrpsee_server::{RpcModule, Server, ServerConfig, types::ErrorObjectOwned};
use jsonrpsee_ws_client::{WsClient, WsClientBuilder};

use super::{Record, client::Enters};
use crate::transport::Listening;

pub(super) async fn serve(record: Record) -> Result<Listening> {
    let mut module = RpcModule::new(record);
    module.register_async_method("enter", |params, record: Arc<Record>, _| async move {
        let (number,): (u64,) = params.parse()?;
        record.work(number).await;
        Ok::<_, ErrorObjectOwned>(number)
    })?;
    let config = ServerConfig::builder().ws_only().set_tcp_no_delay(true).build();
    let server = Server::builder().set_config(config).build("127.0.0.1:0").await?;
    Ok(Listening::new(server.local_addr()?.to_string(), server.start(module)))
}

pub(super) struct Client(WsClient);

impl Enters for Client {
    async fn dial(address: &str) -> Result<Self> {
        let builder = WsClientBuilder::default().set_tcp_no_delay(true);
        Ok(Self(builder.build(format!("ws://{address}/")).await?))
    }

    async fn enter(&self, number: u64) -> Result<()> {
        let entered: u64 = self.0.request("enter", rpc_params![number]).await?;
        anyhow::ensure!(entered == number, "another number was entered");
        Ok(())
    }
}
