//! The chat's page, served by the chat's own port: it imports the client that is there too.

use rpc_core::Http;

use crate::service::protocol::ChatEventsClient;

/// HTTP with the page, whose members the server calls as it does those in terminals.
pub fn http() -> Http {
    Http::new()
        .calls(ChatEventsClient::schema())
        .file("/", "text/html", include_str!("page/index.html"))
        .file("/chat.js", "text/javascript", include_str!("page/chat.js"))
        .file("/chat.css", "text/css", include_str!("page/chat.css"))
}
