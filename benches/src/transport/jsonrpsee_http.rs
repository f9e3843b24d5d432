//! JSON-RPC 2.0 over HTTP/1.1 by jsonrpsee, server and client, as its documentation shows it.
//!
//! Limits that would refuse the loads are raised; everything else is as it comes. Bytes travel as
//! base64 text.

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use jsonrpsee_core::{RegisterMethodError, client::ClientT, rpc_params};
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee_server::{RpcModule, Server, ServerConfig, types::ErrorObjectOwned};

use super::{
    LARGEST_MESSAGE, Link, Listening, MOST_CONNECTIONS, Role, Transport,
    callers::{Caller, Callers},
};
use crate::jobs::{self, Order};

/// jsonrpsee on both sides.
#[derive(Debug)]
pub(super) struct JsonrpseeHttp;

impl Transport for JsonrpseeHttp {
    fn name(&self) -> &'static str {
        "jsonrpsee-http"
    }

    fn role(&self) -> Role {
        Role::Http
    }

    fn settings(&self) -> &'static str {
        "HTTP/1.1 keep-alive, TCP_NODELAY, limits on connections and sizes raised"
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        Box::pin(async {
            let config = ServerConfig::builder()
                .http_only()
                .max_connections(MOST_CONNECTIONS)
                .max_request_body_size(LARGEST_MESSAGE)
                .max_response_body_size(LARGEST_MESSAGE)
                .set_tcp_no_delay(true)
                .build();
            let server = Server::builder().set_config(config).build("127.0.0.1:0").await?;
            let url = format!("http://{}/", server.local_addr()?);
            Ok(Listening::new(url, server.start(methods()?)))
        })
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move {
            let client = HttpClientBuilder::default()
                .max_request_size(LARGEST_MESSAGE)
                .max_response_size(LARGEST_MESSAGE)
                .set_tcp_no_delay(true)
                .build(address)?;
            Ok(Box::new(Callers(client)) as Box<dyn Link>)
        })
    }
}

fn methods() -> Result<RpcModule<()>, RegisterMethodError> {
    let mut module = RpcModule::new(());
    module.register_async_method("add", |params, _, _| async move {
        let (a, b): (i64, i64) = params.parse()?;
        Ok::<_, ErrorObjectOwned>(a + b)
    })?;
    module.register_async_method("work", |params, _, _| async move {
        let (kind, amount) = params.parse()?;
        Ok::<_, ErrorObjectOwned>(jobs::perform(kind, amount).await)
    })?;
    module.register_async_method("record", |params, _, _| async move {
        let (order,): (Order,) = params.parse()?;
        Ok::<_, ErrorObjectOwned>(order)
    })?;
    module.register_async_method("echo", |params, _, _| async move {
        let (text,): (String,) = params.parse()?;
        let bytes = STANDARD.decode(text).map_err(|error| {
            ErrorObjectOwned::owned(INVALID_PARAMS, error.to_string(), None::<()>)
        })?;
        Ok::<_, ErrorObjectOwned>(STANDARD.encode(bytes))
    })?;
    Ok(module)
}

impl Caller for HttpClient {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(self.request("add", rpc_params![a, b]).await?)
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        Ok(self.request("work", rpc_params![kind, amount]).await?)
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        Ok(self.request("record", rpc_params![order]).await?)
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let text: String = self.request("echo", rpc_params![STANDARD.encode(payload)]).await?;
        Ok(STANDARD.decode(text)?.into())
    }
}

const INVALID_PARAMS: i32 = -32602;
