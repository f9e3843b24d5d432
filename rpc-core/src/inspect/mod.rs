//! The service by which a running server is looked at: its calls in flight and what they wait for, the figures of its
//! methods, its connections, and the last calls that took long or failed. Off unless asked for, by
//! [`Server::inspect`](crate::Server::inspect); `rpc ps`, `rpc kill` and `rpc top` use it.
//!
//! ```
//! use rpc_core::{Endpoint, Server, inspect::{InspectClient, Inspection}, service};
//! # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
//! # struct Pocket;
//! # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::new().with(CalculatorServer::new(Pocket)).inspect(Inspection::new());
//! let channel = Endpoint::new().in_memory(server);
//! CalculatorClient::new(channel.clone()).add(1, 2).await?;
//! let overview = InspectClient::new(channel).overview().await?;
//! let add = overview.methods.iter().find(|method| method.method == "Calculator.add").unwrap();
//! assert_eq!(add.calls, 1);
//! # Ok(()) }
//! ```

mod options;
mod server;
mod values;

pub use crate::service::CallTimes;
pub use options::Inspection;
pub(crate) use options::add_to;
pub use values::{
    CallInFlight, CallList, CallQuery, ConnectionFigures, EndedCall, InspectError, Latencies,
    MethodFigures, Overview, Waiting,
};

use crate::{Context, service};

/// Shows what a server is doing. Only on servers that enable it.
#[service]
pub trait Inspect {
    /// The server, and the figures of its methods since it began.
    async fn overview(&self) -> Overview;

    /// The calls in flight that the query asks for, the oldest first.
    async fn calls(&self, query: CallQuery) -> CallList;

    /// The connections of this protocol, in no order.
    async fn connections(&self) -> Vec<ConnectionFigures>;

    /// The last calls that took long or failed, the newest first; those whose handlers were ready at once are not among
    /// them.
    async fn recent(&self) -> Vec<EndedCall>;

    /// Ends a call in flight, given by its number, with `CANCELLED`; gives what it was. Its handler is dropped.
    async fn kill(&self, cx: &Context, call: u64) -> Result<CallInFlight, InspectError>;
}
