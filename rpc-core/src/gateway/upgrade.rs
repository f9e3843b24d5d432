//! Requests to go on with WebSocket: what is granted, and what is left for whoever takes the connection over.

use hyper::{
    Request, StatusCode, Version,
    body::Incoming,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    upgrade,
};

use super::{
    answer::{self, Answer, Rejection},
    headers::{Head, single},
    session::Session,
};
use crate::transport::websocket::{JSON_RPC, RPC, accept_key};

/// What a connection goes on with.
#[derive(Debug)]
pub(super) enum Onward {
    /// The protocol of this crate.
    Rpc,
    /// JSON-RPC both ways; what the request has said holds for each call.
    JsonRpc(Box<Head>),
}

/// Whether a request asks for another protocol.
pub(super) fn is_asked(headers: &HeaderMap) -> bool {
    headers.contains_key(header::UPGRADE)
}

/// Grants an upgrade.
pub(super) fn answer(
    session: &Session,
    mut request: Request<Incoming>,
) -> Result<Answer, Rejection> {
    let headers = request.headers();
    if request.version() != Version::HTTP_11
        || !lists(headers, &header::CONNECTION, "upgrade")
        || !lists(headers, &header::UPGRADE, "websocket")
    {
        return Err(Rejection::bad("the one protocol that this port goes on with is WebSocket"));
    }
    let version = single(headers, &header::SEC_WEBSOCKET_VERSION)?;
    if version.is_none_or(|version| version != "13") {
        let message = "the version of WebSocket that is spoken here is 13";
        return Err(Rejection::new(StatusCode::UPGRADE_REQUIRED, message)
            .with(header::SEC_WEBSOCKET_VERSION, "13"));
    }
    let key = single(headers, &header::SEC_WEBSOCKET_KEY)?.map(HeaderValue::as_bytes);
    let Some(key) = key.filter(|key| is_key(key)) else {
        return Err(Rejection::bad("the header Sec-WebSocket-Key is to be 16 bytes in base64"));
    };
    let accepted = HeaderValue::try_from(accept_key(key));
    let accepted = accepted.map_err(|_| Rejection::bad("the header Sec-WebSocket-Key is none"))?;
    let protocol = protocol(headers)?;
    let onward = match protocol {
        Some(RPC) => Onward::Rpc,
        _ => Onward::JsonRpc(Box::new(of_each_call(headers)?)),
    };
    session.take_over(upgrade::on(&mut request), onward);
    let mut answer = answer::empty();
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let told = answer.headers_mut();
    told.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    told.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    told.insert(header::SEC_WEBSOCKET_ACCEPT, accepted);
    if let Some(protocol) = protocol {
        told.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    Ok(answer)
}

/// The first of the subprotocols that a client names which is spoken here. Clients of JSON-RPC often name none.
fn protocol(headers: &HeaderMap) -> Result<Option<&'static str>, Rejection> {
    let named = words(headers, &header::SEC_WEBSOCKET_PROTOCOL);
    let mut known =
        named.filter_map(|word| [RPC, JSON_RPC].into_iter().find(|known| *known == word));
    match known.next() {
        Some(protocol) => Ok(Some(protocol)),
        None if headers.contains_key(header::SEC_WEBSOCKET_PROTOCOL) => {
            let message = format!(
                "the subprotocols of WebSocket that are spoken here are {RPC} and {JSON_RPC}"
            );
            Err(Rejection::bad(message))
        }
        None => Ok(None),
    }
}

/// Whether a word is among those that a header lists.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    words(headers, name).any(|each| each.eq_ignore_ascii_case(word))
}

fn words<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn is_key(key: &[u8]) -> bool {
    data_encoding::BASE64.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

/// What the headers say of each call of a connection: a key names one of them.
fn of_each_call(headers: &HeaderMap) -> Result<Head, Rejection> {
    match Head::of(headers)? {
        Head { idempotency: Some(_), .. } => {
            Err(Rejection::bad("an idempotency key names one call, and a WebSocket carries many"))
        }
        head => Ok(head),
    }
}
