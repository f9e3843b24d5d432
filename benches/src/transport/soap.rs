//! SOAP 1.1 by hand, document style, over axum and reqwest; quick-xml writes and reads the envelopes.
//!
//! No kept crate serves SOAP, so this is as lean as it gets: no WSDL, no schema check, and bytes as
//! `base64Binary`.

use std::borrow::Cow;

use anyhow::{Result, bail};
use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{
    Info, Link, Listening, Role, Transport,
    callers::{Caller, Callers},
    http,
};
use crate::jobs::{self, Order};

/// The hand-written envelopes.
#[derive(Debug)]
pub(super) struct Soap;

impl Transport for Soap {
    fn info(&self) -> Info {
        Info { name: "soap", role: Role::Http, settings: http::SETTINGS }
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        Box::pin(http::serve(Router::new().route("/", post(answer))))
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move {
            let client = Client { http: http::client()?, url: http::url(&address)? };
            Ok(Box::new(Callers(client)) as Box<dyn Link>)
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename(serialize = "soap:Envelope", deserialize = "Envelope"))]
struct Envelope<'a, T> {
    #[serde(rename = "@xmlns:soap", default)]
    namespace: Cow<'a, str>,
    #[serde(rename(serialize = "soap:Body", deserialize = "Body"))]
    body: Body<T>,
}

#[derive(Serialize, Deserialize)]
struct Body<T> {
    #[serde(rename = "$value")]
    content: T,
}

#[derive(Serialize, Deserialize)]
enum Request<'a> {
    Add { a: i64, b: i64 },
    Work { kind: u32, amount: u32 },
    Echo { payload: Cow<'a, str> },
    Record { order: Cow<'a, Order> },
}

#[derive(Serialize, Deserialize)]
enum Reply<'a> {
    #[serde(rename = "AddResponse")]
    Add { sum: i64 },
    #[serde(rename = "WorkResponse")]
    Work { result: i64 },
    #[serde(rename = "EchoResponse")]
    Echo { payload: Cow<'a, str> },
    #[serde(rename = "RecordResponse")]
    Record { order: Order },
}

fn wrap<T: Serialize>(content: T) -> Result<String> {
    let envelope = Envelope { namespace: Cow::Borrowed(NAMESPACE), body: Body { content } };
    let mut text = String::from(PROLOGUE);
    quick_xml::se::to_writer(&mut text, &envelope)?;
    Ok(text)
}

async fn answer(body: String) -> Response {
    match perform(&body).await {
        Ok(reply) => ([(CONTENT_TYPE, MEDIA_TYPE)], reply).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn perform(body: &str) -> Result<String> {
    let envelope: Envelope<'_, Request<'_>> = quick_xml::de::from_str(body)?;
    wrap(match envelope.body.content {
        Request::Add { a, b } => Reply::Add { sum: a.wrapping_add(b) },
        Request::Work { kind, amount } => Reply::Work { result: jobs::perform(kind, amount).await },
        Request::Echo { payload } => {
            let bytes = STANDARD.decode(payload.as_bytes())?;
            Reply::Echo { payload: STANDARD.encode(bytes).into() }
        }
        Request::Record { order } => Reply::Record { order: order.into_owned() },
    })
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: reqwest::Url,
}

impl Client {
    async fn call(&self, action: &str, request: Request<'_>) -> Result<Reply<'static>> {
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .header("SOAPAction", action)
            .body(wrap(request)?);
        let text = request.send().await?.error_for_status()?.text().await?;
        let envelope: Envelope<'_, Reply<'static>> = quick_xml::de::from_str(&text)?;
        Ok(envelope.body.content)
    }
}

impl Caller for Client {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        match self.call("Add", Request::Add { a, b }).await? {
            Reply::Add { sum } => Ok(sum),
            _ => bail!(OTHER),
        }
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        match self.call("Work", Request::Work { kind, amount }).await? {
            Reply::Work { result } => Ok(result),
            _ => bail!(OTHER),
        }
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let payload = STANDARD.encode(payload).into();
        match self.call("Echo", Request::Echo { payload }).await? {
            Reply::Echo { payload } => Ok(STANDARD.decode(payload.as_bytes())?.into()),
            _ => bail!(OTHER),
        }
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        match self.call("Record", Request::Record { order: Cow::Borrowed(order) }).await? {
            Reply::Record { order } => Ok(order),
            _ => bail!(OTHER),
        }
    }
}

const NAMESPACE: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
const MEDIA_TYPE: &str = "text/xml; charset=utf-8";
const OTHER: &str = "the answer to another method came back";
