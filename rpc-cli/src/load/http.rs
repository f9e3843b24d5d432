//! The same load on an HTTP server that speaks JSON-RPC 2.0, so that both sides of a comparison are driven by
//! one tool: POST on connections that are kept, one call at a time on each, as HTTP/1.1 has it.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, StatusCode, Uri,
    client::conn::http1::{SendRequest, handshake},
    header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use rpc_core::{Address, Metadata, proto::Payload};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use tokio::{net::TcpStream, sync::Mutex};

use super::{
    cpu::Meter,
    drive::Caller,
    listener,
    record::{Ended, Failed},
    results::Target,
    target::{Ready, Wanted, draw},
};
use crate::exit::Failure;

/// Calls a method by JSON-RPC; callers that share a connection take turns on it.
#[derive(Clone, Debug)]
pub(crate) struct HttpCaller {
    server: Arc<HttpServer>,
    connection: Arc<Mutex<Option<SendRequest<Full<Bytes>>>>>,
    timeout: Option<Duration>,
}

/// Where requests go, and what is the same in each.
#[derive(Debug)]
struct HttpServer {
    host: String,
    port: u16,
    path: Uri,
    headers: HeaderMap,
}

/// Connects once, so that a server that is not there is said to be before a load begins.
pub(crate) async fn ready(wanted: &Wanted) -> Result<Ready<HttpCaller>> {
    let server = HttpServer::new(&wanted.address, &wanted.metadata)?;
    let method = &wanted.method;
    let drawn = draw(wanted, None, |arguments| {
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": arguments });
        Ok(call.to_string().into_bytes().into())
    })?;
    server.connect().await.map_err(|error| Failure::unreachable(error.message))?;
    let address = Address::Tcp { host: server.host.clone(), port: server.port };
    let (server, cpu) = (Arc::new(server), Meter::new(listener::find(&address).await));
    let connections: Vec<_> = (0..wanted.connections).map(|_| Arc::default()).collect();
    let caller = |number: usize| HttpCaller {
        server: Arc::clone(&server),
        connection: Arc::clone(&connections[number % connections.len()]),
        timeout: wanted.timeout,
    };
    let target = Target {
        address: wanted.address.clone(),
        method: method.clone(),
        arguments: drawn.words,
        protocol: "JSON-RPC over HTTP/1.1".to_owned(),
    };
    let callers = (0..wanted.callers).map(caller).collect();
    Ok(Ready { callers, pool: drawn.pool, cpu, target })
}

