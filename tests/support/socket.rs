//! A client of WebSocket that sends and reads texts, for JSON-RPC.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use futures_util::{SinkExt as _, StreamExt as _};
use rpc_core::Running;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        Message,
        client::IntoClientRequest as _,
        http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::CloseFrame,
    },
};

/// An open connection.
#[derive(Debug)]
pub struct Socket(
    /// The WebSocket.
    pub WebSocketStream<TcpStream>,
);

impl Socket {
    /// Connects to a server of this crate, by the subprotocol `jsonrpc`.
    ///
    /// # Panics
    /// It cannot.
    pub async fn connect(running: &Running) -> Self {
        Self::with(running, &[]).await
    }

    /// The same with headers.
    ///
    /// # Panics
    /// It cannot.
    pub async fn with(running: &Running, headers: &[(&'static str, &str)]) -> Self {
        let address = running.address().to_string();
        let mut request = format!("ws://{address}/").into_client_request().unwrap();
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("jsonrpc"));
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(&address).await.unwrap();
        let (stream, answer) = client_async(request, stream).await.unwrap();
        assert_eq!(answer.headers()[SEC_WEBSOCKET_PROTOCOL], "jsonrpc");
        Self(stream)
    }

    /// Connects to any server, by `host:port`, and names no subprotocol.
    ///
    /// # Panics
    /// It cannot.
    pub async fn dial(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self(client_async(format!("ws://{address}/"), stream).await.unwrap().0)
    }

    /// Sends a text; that the other side is gone is seen when its answer is read.
    pub async fn send(&mut self, text: &str) {
        let _ = self.0.send(Message::text(text)).await;
    }

    /// Sends a call.
    pub async fn call(&mut self, id: u32, method: &str, params: &str) {
        let text =
            format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":{id}}}"#);
        self.send(&text).await;
    }

    /// The next text; `None` if the connection has ended.
    pub async fn text(&mut self) -> Option<String> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return Some(text.to_string()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// The next text as JSON.
    ///
    /// # Panics
    /// The connection has ended, or it is none.
    pub async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await.expect("a text")).unwrap()
    }

    /// Why the other side has closed the connection, passing over texts.
    pub async fn reason(&mut self) -> Option<CloseFrame> {
        loop {
            if let Message::Close(frame) = self.0.next().await?.ok()? {
                return frame;
            }
        }
    }
}
