//! REST as axum's and reqwest's documentation show it: a route a job, JSON for what has fields, plain
//! bytes for bytes.

use anyhow::Result;
use axum::{
    Json, Router,
    extract::{Path, Query},
    routing::{get, post, put},
};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use reqwest::Url;
use serde::Deserialize;

use super::{
    Info, Link, Listening, Role, Transport,
    callers::{Caller, Callers},
    http,
};
use crate::jobs::{self, Order};

/// axum on the server's side, reqwest on the client's.
#[derive(Debug)]
pub(super) struct Rest;

impl Transport for Rest {
    fn info(&self) -> Info {
        Info { name: "rest", role: Role::Http, settings: http::SETTINGS }
    }

    fn serve(&self) -> BoxFuture<'static, Result<Listening>> {
        let router = Router::new()
            .route("/sum", get(sum))
            .route("/job/{kind}/{amount}", get(work))
            .route("/echo", post(echo))
            .route("/order", put(record));
        Box::pin(http::serve(router))
    }

    fn connect(&self, address: String) -> BoxFuture<'static, Result<Box<dyn Link>>> {
        Box::pin(async move {
            let (http, url) = (http::client()?, http::url(&address)?);
            Ok(Box::new(Callers(Client { http, url })) as Box<dyn Link>)
        })
    }
}

#[derive(Deserialize)]
struct Sum {
    a: i64,
    b: i64,
}

async fn sum(Query(Sum { a, b }): Query<Sum>) -> Json<i64> {
    Json(a.wrapping_add(b))
}

async fn work(Path((kind, amount)): Path<(u32, u32)>) -> Json<i64> {
    Json(jobs::perform(kind, amount).await)
}

async fn echo(payload: Bytes) -> Bytes {
    payload
}

async fn record(Json(order): Json<Order>) -> Json<Order> {
    Json(order)
}

#[derive(Clone)]
struct Client {
    http: reqwest::Client,
    url: Url,
}

impl Client {
    fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(path);
        url
    }
}

impl Caller for Client {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        let request = self.http.get(self.at("/sum")).query(&[("a", a), ("b", b)]);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        let request = self.http.get(self.at(&format!("/job/{kind}/{amount}")));
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        let request = self.http.post(self.at("/echo")).body(payload);
        Ok(request.send().await?.error_for_status()?.bytes().await?)
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        let request = self.http.put(self.at("/order")).json(order);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}
