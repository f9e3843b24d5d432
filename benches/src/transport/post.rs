//! Clients that call JSON-RPC by POST: jsonrpsee's, and a small one on hyper that does no more than that.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, StatusCode, Uri,
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue},
};
use hyper_util::rt::TokioIo;
use jsonrpsee_core::{client::ClientT, rpc_params};
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use parking_lot::Mutex;
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::TcpStream;

use super::{
    LARGEST_MESSAGE,
    faces::{Answer, Asked, ByName},
};

#[derive(Clone)]
pub(super) struct Jsonrpsee(Arc<HttpClient>);

impl Jsonrpsee {
    pub(super) fn new(url: &str) -> Result<Self> {
        let client = HttpClientBuilder::default()
            .max_request_size(LARGEST_MESSAGE)
            .max_response_size(LARGEST_MESSAGE)
            .set_tcp_no_delay(true);
        Ok(Self(Arc::new(client.build(url)?)))
    }
}

impl ByName for Jsonrpsee {
    async fn ask<P: Serialize + Send + Sync, R: DeserializeOwned + Send>(
        &self,
        method: &str,
        params: P,
    ) -> Result<R> {
        let mut given = rpc_params![];
        let serde_json::Value::Array(each) = serde_json::to_value(params)? else {
            bail!("arguments go by position");
        };
        for one in each {
            given.insert(one)?;
        }
        Ok(self.0.request(method, given).await?)
    }
}

/// A client whose calls in flight have a connection each, kept for the next one.
#[derive(Clone)]
pub(super) struct Small(Arc<Server>);

struct Server {
    address: String,
    /// What is the same in each request.
    headers: HeaderMap,
    /// Bounded by: the calls in flight.
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
    next_id: AtomicUsize,
}

impl Small {
    pub(super) fn new(address: &str) -> Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(HOST, HeaderValue::from_str(address)?);
        let (idle, next_id) = (Mutex::default(), AtomicUsize::new(1));
        Ok(Self(Arc::new(Server { address: address.to_owned(), headers, idle, next_id })))
    }
}

impl Server {
    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>> {
        let kept = self.idle.lock().pop();
        if let Some(mut kept) = kept {
            kept.ready().await?;
            return Ok(kept);
        }
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // Ends with the sender; what goes wrong is said there.
        tokio::spawn(connection);
        Ok(sender)
    }
}

impl ByName for Small {
    async fn ask<P: Serialize + Send + Sync, R: DeserializeOwned + Send>(
        &self,
        method: &str,
        params: P,
    ) -> Result<R> {
        let server = &*self.0;
        let asked = server.next_id.fetch_add(1, Ordering::Relaxed);
        let body = serde_json::to_vec(&Asked::new(method, params, asked))?;
        let mut request = Request::new(Full::new(body.into()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_static("/");
        *request.headers_mut() = server.headers.clone();
        let mut connection = server.connection().await?;
        let reply = connection.send_request(request).await?;
        ensure!(reply.status() == StatusCode::OK, "{}", reply.status());
        let body = reply.into_body().collect().await?.to_bytes();
        // A call that failed leaves no connection behind that is in its middle.
        server.idle.lock().push(connection);
        let Answer { id, result } = serde_json::from_slice(&body)?;
        ensure!(id == asked, "the answer to {asked} says {id}");
        result.context("an error for an answer")
    }
}
