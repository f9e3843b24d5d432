//! A client of HTTP/1.1 that sends exactly the bytes it is told to.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::collections::BTreeMap;

use rpc_core::Running;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};

/// An open connection.
#[derive(Debug)]
pub struct Client(
    /// Its socket.
    pub BufReader<TcpStream>,
);

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, by their names in small letters.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
}

impl Client {
    /// Connects to a server of this crate.
    ///
    /// # Panics
    /// It cannot.
    pub async fn connect(running: &Running) -> Self {
        Self::dial(&running.address().to_string()).await
    }

    /// Connects to any server, by `host:port`.
    ///
    /// # Panics
    /// It cannot.
    pub async fn dial(address: &str) -> Self {
        Self(BufReader::new(TcpStream::connect(address).await.unwrap()))
    }

    /// Sends these bytes.
    ///
    /// # Panics
    /// The connection is gone.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Sends a request with a body and its length, and reads the answer.
    ///
    /// # Panics
    /// There is none.
    pub async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send(request("POST", path, headers, body)).await;
        self.answer().await.expect("an answer")
    }

    /// Asks for what is at a path.
    ///
    /// # Panics
    /// There is no answer.
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(request("GET", path, &[], "")).await;
        self.answer().await.expect("an answer")
    }

    /// The next answer; `None` if the connection ends before one.
    ///
    /// # Panics
    /// It is no HTTP.
    pub async fn answer(&mut self) -> Option<Answer> {
        let (status, headers) = self.head().await?;
        let mut body = Vec::new();
        if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            while let Some(chunk) = self.chunk().await {
                body.extend_from_slice(&chunk);
            }
        } else {
            let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
            body.resize(length, 0);
            self.0.read_exact(&mut body).await.ok()?;
        }
        Some(Answer { status, headers, body: String::from_utf8(body).unwrap() })
    }

    /// The head of the next answer.
    ///
    /// # Panics
    /// It is none.
    pub async fn head(&mut self) -> Option<(u16, BTreeMap<String, String>)> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = BTreeMap::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        Some((status, headers))
    }

    /// The next chunk of a body; `None` behind the last.
    ///
    /// # Panics
    /// It is none.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.0.read_exact(&mut chunk).await.ok()?;
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).await.ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Whether the other side has closed the connection, without a word more.
    pub async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.is_err() || rest.is_empty()
    }
}

/// The text of a request. A host is added where none is given.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\n");
    if !headers.iter().any(|(name, _)| *name == "host") {
        text.push_str("host: localhost\r\n");
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text + "\r\n" + body
}

/// The header of a body in JSON.
pub const JSON: (&str, &str) = ("content-type", "application/json");
