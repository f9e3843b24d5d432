//! Full-duplex RPC over raw TCP: annotate a trait with [`macro@service`], serve it with a [`Server`], and call it through the
//! generated client. Many calls share one connection, and a call that is dropped or times out ends on the other side too.
//!
//! ```
//! use rpc_core::{Server, service};
//!
//! /// A pocket calculator.
//! #[service]
//! trait Calculator {
//!     /// Adds two integers.
//!     async fn add(&self, a: i64, b: i64) -> i64;
//! }
//!
//! struct Pocket;
//!
//! impl Calculator for Pocket {
//!     async fn add(&self, a: i64, b: i64) -> i64 {
//!         a + b
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new().with(CalculatorServer::new(Pocket)).start("127.0.0.1:0").await?;
//! let calculator = CalculatorClient::connect(server.address()).await?;
//! assert_eq!(calculator.add(1, 2).await?, 3);
//! # Ok(()) }
//! ```
//!
//! Methods can return streams and take them, and a handler can call its caller back, on the same connection:
//!
//! ```
//! use futures_util::stream;
//! use rpc_core::{Context, Endpoint, Server, Stream, service};
//!
//! /// What clients serve.
//! #[service]
//! trait Listener {
//!     async fn heard(&self, what: String) -> usize;
//! }
//!
//! #[service]
//! trait Feed {
//!     fn count(&self, to: u32) -> impl Stream<Item = u32>;
//!     async fn echo(&self, cx: &Context, what: String) -> usize;
//! }
//!
//! struct Station;
//!
//! impl Feed for Station {
//!     fn count(&self, to: u32) -> impl Stream<Item = u32> {
//!         stream::iter(1..=to)
//!     }
//!
//!     async fn echo(&self, cx: &Context, what: String) -> usize {
//!         ListenerClient::new(cx.peer()).heard(what).await.unwrap_or_default()
//!     }
//! }
//!
//! struct Ear;
//!
//! impl Listener for Ear {
//!     async fn heard(&self, what: String) -> usize {
//!         what.len()
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new().with(FeedServer::new(Station)).start("127.0.0.1:0").await?;
//! let channel = Endpoint::new().with(ListenerServer::new(Ear)).connect(server.address()).await?;
//! let feed = FeedClient::new(channel);
//! let mut numbers = feed.count(3).await?;
//! while let Some(number) = numbers.next().await {
//!     println!("{}", number?);
//! }
//! assert_eq!(feed.echo("hello").await?, 5);
//! # Ok(()) }
//! ```
//!
//! # Features
//!
//! None is on by default, and the guide has a page for each (see below).
//!
//! | feature | adds |
//! |---|---|
//! | `tls` | `Server::tls`, `Endpoint::tls`, addresses `tls:host:port` |
//! | `http` | `Server::http`: JSON-RPC, plain JSON, WebSocket, the explorer and clients for browsers, on the same port |
//! | `fleet` | many servers behind one channel: `connect("a:7000,b:7000")`, `Balance`, `discover`, `Hedge` |
//! | `resume` | `Server::resume`, `Endpoint::resume`: connections that survive a cut |
//! | `etcd` | `etcd`: addresses `etcd://host:2379/prefix`, and `Running::register` |
//! | `proxy` | `Server::proxy_protocol`, `Endpoint::proxy_header`: the clients behind HAProxy, nginx and the like |
//! | `signal`, `listenfd` | `Running::until_signal`; sockets handed over by systemd and the like |
//! | `tower` | `rpc_core::layer`: layers around calls, `Server::layer`, `Endpoint::layer` |
//! | `governor` | `layer::RateLimit` |
//! | `metrics` | `layer::Metrics` |
//! | `cache`, `redis` | `layer::Cache`: answers kept in memory, or in Redis |
//! | `chrono`, `indexmap`, `rust_decimal`, `time`, `url`, `uuid` | a [`Schema`] for the types of these crates, so that they can be arguments and results |
//!
//! # Where to begin
//!
//! | to | see |
//! |---|---|
//! | write a service | [`macro@service`], [`trait@Schema`], [`Context`] |
//! | serve it | [`Server`], [`Running`], [`Limits`] |
//! | call it | [`Channel`], [`Endpoint`], [`Call`], [`CallError`] |
//! | stream | [`Streaming`], [`Broadcast`], [`Watch`] |
//! | call many servers | `Balance`, `discover`, `Hedge`, with the feature `fleet` |
//! | control who may call | [`Authenticator`], [`Principal`], [`Permissions`] |
//! | wrap calls in layers | `layer`, with the feature `tower` |
//! | see what a server is doing | [`inspect`], [`Server::inspect`] |
//! | report health | [`health`], [`Server::health`] |
//! | call without the trait | [`Channel::call_json`], [`dynamic`] |
//!
//! # Words
//!
//! | word | means |
//! |---|---|
//! | transport | a way to get a byte stream: TCP, a Unix socket, memory, or the program's own; TLS around any of them |
//! | [`Link`], [`Peer`] | an open byte stream, and who is at its other end |
//! | [`Listener`], [`Connector`] | what accepts byte streams, and what dials them |
//! | frame, head | one unit on the wire, and its fixed prefix |
//! | decoder, encoder | bytes to frames and back: [`proto::Decoder`] |
//! | payload | the bytes of one message |
//! | [`Codec`] | how a payload's bytes stand for values: bincode or JSON |
//! | connection | one live link between two peers; [`proto::Connection`] is its state machine |
//! | side | who dialled: [`proto::Side`]; nothing else tells the two ends apart |
//! | [`Channel`], [`Endpoint`] | the client's door to a server, and the description it is made from |
//! | [`Call`] | one RPC; [`proto::CallId`] names it on the wire |
//! | opening | the head of a call: method, codec, deadline, metadata, streams ([`proto::Opening`]) |
//! | caller, supply | what takes encoded calls and gives their outcomes; what gives another one when that is over |
//! | picker | what chooses a caller when a call is sent |
//! | fleet, instance, member | many servers behind one channel; one of them; a connection to it |
//! | hedge | a second call of the same, elsewhere, when the first is late |
//! | origin | where a request came from: its peer, and the way back to it |
//! | share | the part of the peer's limits that a call takes until it has ended |
//! | lane, line | calls that wait to be sent, and calls that wait to be started, each behind its like |
//! | handler, router | the method that serves a call, and what finds it by its key |
//! | [`Context`] | what a handler knows of its call |
//! | [`Streaming`], item | a stream that the other side sends, and one value of it |
//! | credit, window | bytes of items that may be sent, and the most that they can be |
//! | deadline, timeout | an instant, a duration |
//! | [`Metadata`] | key-value pairs beside the arguments |
//! | [`Token`], [`Authenticator`] | what a caller shows, and who says what it proves |
//! | [`Principal`], [`Permissions`] | a caller that was judged, and what it may do |
//! | [`Status`], [`Code`] | how a call ended, when it did not end with the method's own result |
//! | drain, goaway | start nothing more and finish what runs; the frame that says so |
//!
//! # The guide
//!
//! The repository has a guide: `docs/README.md` lists its pages, from a tutorial to the production checklist, with a page on
//! each of streams, calls in both directions, order, cancellation, TLS and the rest. `docs/protocol.md` specifies the wire,
//! `docs/architecture.md` follows one call through the crate, and `docs/decisions.md` gives the reasons for the design.

