//! The protocol without I/O: bytes become frames, frames drive the state machine of one connection.
//!
//! ```text
//! bytes ─▶ Decoder ─▶ Piece ─▶ Connection ─▶ Event
//! bytes ◀─ Transmit ◀───────── Connection ◀─ open, cancel, finish, drain
//! ```
//!
//! **Unstable.** What users need is at the root of the crate: codes and statuses, limits, metadata, method keys, payloads.
//! The rest of this module is for tests and tools that speak the protocol by hand, and may change with any version.
//!
//! Nothing here knows a socket, a runtime or the clock: time is a parameter. `docs/protocol.md` states the
//! rules; code and tests cite them as `PROTOCOL §n`.

mod call_id;
mod codec;
pub mod connection;
mod decoder;
mod encoder;
mod failure;
mod greeting;
mod id;
mod id_hasher;
mod idempotency;
mod limits;
mod load;
mod metadata;
mod opening;
mod payload;
mod priority;
mod session;
mod status;
mod token;
pub mod wire;

pub use call_id::{CallId, Side};
pub use codec::Codec;
pub use connection::Connection;
pub use decoder::{DecodeError, Decoder, Piece};
pub(crate) use encoder::MAGIC;
pub use encoder::encode_preface;
pub use failure::{Ended, Failure, Outcome};
pub(crate) use greeting::{Greeting, GreetingError, greeting};
pub use id::MethodKey;
pub(crate) use id_hasher::IdHasher;
pub use idempotency::{IdempotencyKey, IdempotencyKeyError, MemoryId};
pub use limits::{Limits, LimitsError};
pub use load::{Load, LoadReports};
pub use metadata::{Metadata, MetadataError, MetadataValue};
pub use opening::{Opening, Order, Streams};
pub use payload::{Gap, Payload};
pub use priority::Priority;
pub use session::{SessionEntry, SessionId};
pub use status::{Code, DetailError, Execution, Status};
pub use token::{Token, TokenError};

/// The protocol version that this crate speaks, as the preface carries it.
pub const VERSION: u8 = 1;
