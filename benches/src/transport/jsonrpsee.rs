//! JSON-RPC 2.0 by jsonrpsee, over HTTP/1.1 and over a WebSocket, as its documentation shows it.
//!
//! Limits that would refuse the loads are raised; everything else is as it comes. Bytes travel as
//! base64 text.

use std::sync::Arc;

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use jsonrpsee_core::{RegisterMethodError, client::ClientT, rpc_params};
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use jsonrpsee_server::{RpcModule, Server, ServerConfig, types::ErrorObjectOwned};
use jsonrpsee_ws_client::{WsClient, WsClientBuilder};

use super::{
    Info, LARGEST_MESSAGE, Link, Listening, MOST_CALLS, MOST_CONNECTIONS, Role, Transport,
    callers::{Caller, Callers},
};
use crate::jobs::{self, Order};

/// jsonrpsee on both sides.
#[derive(Debug, Clone, Copy)]
pub(super) enum Jsonrpsee {
    Http,
    WebSocket,
}

impl Transport for Jsonrpsee {
    fn info(&self) -> Info {
        match self {
            Self::Http => Info {
                name: "jsonrpsee-http",
                role: Role::Http,
                settings: "HTTP/1.1 keep-alive, TCP_NODELAY, limits on connections and sizes raised",
            },
            Self::WebSocket => Info {
                name: "jsonrpsee-ws",
                role: Role::Peer,
                settings: "one WebSocket for all calls, TCP_NODELAY, limits on connections, sizes and calls raised",
            },
        }
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        let ours = *self;
        Box::pin(async move {
            let config = ServerConfig::builder()
                .max_connections(MOST_CONNECTIONS)
                .max_request_body_size(LARGEST_MESSAGE)
                .max_response_body_size(LARGEST_MESSAGE)
                .set_message_buffer_capacity(MOST_CALLS)
                .set_tcp_no_delay(true);
            let (config, scheme) = match ours {
                Self::Http => (config.http_only(), "http"),
                Self::WebSocket => (config.ws_only(), "ws"),
            };
            let server = Server::builder().set_config(config.build()).build("127.0.0.1:0").await?;
            let url = format!("{scheme}://{}/", server.local_addr()?);
            Ok(Listening::new(url, server.start(methods()?)))
        })
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        let ours = *self;
        Box::pin(async move {
            Ok(match ours {
                Self::Http => Box::new(Callers(Shared(Arc::new(http(&address)?)))) as Box<dyn Link>,
                Self::WebSocket => Box::new(Callers(Shared(Arc::new(web_socket(&address).await?)))),
            })
        })
    }
}

fn http(url: &str) -> Result<HttpClient> {
    Ok(HttpClientBuilder::default()
        .max_request_size(LARGEST_MESSAGE)
        .max_response_size(LARGEST_MESSAGE)
        .set_tcp_no_delay(true)
        .build(url)?)
}

async fn web_socket(url: &str) -> Result<WsClient> {
    Ok(WsClientBuilder::default()
        .max_request_size(LARGEST_MESSAGE)
        .max_response_size(LARGEST_MESSAGE)
        .max_concurrent_requests(MOST_CALLS as usize)
        .set_tcp_no_delay(true)
        .build(url)
        .await?)
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

/// A client that clones, as that of HTTP does.
struct Shared<C>(Arc<C>);

impl<C> Clone for Shared<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: ClientT + Send + Sync + 'static> Caller for Shared<C> {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(self.0.request("add", rpc_params![a, b]).await?)
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        Ok(self.0.request("work", rpc_params![kind, amount]).await?)
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        Ok(self.0.request("record", rpc_params![order]).await?)
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let text: String = self.0.request("echo", rpc_params![STANDARD.encode(payload)]).await?;
        Ok(STANDARD.decode(text)?.into())
    }
}

const INVALID_PARAMS: i32 = -32602;
