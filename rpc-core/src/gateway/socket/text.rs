//! The texts of JSON-RPC that go over a WebSocket beside answers: requests of this side, and the items and ends of
//! subscriptions.

use serde_json::Value;

use crate::proto::CallId;

/// The method that ends a subscription.
pub(super) const UNSUBSCRIBE: &str = "rpc.unsubscribe";

/// A request, or a notification where there is no id.
pub(super) fn request(method: &str, params: &[u8], id: Option<CallId>) -> Vec<u8> {
    let mut text = start(method);
    text.extend_from_slice(params);
    if let Some(id) = id {
        text.extend_from_slice(format!(",\"id\":{}", id.value()).as_bytes());
    }
    text.push(b'}');
    text
}

/// What is the same in all notifications of a subscription.
pub(super) fn notification(method: &str, subscription: CallId) -> Vec<u8> {
    let mut text = start(method);
    text.extend_from_slice(format!("{{\"subscription\":{}", subscription.value()).as_bytes());
    text
}

/// One of them, with one more member.
pub(super) fn with(notification: &[u8], member: &str, value: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(notification.len() + member.len() + value.len() + 6);
    text.extend_from_slice(notification);
    text.extend_from_slice(b",\"");
    text.extend_from_slice(member.as_bytes());
    text.extend_from_slice(b"\":");
    text.extend_from_slice(value);
    text.extend_from_slice(b"}}");
    text
}

fn start(method: &str) -> Vec<u8> {
    let mut text = br#"{"jsonrpc":"2.0","method":"#.to_vec();
    text.extend_from_slice(Value::from(method).to_string().as_bytes());
    text.extend_from_slice(br#","params":"#);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_json_rpc() {
        let id = CallId::new(7);
        let text = |text: Vec<u8>| String::from_utf8(text).unwrap();
        assert_eq!(
            text(request("a.\"b", b"[1]", Some(id))),
            r#"{"jsonrpc":"2.0","method":"a.\"b","params":[1],"id":7}"#
        );
        assert_eq!(
            text(request("a.b", b"{}", None)),
            r#"{"jsonrpc":"2.0","method":"a.b","params":{}}"#
        );
        let item = with(&notification("a.b", id), "result", b"[2]");
        assert_eq!(
            text(item),
            r#"{"jsonrpc":"2.0","method":"a.b","params":{"subscription":7,"result":[2]}}"#
        );
    }
}
