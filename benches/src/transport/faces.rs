//! The HTTP face of this framework: JSON-RPC over HTTP/1.1 and over a WebSocket, and its own protocol over a WebSocket. Bytes
//! in JSON are arrays of numbers.
//!
//! This framework has no client for JSON-RPC in Rust. Over HTTP that of jsonrpsee calls it, as it calls jsonrpsee's own server,
//! so that the two differ by their servers, and beside it a small one on hyper: what a whole call costs that needs no more
//! than POST. Over a WebSocket it is a small one of this file's own.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, future::BoxFuture};
use parking_lot::Mutex;
use rpc_core::Http;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use slab::Slab;
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot},
};
use tokio_tungstenite::{client_async, tungstenite::Message};

use super::{
    Info, LARGEST_MESSAGE, Link, Listening, Role, Transport,
    callers::{Caller, Callers},
    ours,
    post::{Jsonrpsee, Small},
};
use crate::jobs::Order;

/// Which face.
#[derive(Debug, Clone, Copy)]
pub(super) enum Face {
    /// JSON-RPC by POST, called by jsonrpsee's client.
    Http,
    /// The same, called by a small client.
    HttpSmall,
    /// JSON-RPC in texts.
    JsonRpc,
    /// The protocol in binary messages.
    Rpc,
}

impl Transport for Face {
    fn info(&self) -> Info {
        match self {
            Self::Http => Info {
                name: "ours-http",
                role: Role::Http,
                settings: "JSON-RPC over HTTP/1.1 on the server's own port, called by jsonrpsee's client, TCP_NODELAY",
            },
            Self::HttpSmall => Info {
                name: "ours-http-small",
                role: Role::Http,
                settings: "the same called by a small client of the bench's own on hyper, a connection for each call in \
                           flight, TCP_NODELAY",
            },
            Self::JsonRpc => Info {
                name: "ours-ws-jsonrpc",
                role: Role::Ours,
                settings: "JSON-RPC over one WebSocket, called by a small client of the bench's own, TCP_NODELAY",
            },
            Self::Rpc => Info {
                name: "ours-ws",
                role: Role::Ours,
                settings: "bincode over one WebSocket, limits raised as over TCP, otherwise the defaults",
            },
        }
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        let face = *self;
        Box::pin(async move {
            let http = Http::new().max_body(LARGEST_MESSAGE as usize);
            let running = ours::server().http(http).start("127.0.0.1:0").await?;
            let address = match face {
                Self::Http => format!("http://{}/", running.address()),
                Self::HttpSmall | Self::JsonRpc => running.address().to_string(),
                Self::Rpc => format!("ws:{}", running.address()),
            };
            Ok(Listening::new(address, running))
        })
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        let face = *self;
        Box::pin(async move {
            Ok(match face {
                Self::Http => Box::new(Callers(Named(Jsonrpsee::new(&address)?))) as Box<dyn Link>,
                Self::HttpSmall => Box::new(Callers(Named(Small::new(&address)?))),
                Self::JsonRpc => Box::new(Callers(Named(Socket::dial(&address).await?))),
                Self::Rpc => Box::new(Callers(ours::client(address).await?)),
            })
        })
    }
}

/// Calls a method by name, with JSON.
pub(super) trait ByName: Clone + Send + Sync + 'static {
    fn ask<P: Serialize + Send + Sync, R: DeserializeOwned + Send>(
        &self,
        method: &str,
        params: P,
    ) -> impl Future<Output = Result<R>> + Send;
}

/// The jobs, by name.
#[derive(Clone)]
struct Named<C>(C);

impl<C: ByName> Caller for Named<C> {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        self.0.ask("Jobs.add", (a, b)).await
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        self.0.ask("Jobs.work", (kind, amount)).await
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        self.0.ask("Jobs.record", (order,)).await
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let echoed: Vec<u8> = self.0.ask("Jobs.echo", (&payload[..],)).await?;
        Ok(echoed.into())
    }
}

/// A client of JSON-RPC over a WebSocket: one task writes what callers hand it, another hands out the answers.
#[derive(Clone)]
struct Socket {
    texts: mpsc::UnboundedSender<String>,
    waiting: Arc<Mutex<Slab<oneshot::Sender<Box<RawValue>>>>>,
}

/// A request of JSON-RPC.
#[derive(Serialize)]
pub(super) struct Asked<'a, P> {
    jsonrpc: &'static str,
    method: &'a str,
    params: P,
    id: usize,
}

impl<'a, P> Asked<'a, P> {
    pub(super) const fn new(method: &'a str, params: P, id: usize) -> Self {
        Self { jsonrpc: "2.0", method, params, id }
    }
}

/// A reply of JSON-RPC, as far as it is looked at.
#[derive(Deserialize)]
pub(super) struct Answer<R> {
    pub(super) id: usize,
    pub(super) result: Option<R>,
}

impl Socket {
    async fn dial(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = client_async(format!("ws://{address}/"), stream).await?;
        let (mut write, mut read) = socket.split();
        let (texts, mut handed) = mpsc::unbounded_channel();
        let waiting = Arc::<Mutex<Slab<oneshot::Sender<Box<RawValue>>>>>::default();
        tokio::spawn(async move {
            let mut texts: Vec<String> = Vec::new();
            while handed.recv_many(&mut texts, 64).await > 0 {
                for text in texts.drain(..) {
                    write.feed(Message::text(text)).await?;
                }
                write.flush().await?;
            }
            write.close().await
        });
        let known = Arc::clone(&waiting);
        tokio::spawn(async move {
            while let Some(Ok(Message::Text(text))) = read.next().await {
                let Ok(Answer { id, result: Some(result) }) = serde_json::from_str(&text) else {
                    break;
                };
                let asked = known.lock().try_remove(id);
                // A caller that was given up waits for nothing.
                asked.map(|asked| asked.send(result));
            }
            // Whoever waits learns that no answer comes.
            known.lock().clear();
        });
        Ok(Self { texts, waiting })
    }
}

impl ByName for Socket {
    async fn ask<P: Serialize + Send + Sync, R: DeserializeOwned + Send>(
        &self,
        method: &str,
        params: P,
    ) -> Result<R> {
        let (answered, answer) = oneshot::channel();
        let id = self.waiting.lock().insert(answered);
        let text = serde_json::to_string(&Asked::new(method, params, id))?;
        self.texts.send(text).ok().context("the connection is gone")?;
        let result = answer.await.context("no answer, or an error")?;
        Ok(serde_json::from_str(result.get())?)
    }
}
