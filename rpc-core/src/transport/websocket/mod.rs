//! WebSocket as a byte stream: the bytes of the protocol in binary messages, whose bounds mean nothing. Whoever has a
//! link over it never learns of it.

mod dial;
mod messages;

pub(crate) use dial::{Below, Dial};
use messages::Messages;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};

use super::{Link, Peer};

/// The subprotocol that stands for the protocol of this crate, version 1.
pub(crate) const RPC: &str = "rpc.v1";

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

/// The link of a client whose upgrade was granted.
pub(crate) async fn accepted(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
) -> Link {
    let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config())).await;
    Link::new(Messages::new(stream), peer)
}

/// What a client has to be answered that asks for an upgrade with this key.
pub(crate) fn accept_key(key: &[u8]) -> String {
    tokio_tungstenite::tungstenite::handshake::derive_accept_key(key)
}
