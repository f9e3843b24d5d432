//! WebSocket as a byte stream: the bytes of the protocol in binary messages, whose bounds mean nothing. Whoever has a
//! link over it never learns of it. And as messages, for those who have other ones.

mod dial;
mod messages;
mod socket;

pub(crate) use dial::{Below, Dial};
use messages::Messages;
pub(crate) use socket::{Received, Socket};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
pub(crate) use tokio_tungstenite::tungstenite::{Message, protocol::frame::coding::CloseCode};

use super::{Link, Peer};

/// The subprotocol that stands for the protocol of this crate, version 1.
pub(crate) const RPC: &str = "rpc.v1";

/// The subprotocol that stands for JSON-RPC 2.0 in text messages.
pub(crate) const JSON_RPC: &str = "jsonrpc";

/// The longest message that is read, and the longest that is written.
const MAX_READ: usize = 1 << 20;
const MAX_WRITTEN: usize = 64 << 10;

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MAX_WRITTEN)
        .max_message_size(Some(MAX_READ))
        .max_frame_size(Some(MAX_READ))
}

/// The same for messages of at most so many bytes, which are gathered until they are flushed.
fn gathered(longest: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(16 << 10)
        .write_buffer_size(MAX_WRITTEN)
        .max_message_size(Some(longest))
        .max_frame_size(Some(longest))
}

/// The link of a client whose upgrade was granted.
pub(crate) async fn accepted(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
) -> Link {
    let socket = Socket::of(io, Role::Server, config()).await;
    Link::new(Messages::new(socket), peer)
}

/// The WebSocket of a client whose upgrade was granted, for texts of at most so many bytes; what is written is gathered
/// until it is flushed.
pub(crate) async fn texts<S: AsyncRead + AsyncWrite + Unpin>(io: S, longest: usize) -> Socket<S> {
    Socket::of(io, Role::Server, gathered(longest)).await
}

/// What a client has to be answered that asks for an upgrade with this key.
pub(crate) fn accept_key(key: &[u8]) -> String {
    tokio_tungstenite::tungstenite::handshake::derive_accept_key(key)
}

#[cfg(test)]
mod tests;
