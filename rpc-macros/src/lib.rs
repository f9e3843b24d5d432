//! The macros of `rpc-core`: `#[service]` turns a trait into a client and a server, `#[derive(Schema)]`
//! describes a type. `rpc-core` re-exports both; depend on that.
//!
//! ```text
//! schema/    attributes ─▶ model ─▶ expand
//! service/   types ─▶ output ─▶ validate, options ─▶ model ─▶ expand: the trait, description, client, server
//! ```
//!
//! All mistakes of one item are reported at once, each where it was made. Generated code names nothing
//! but `::rpc_core::__private`, the standard library and the user's own types.

mod crate_path;
mod diagnostics;
mod docs;
mod schema;
mod service;

use proc_macro::TokenStream;

/// Makes a trait callable over a connection.
///
/// From `trait Calculator` come `CalculatorClient`, whose methods are calls, and `CalculatorServer`, which
/// serves an implementation of the trait. Methods are `async fn`s that take `&self` and owned arguments;
/// users implement them with plain `async fn`. A method that returns a stream may be a plain `fn`.
///
/// `Arc<T>` and `Box<T>` implement the trait wherever `T` does, so that a program may keep a share of what it serves:
/// `CalculatorServer::new(Arc::clone(&pocket))`.
///
/// # The generated types
///
/// | | |
/// |---|---|
/// | `CalculatorServer::new(service)` | serves an implementation; given to `Server::with` or `Endpoint::with` |
/// | `CalculatorServer::from_arc(service)` | the same for one in an `Arc` |
/// | `CalculatorClient::connect(address).await?` | a client over a connection of its own |
/// | `CalculatorClient::new(channel)`, `From<Channel>` | a client over a channel that is open already |
/// | `CalculatorClient::in_memory(server)` | a client of a server, or of one service, without a socket: for tests |
/// | `client.add(1, 2)` | a method for each of the trait's: a `Call`, which is a future |
/// | `client.channel()` | the channel, for clients of other services of the same server, for `ping` and `close` |
/// | `CalculatorClient::schema()` | the description of the service that the program was compiled with |
///
/// A client is `Clone`, `Debug`, `Send` and `Sync`; its clones share the connection. No method of a service may have
/// one of these names, nor one of a trait that every type has, such as `clone` and `into`.
///
/// The client implements the trait too, if every method can say that the call itself has failed: by a result of
/// `Result<T, Status>`, of `Result<T, E>` where `E: From<Status>`, or a stream of such items; or by having no reply. So a
/// function that takes `&impl Calculator` takes a client as well, and a client can be served, as a relay is.
///
/// # Methods
///
/// The client's methods take numbers, `bool`, `char` and `Bytes` by value, and all else owned or borrowed: for a
/// `String` any `AsRef<str>`, for a `PathBuf` any `AsRef<Path>`, for a `Vec<T>` any `AsRef<[T]>`, and for any
/// other type `T` a `Borrow<T>`, such as `T`, `&T` or `Arc<T>`. Since the parameter is generic, an argument
/// needs a type of its own: `collect::<Vec<_>>()`, or `String::from(name)` in place of `name.into()`.
///
/// - An argument `cx: &Context` is the call's context; callers do not pass it.
/// - A return type `Result<T, E>` makes `E` the method's own error, which reaches the caller typed.
/// - A return type `Result<T, Status>` lets the method choose the status of the call: any code, a message and
///   details. Every call can end with a status, so the signature is that of a method which returns `T`. A type
///   called `Status` is taken for `rpc_core::Status`: give an error of your own another name.
/// - `#[rpc(oneway)]` on a method: no reply is sent.
/// - `#[rpc(ordered)]` on a method: its calls are started and finished in the order in which they were
///   sent. On the trait, below this attribute, or as `#[service(ordered)]`: all methods share one order.
/// - `#[rpc(idempotent)]` on a method: a second run does nothing that the first did not, so that a call which may have
///   run is made again by itself when its connection is lost. On the trait, or as `#[service(idempotent)]`: every method
///   with a reply.
/// - `#[rpc(once)]` on a method: the server runs a call once, however often it arrives, and gives the first answer each
///   time, so that such a call is made again by itself as well. For methods with one value as their reply.
/// - `#[rpc(requires = "orders:write")]` on a method: callers need this permission, or they are refused with
///   `PERMISSION_DENIED`, or with `UNAUTHENTICATED` where nothing proves who they are, before their arguments are
///   read. `requires = ["…", "…"]` needs all of several. On the trait, below this attribute, or as
///   `#[service(requires = …)]`: every method needs it, beside its own. It is no part of the signature. Who grants
///   permissions is said by `Server::authenticate`.
/// - `#[cfg(..)]` on a method: it is left out of builds to which the condition does not apply. Clients of another build
///   are told that it is unknown.
/// - `#[service(name = "Other")]`: the name on the wire, if it is not the trait's.
/// - `#[service(crate = path)]`: the path of `rpc_core`, if another crate re-exports it.
///
/// # Streams
///
/// A return type `impl Stream<Item = T>` streams items to the caller, whose call gives a `Streaming<T>`.
/// An argument `Streaming<T>` streams items from the caller, which passes any stream of `T` in its place; a
/// method has at most one. With both, items go each way at once.
///
/// ```text
/// fn ticks(&self, every_ms: u64) -> impl Stream<Item = Tick>;
/// async fn sum(&self, numbers: Streaming<i64>) -> i64;
/// fn echo(&self, lines: Streaming<String>) -> impl Stream<Item = String>;
/// ```
///
/// A stream may fail with the method's own error, `E`, in place of the stream, in place of an item, after
/// which there are no more, or in either; `E` is then the same type in both places:
///
/// ```text
/// async fn watch(&self, key: String) -> Result<impl Stream<Item = Tick>, E>;
/// fn risky(&self) -> impl Stream<Item = Result<Tick, E>>;
/// fn both(&self) -> Result<impl Stream<Item = Result<Tick, E>>, E>;
/// ```
///
/// With `Status` in place of `E` the stream ends with any code, as other calls do.
#[proc_macro_attribute]
pub fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(options.into(), item.into()).into()
}

/// Describes a type in serde's terms, so that it can travel in a call.
///
/// Derive it beside serde's traits. serde's attributes are honoured; those that a format without field
/// names cannot carry, such as `flatten` and `untagged`, are refused.
///
/// - `#[schema(as = "T")]` on a type, field or variant: it travels as `T` does; needed beside serde's
///   `with`, `from` and `into`.
/// - `#[schema(code = "NOT_FOUND")]` on a variant, or on a type for all that have none: the code that it stands for as the
///   error of a method. It is part of the description and not of the signature.
/// - `#[schema(crate = path)]`: the path of `rpc_core`, if another crate re-exports it.
#[proc_macro_derive(Schema, attributes(schema, serde))]
pub fn derive_schema(item: TokenStream) -> TokenStream {
    schema::expand(item.into()).into()
}
