//! JSON-RPC 2.0 over HTTP/1.1, written by hand on axum and reqwest, as many services do it.
//!
//! The client is one keep-alive pool: a connection carries one call at a time, so N in flight are N
//! connections. Bytes travel as base64 text, for want of anything better in JSON.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Result, anyhow};
use axum::{
    Router,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use super::{
    Info, Link, Listening, Role, Transport,
    callers::{Caller, Callers},
    http,
};
use crate::jobs::{self, Order};

/// axum on the server's side, reqwest on the client's.
#[derive(Debug)]
pub(super) struct AxumReqwest;

impl Transport for AxumReqwest {
    fn info(&self) -> Info {
        Info { name: "axum+reqwest", role: Role::Http, settings: http::SETTINGS }
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        Box::pin(async { http::serve(Router::new().route("/", post(answer))).await })
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move {
            let (http, url) = (http::client()?, http::url(&address)?);
            let client = Client(Arc::new(Shared { http, url, next_id: AtomicU64::new(1) }));
            Ok(Box::new(Callers(client)) as Box<dyn Link>)
        })
    }
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: &'a RawValue,
}

#[derive(Serialize)]
struct Success<'a, T> {
    jsonrpc: &'static str,
    id: &'a RawValue,
    result: T,
}

#[derive(Serialize)]
struct Failure {
    jsonrpc: &'static str,
    id: (),
    error: Fault,
}

#[derive(Debug, Serialize, Deserialize)]
struct Fault {
    code: i32,
    message: String,
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self { code: INVALID_REQUEST, message: error.to_string() }
    }
}

async fn answer(body: Bytes) -> Response {
    let reply = match perform(&body).await {
        Ok(reply) => reply,
        Err(error) => serde_json::to_vec(&Failure { jsonrpc: VERSION, id: (), error })
            .expect("a failure is plain strings and numbers"),
    };
    ([(CONTENT_TYPE, "application/json")], reply).into_response()
}

async fn perform(body: &[u8]) -> Result<Vec<u8>, Fault> {
    let Request { id, method, params } = serde_json::from_slice(body)?;
    match method.as_ref() {
        "add" => {
            let (a, b): (i64, i64) = serde_json::from_str(params.get())?;
            success(id, a + b)
        }
        "work" => {
            let (kind, amount) = serde_json::from_str(params.get())?;
            success(id, jobs::perform(kind, amount).await)
        }
        "record" => {
            let (order,): (Order,) = serde_json::from_str(params.get())?;
            success(id, order)
        }
        "echo" => {
            let (text,): (Cow<'_, str>,) = serde_json::from_str(params.get())?;
            let bytes = STANDARD
                .decode(text.as_bytes())
                .map_err(|error| Fault { code: INVALID_PARAMS, message: error.to_string() })?;
            success(id, STANDARD.encode(bytes))
        }
        other => Err(Fault { code: NO_SUCH_METHOD, message: format!("no method {other:?}") }),
    }
}

fn success(id: &RawValue, result: impl Serialize) -> Result<Vec<u8>, Fault> {
    Ok(serde_json::to_vec(&Success { jsonrpc: VERSION, id, result })?)
}

#[derive(Clone)]
struct Client(Arc<Shared>);

struct Shared {
    http: reqwest::Client,
    url: reqwest::Url,
    next_id: AtomicU64,
}

#[derive(Serialize)]
struct Call<'a, P> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: P,
}

#[derive(Deserialize)]
struct Reply<T> {
    id: Option<u64>,
    result: Option<T>,
    error: Option<Fault>,
}

impl Client {
    async fn call<T: DeserializeOwned>(&self, method: &str, params: impl Serialize) -> Result<T> {
        let Shared { http, url, next_id } = &*self.0;
        let id = next_id.fetch_add(1, Ordering::Relaxed);
        let call = Call { jsonrpc: VERSION, id, method, params };
        let response = http.post(url.clone()).json(&call).send().await?.error_for_status()?;
        match response.json::<Reply<T>>().await? {
            Reply { result: Some(result), id: Some(answered), .. } if answered == id => Ok(result),
            Reply { error, .. } => Err(anyhow!("{method} failed: {error:?}")),
        }
    }
}

impl Caller for Client {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        self.call("add", (a, b)).await
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        self.call("work", (kind, amount)).await
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        self.call("record", (order,)).await
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let text: String = self.call("echo", (STANDARD.encode(payload),)).await?;
        Ok(STANDARD.decode(text)?.into())
    }
}

const VERSION: &str = "2.0";
const INVALID_REQUEST: i32 = -32600;
const NO_SUCH_METHOD: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
