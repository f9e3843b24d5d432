//! Layers around calls: [`tower::Layer`]s over the owned request of a call and its reply, on the server, on the client, or on
//! both.
//!
//! ```text
//!  server   request ─▶ permissions ─▶ first layer ─▶ … ─▶ last layer ─▶ ServerHandler: decodes, runs the method, encodes
//!  client   .await  ─▶ first layer ─▶ … ─▶ last layer ─▶ ClientHandler: sends the call, again where it may go again
//! ```
//!
//! What is added first sees a call first and its end last. A layer is made once for a server or a channel; its service is
//! cloned for every call, polled until it is ready, and called once; on a server that is where arguments are decoded, so what computes for
//! long belongs into its future. The future of a server's call is the whole life of its
//! handler, streams included; that of a client's ends with the first word of the server, and [`Answer::on_end`] tells of the
//! end of a stream. Dropping the future ends the call.
//!
//! A layer on a server runs once the caller is known and has what the method requires, before a byte of the arguments is
//! decoded. The services of the framework's own, such as reflection, have no layers.
//!
//! ```
//! use std::time::Duration;
//! use rpc_core::{Server, layer::{ConcurrencyLimit, Log, Timeout}, service};
//! # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
//! # struct Pocket;
//! # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new()
//!     .with(CalculatorServer::new(Pocket))
//!     .layer(Log::new().slower_than(Duration::from_millis(100)))
//!     .layer(Timeout::new(Duration::from_secs(2)))
//!     .layer_for("Calculator.add", ConcurrencyLimit::new(64).queue(256));
//! let calculator = CalculatorClient::in_memory(server);
//! assert_eq!(calculator.add(1, 2).await?, 3);
//! # Ok(()) }
//! ```
//!
//! A layer of one's own is one of tower's. This counts calls, on either side:
//!
//! ```
//! use std::{sync::{Arc, atomic::{AtomicUsize, Ordering}}, task::{Context, Poll}};
//! use rpc_core::{Server, layer::{Head, Layer, Service}, service};
//! # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
//! # struct Pocket;
//! # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
//!
//! #[derive(Clone, Default)]
//! struct Count(Arc<AtomicUsize>);
//!
//! #[derive(Clone)]
//! struct Counting<S>(S, Count);
//!
//! impl<S> Layer<S> for Count {
//!     type Service = Counting<S>;
//!
//!     fn layer(&self, inner: S) -> Counting<S> {
//!         Counting(inner, self.clone())
//!     }
//! }
//!
//! impl<R: Head, S: Service<R>> Service<R> for Counting<S> {
//!     type Response = S::Response;
//!     type Error = S::Error;
//!     type Future = S::Future;
//!
//!     fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
//!         self.0.poll_ready(cx)
//!     }
//!
//!     fn call(&mut self, request: R) -> S::Future {
//!         println!("{} is called", request.method());
//!         self.1.0.fetch_add(1, Ordering::Relaxed);
//!         self.0.call(request)
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let count = Count::default();
//! let server = Server::new().with(CalculatorServer::new(Pocket)).layer(count.clone());
//! CalculatorClient::in_memory(server).add(1, 2).await?;
//! assert_eq!(count.0.load(Ordering::Relaxed), 1);
//! # Ok(()) }
//! ```

pub use tower::{Layer, Service};

#[cfg(feature = "cache")]
pub use crate::layers::{
    Cache, CacheBuilder, CacheError, CacheFigures, Cacheable, Cached, Caller, Keep,
};
#[cfg(feature = "governor")]
pub use crate::layers::{Keyed, RateLimit, RateLimited};
#[cfg(feature = "metrics")]
pub use crate::layers::{Measured, MeasuredFuture, Metrics};
#[cfg(feature = "redis")]
pub use crate::layers::{Redis, RedisError};
pub use crate::{
    call::{ClientFuture, ClientHandler, ClientReply, ClientRequest},
    layers::{
        Answer, BoxError, ConcurrencyLimit, ConcurrencyLimited, Ending, Head, Kind, LayerFuture,
        Log, Logged, SpanRecord, Timed, Timeout, Trace, TraceContext, TraceId, Traced,
        TracedFuture,
    },
    proto::Failure,
    service::{HandlerFuture, Request as ServerRequest, ServerHandler},
};
