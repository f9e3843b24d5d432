//! XML-RPC by dxr, whose server is a route of axum's and whose client is one of reqwest's.
//!
//! 64-bit integers are the `i8` that most implementations know; bytes are its `base64`.

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use dxr::{Fault, TryFromParams, TryToValue, Value};
use dxr_client::Client;
use dxr_server::{Handler, HandlerResult, RouteBuilder, async_trait, axum::http::HeaderMap};
use futures_util::future::BoxFuture;

use super::{
    Info, Link, Listening, Role, Transport,
    callers::{Caller, Callers},
    http,
};
use crate::jobs::{self, Order};

/// dxr on both sides.
#[derive(Debug)]
pub(super) struct XmlRpc;

impl Transport for XmlRpc {
    fn info(&self) -> Info {
        Info { name: "xml-rpc", role: Role::Http, settings: http::SETTINGS }
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        let methods = [
            ("add", Method::Add),
            ("work", Method::Work),
            ("echo", Method::Echo),
            ("record", Method::Record),
        ];
        let route = methods.into_iter().fold(RouteBuilder::new(), |route, (name, method)| {
            route.add_method(name, Box::new(method))
        });
        Box::pin(http::serve(route.build()))
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move {
            let client = Client::with_client(http::url(&address)?, http::client()?);
            Ok(Box::new(Callers(Arc::new(client))) as Box<dyn Link>)
        })
    }
}

enum Method {
    Add,
    Work,
    Echo,
    Record,
}

#[async_trait]
impl Handler for Method {
    async fn handle(&self, params: &[Value], _: HeaderMap) -> HandlerResult {
        let answer = match self {
            Self::Add => {
                let (a, b) = <(i64, i64)>::try_from_params(params)?;
                a.wrapping_add(b).try_to_value()
            }
            Self::Work => {
                let (kind, amount) = <(i32, i32)>::try_from_params(params)?;
                jobs::perform(kind as u32, amount as u32).await.try_to_value()
            }
            Self::Echo => <Vec<u8>>::try_from_params(params)?.try_to_value(),
            Self::Record => <(Order,)>::try_from_params(params)?.0.try_to_value(),
        };
        answer.map_err(Fault::from)
    }
}

impl Caller for Arc<Client> {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Ok(self.call("add", (a, b)).await?)
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        Ok(self.call("work", (kind as i32, amount as i32)).await?)
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let echoed: Vec<u8> = self.call("echo", &*payload).await?;
        Ok(echoed.into())
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        Ok(self.call("record", (order.try_to_value()?,)).await?)
    }
}