extern crate self as rpc_core;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod broadcast;
mod call;
mod client;
pub mod codec;
mod connection;
pub mod dynamic;
#[cfg(feature = "etcd")]
pub mod etcd;
mod extensions;
mod figures;
#[cfg(feature = "http")]
mod gateway;
pub mod health;
mod identity;
mod in_memory;
pub mod inspect;
#[cfg(feature = "tower")]
pub mod layer;
#[cfg(feature = "tower")]
mod layers;
mod overload;
pub mod proto;
#[cfg(feature = "http")]
mod quiet;
pub mod reflect;
#[cfg(feature = "resume")]
mod resume;
pub mod schema;
mod seam;
mod server;
mod service;
mod time;
mod times;
mod transport;

#[doc(inline)]
pub use broadcast::{Broadcast, Lagged, Shared, Subscription, Watch, Watching};
#[doc(inline)]
#[cfg(feature = "fleet")]
pub use call::Hedge;
pub use call::{
    Call, CallError, Channel, ChannelState, Fallible, MethodError, Reply, ReplyCall, Streaming,
    Upload, fallible,
};
#[doc(inline)]
#[cfg(feature = "fleet")]
pub use client::{Balance, discover};
pub use client::{Endpoint, Reconnect};
#[doc(inline)]
pub use codec::CodecError;
#[doc(inline)]
pub use extensions::Extensions;
/// What streaming methods return and take: the trait of `futures-core`.
pub use futures_util::Stream;
#[cfg(feature = "http")]
pub use gateway::{BrowserClient, Http, openrpc};
#[doc(inline)]
pub use identity::{Authenticator, Credentials, Permissions, Principal, Refusal, StaticTokens};
#[doc(inline)]
pub use overload::Overload;
#[doc(inline)]
pub use proto::{
    Code, Codec, DetailError, Execution, IdempotencyKey, IdempotencyKeyError, Limits, LimitsError,
    Metadata, MetadataError, MetadataValue, MethodKey, Payload, Priority, Status, Token,
    TokenError,
};
#[cfg(feature = "resume")]
pub use resume::Resume;
#[doc(inline)]
pub use rpc_macros::service;
#[doc(inline)]
pub use schema::{Json, Schema};
#[doc(inline)]
pub use seam::{PeerLoad, Retry};
#[doc(inline)]
pub use server::{Running, ServeError, Server, Shutdown};
#[doc(inline)]
pub use service::{BuildError, Connection, Context, Downstream, OnceLimits, ReplyMetadata};
#[cfg(feature = "proxy")]
pub use transport::proxy;
#[cfg(feature = "tls")]
pub use transport::tls;
#[doc(inline)]
pub use transport::{
    Address, AddressError, BindError, BoundListener, Connector, DialError, Identity, Incoming,
    IntoAddress, Link, Listener, Peer, PeerAddress, TcpKeepalive,
};

