//! Requests to etcd's JSON gateway: a connection for each, to the first member that takes it.

use std::pin::Pin;

use bytes::Bytes;
use data_encoding::BASE64;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio_util::task::AbortOnDropHandle;

use super::{Etcd, EtcdError};
use crate::transport::{Address, Connector as _, Link};

/// The longest answer that is read.
pub(super) const LONGEST: usize = 16 << 20;

/// The reason why a request has no answer, in words; it does not name the member.
type Reason = Box<dyn std::error::Error + Send + Sync>;

/// An answer whose body is still to come, and what brings it.
pub(super) struct Answer {
    pub(super) body: Incoming,
    pub(super) member: String,
    /// Carries the bytes for as long as somebody reads.
    _carrying: AbortOnDropHandle<()>,
}

/// A key, as JSON has it.
pub(super) fn encoded(key: &str) -> String {
    BASE64.encode(key.as_bytes())
}

/// A key or value out of JSON.
pub(super) fn decoded(value: &Value) -> Option<String> {
    let bytes = BASE64.decode(value.as_str()?.as_bytes()).ok()?;
    String::from_utf8(bytes).ok()
}

/// A number: the gateway writes those of 64 bits as text.
pub(super) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

impl Etcd {
    /// The range of all keys below the prefix.
    pub(super) fn range(&self) -> (String, String) {
        // The first key that does not begin with the prefix: `0` is behind `/`.
        let end = format!("{}0", self.prefix.trim_end_matches('/'));
        (encoded(&self.prefix), encoded(&end))
    }

    /// Asks for something and reads the whole answer.
    pub(super) async fn ask(&self, path: &str, body: &Value) -> Result<Value, EtcdError> {
        let Answer { body, member, _carrying } = self.request(path, body).await?;
        let failed =
            |reason: Reason| EtcdError { member: member.clone(), reason: reason.to_string() };
        let bytes = Limited::new(body, LONGEST).collect().await.map_err(failed)?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))
    }

    /// Asks for something at the first member that answers.
    pub(super) async fn request(&self, path: &str, body: &Value) -> Result<Answer, EtcdError> {
        let mut last = None;
        for (host, port) in &self.members {
            match self.request_of(host, *port, path, body).await {
                Ok(answer) => return Ok(answer),
                Err(reason) => {
                    let (member, reason) = (format!("{host}:{port}"), reason.to_string());
                    last = Some(EtcdError { member, reason });
                }
            }
        }
        Err(last.unwrap_or_else(|| EtcdError {
            member: "no member".to_owned(),
            reason: "there is none".to_owned(),
        }))
    }

    async fn request_of(
        &self,
        host: &str,
        port: u16,
        path: &str,
        body: &Value,
    ) -> Result<Answer, Reason> {
        let link = self.dial(host, port).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(link)).await?;
        let carrying = tokio::spawn(async move {
            // Whoever waits for the answer is told of it.
            let _ = connection.await;
        });
        let carrying = AbortOnDropHandle::new(carrying);
        let request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::HOST, format!("{host}:{port}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))?;
        let response = sender.send_request(request).await?;
        let body = checked(response).await?;
        Ok(Answer { body, member: format!("{host}:{port}"), _carrying: carrying })
    }

    async fn dial(&self, host: &str, port: u16) -> Result<Link, Reason> {
        let host = host.to_owned();
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            let address = Address::Tls { host, port };
            let dialling = address.encrypted(tls, &Default::default()).ok_or("no address")?;
            return Ok(dialling.connect().await?);
        }
        Ok(Address::Tcp { host, port }.connect().await?)
    }
}

/// The body of an answer that is none of an error.
async fn checked(response: Response<Incoming>) -> Result<Incoming, Reason> {
    if response.status() == StatusCode::OK {
        return Ok(response.into_body());
    }
    let status = response.status();
    let said = Limited::new(response.into_body(), 4 << 10).collect().await?.to_bytes();
    let said: Value = serde_json::from_slice(&said).unwrap_or_default();
    let message = said["message"].as_str().or_else(|| said["error"].as_str()).unwrap_or_default();
    Err(format!("{status} {message}").trim_end().to_owned().into())
}

/// Lines of a body that does not end.
pub(super) struct Lines {
    answer: Answer,
    unread: Vec<u8>,
}

impl Lines {
    pub(super) const fn of(answer: Answer) -> Self {
        Self { answer, unread: Vec::new() }
    }

    /// The next line, as JSON; `None` at the end.
    ///
    /// # Cancel safety
    /// Safe: what was read is kept.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, EtcdError> {
        loop {
            if let Some(end) = self.unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.unread.drain(..=end).collect();
                return serde_json::from_slice(&line)
                    .map(Some)
                    .map_err(|error| self.failed(&error));
            }
            if self.unread.len() > LONGEST {
                return Err(self.failed(&"an answer is too long"));
            }
            match Pin::new(&mut self.answer.body).frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(self.failed(&error)),
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.data_ref() {
                        self.unread.extend_from_slice(bytes);
                    }
                }
            }
        }
    }

    pub(super) fn failed(&self, reason: &dyn ToString) -> EtcdError {
        EtcdError { member: self.answer.member.clone(), reason: reason.to_string() }
    }
}

/// A body for the gateway that names all keys below a prefix.
pub(super) fn all_of(etcd: &Etcd) -> Value {
    let (key, range_end) = etcd.range();
    json!({ "key": key, "range_end": range_end })
}