impl HttpServer {
    fn new(url: &str, metadata: &Metadata) -> Result<Self> {
        let wrong =
            |why: &str| Failure::usage(format!("--http {url}: {why}: write http://host:port/path"));
        let uri: Uri = url.parse().map_err(|_| wrong("not a URL"))?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(wrong("not HTTP without TLS").into());
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| wrong("no host"))?;
        headers.insert(HOST, host);
        for (key, value) in metadata.iter() {
            let name = HeaderName::try_from(key).map_err(|_| wrong("no header"))?;
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| wrong("no header"))?);
        }
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(80),
            path: path.parse().map_err(|_| wrong("no path"))?,
            headers,
        })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Failed> {
        let Self { host, port, .. } = self;
        let lost = |error: &dyn std::fmt::Display| Failed {
            status: UNAVAILABLE.into(),
            message: format!("cannot connect to {host}:{port}: {error}"),
            lost: true,
        };
        let stream =
            TcpStream::connect((host.as_str(), *port)).await.map_err(|error| lost(&error))?;
        stream.set_nodelay(true).map_err(|error| lost(&error))?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
        // Ends with the sender, and what goes wrong is said there.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn request(&self, body: &Payload) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body.clone().into_bytes()));
        *request.method_mut() = hyper::Method::POST;
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

impl HttpCaller {
    async fn post(&self, arguments: &Payload) -> Ended {
        let mut connection = self.connection.lock().await;
        // Taken: a call that fails or is given up leaves no connection behind that is in its middle.
        let mut sender = match connection.take() {
            Some(sender) if sender.is_ready() => sender,
            _ => self.server.connect().await?,
        };
        let sent = sender.send_request(self.server.request(arguments)).await;
        let reply = sent.map_err(broken)?;
        let status = reply.status();
        let body = Limited::new(reply.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| failed(UNAVAILABLE, error.to_string()))?.to_bytes();
        // The next call may come before the connection's task has noticed the end of this one.
        if sender.ready().await.is_ok() {
            *connection = Some(sender);
        }
        drop(connection);
        judge(status, &body)
    }
}

impl Caller for HttpCaller {
    async fn call(&self, arguments: &Payload) -> Ended {
        let Some(timeout) = self.timeout else { return self.post(arguments).await };
        match tokio::time::timeout(timeout, self.post(arguments)).await {
            Ok(ended) => ended,
            Err(_) => Err(failed("DEADLINE_EXCEEDED", "no reply within the timeout".to_owned())),
        }
    }
}

/// The part of a reply that says how it went.
#[derive(Deserialize)]
struct Reply {
    error: Option<ReplyError>,
    #[serde(rename = "result")]
    _result: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ReplyError {
    code: i64,
    #[serde(default)]
    message: String,
}

fn judge(status: StatusCode, body: &[u8]) -> Ended {
    match serde_json::from_slice::<Reply>(body) {
        Ok(Reply { error: Some(error), .. }) => {
            Err(failed(format!("JSON-RPC {}", error.code), error.message))
        }
        _ if !status.is_success() => {
            let reason = status.canonical_reason().unwrap_or_default();
            Err(failed(format!("HTTP {}", status.as_u16()), reason.to_owned()))
        }
        Ok(_) => Ok(1),
        Err(error) => Err(failed("not JSON-RPC", format!("the reply is not JSON-RPC: {error}"))),
    }
}

fn broken(error: hyper::Error) -> Failed {
    failed(UNAVAILABLE, error.to_string())
}

fn failed(status: impl Into<std::borrow::Cow<'static, str>>, message: String) -> Failed {
    Failed { status: status.into(), message, lost: false }
}

const UNAVAILABLE: &str = "UNAVAILABLE";
const LARGEST: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_judged_by_its_error_then_by_its_status() {
        let judged = |status: u16, body: &str| {
            judge(StatusCode::from_u16(status).unwrap(), body.as_bytes())
                .map_err(|failed| failed.status.into_owned())
        };
        assert_eq!(judged(200, r#"{"jsonrpc":"2.0","id":1,"result":{"deep":[1]}}"#), Ok(1));
        assert_eq!(judged(200, r#"{"jsonrpc":"2.0","id":1,"result":null}"#), Ok(1));
        let error = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#;
        assert_eq!(judged(200, error), Err("JSON-RPC -32601".to_owned()));
        assert_eq!(judged(500, error), Err("JSON-RPC -32601".to_owned()));
        assert_eq!(judged(503, "busy"), Err("HTTP 503".to_owned()));
        assert_eq!(judged(200, "<html>"), Err("not JSON-RPC".to_owned()));
    }

    #[test]
    fn a_url_is_taken_apart_or_refused_in_one_line() {
        let server = HttpServer::new("http://[::1]:8080/rpc?v=1", &Metadata::new()).unwrap();
        assert_eq!((server.host.as_str(), server.port), ("::1", 8080));
        assert_eq!(server.path, "/rpc?v=1");
        assert_eq!(server.headers[HOST], "[::1]:8080");
        for url in ["https://x/", "x:1", "not a url", ""] {
            let error = HttpServer::new(url, &Metadata::new()).unwrap_err().to_string();
            assert!(error.ends_with("write http://host:port/path"), "{error}");
        }
    }
}