/// The code of README and guide, so that it is compiled and run.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    mod readme {}
    #[doc = include_str!("../../docs/guide/arguments.md")]
    mod arguments {}
    #[cfg(feature = "fleet")]
    #[doc = include_str!("../../docs/guide/balancing.md")]
    mod balancing {}
    #[cfg(feature = "redis")]
    #[doc = include_str!("../../docs/guide/caching.md")]
    mod caching {}
    #[doc = include_str!("../../docs/guide/cancellation.md")]
    mod cancellation {}
    #[doc = include_str!("../../docs/guide/cookbook.md")]
    mod cookbook {}
    #[cfg(all(feature = "http", feature = "proxy", feature = "signal"))]
    #[doc = include_str!("../../docs/guide/deploying.md")]
    mod deploying {}
    #[doc = include_str!("../../docs/guide/duplex.md")]
    mod duplex {}
    #[doc = include_str!("../../docs/guide/dynamic.md")]
    mod dynamic {}
    #[cfg(feature = "etcd")]
    #[doc = include_str!("../../docs/guide/etcd.md")]
    mod etcd {}
    #[doc = include_str!("../../docs/guide/evolution.md")]
    mod evolution {}
    #[doc = include_str!("../../docs/guide/flow-control.md")]
    mod flow_control {}
    #[cfg(feature = "http")]
    #[doc = include_str!("../../docs/guide/gateway.md")]
    mod gateway {}
    #[doc = include_str!("../../docs/guide/health.md")]
    mod health {}
    #[cfg(feature = "http")]
    #[doc = include_str!("../../docs/guide/http.md")]
    mod http {}
    #[doc = include_str!("../../docs/guide/identity.md")]
    mod identity {}
    #[doc = include_str!("../../docs/guide/inspecting.md")]
    mod inspecting {}
    #[cfg(feature = "tower")]
    #[doc = include_str!("../../docs/guide/layers.md")]
    mod layers {}
    #[doc = include_str!("../../docs/guide/liveness.md")]
    mod liveness {}
    #[cfg(all(feature = "http", feature = "metrics"))]
    #[doc = include_str!("../../docs/guide/metrics.md")]
    mod metrics {}
    #[doc = include_str!("../../docs/guide/order.md")]
    mod order {}
    #[doc = include_str!("../../docs/guide/overload.md")]
    mod overload {}
    #[doc = include_str!("../../docs/guide/reconnecting.md")]
    mod reconnecting {}
    #[doc = include_str!("../../docs/guide/restarting.md")]
    mod restarting {}
    #[doc = include_str!("../../docs/guide/retries.md")]
    mod retries {}
    #[cfg(feature = "resume")]
    #[doc = include_str!("../../docs/guide/resuming.md")]
    mod resuming {}
    #[doc = include_str!("../../docs/guide/services.md")]
    mod services {}
    #[doc = include_str!("../../docs/guide/statuses.md")]
    mod statuses {}
    #[doc = include_str!("../../docs/guide/streams.md")]
    mod streams {}
    #[cfg(feature = "http")]
    #[doc = include_str!("../../docs/guide/websocket.md")]
    mod websocket {}
    #[doc = include_str!("../../docs/guide/testing.md")]
    mod testing {}
    #[cfg(feature = "tls")]
    #[doc = include_str!("../../docs/guide/tls.md")]
    mod tls {}
    #[cfg(feature = "tower")]
    #[doc = include_str!("../../docs/guide/tracing.md")]
    mod tracing {}
    #[doc = include_str!("../../docs/guide/tutorial.md")]
    mod tutorial {}
    #[doc = include_str!("../../docs/guide/transports.md")]
    mod transports {}
}
