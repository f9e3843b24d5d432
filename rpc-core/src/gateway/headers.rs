//! What travels beside a call in HTTP headers: deadline, token, metadata both ways (PROTOCOL §24).

use std::time::{Duration, Instant};

use data_encoding::{BASE64, BASE64_NOPAD};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::answer::Rejection;
use crate::{
    proto::{IdempotencyKey, Metadata, MetadataValue, Token},
    time::now,
};

/// The header with the milliseconds that a call may take.
pub(super) const TIMEOUT: HeaderName = HeaderName::from_static("rpc-timeout-ms");

/// The header with the name of what a call is to do.
pub(super) const IDEMPOTENCY: HeaderName = HeaderName::from_static("idempotency-key");

/// How the names of headers begin that carry metadata.
pub(super) const METADATA: &str = "rpc-meta-";

/// The headers of W3C Trace Context.
const TRACE: [&str; 2] = ["traceparent", "tracestate"];

/// What a request says beside its method and arguments.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) deadline: Option<Instant>,
    pub(super) metadata: Option<Box<Metadata>>,
    pub(super) token: Option<Token>,
    pub(super) idempotency: Option<IdempotencyKey>,
}

impl Head {
    /// Reads the headers of a request.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Rejection> {
        let deadline = single(headers, &TIMEOUT)?.map(timeout).transpose()?.flatten();
        let token = single(headers, &AUTHORIZATION)?.map(token).transpose()?;
        let idempotency = single(headers, &IDEMPOTENCY)?.map(idempotency).transpose()?;
        let mut metadata: Option<Box<Metadata>> = None;
        for (name, value) in headers {
            let name = name.as_str();
            // What W3C calls so is metadata of that name.
            let key = name.strip_prefix(METADATA);
            let key = key.or_else(|| TRACE.contains(&name).then_some(name));
            if let Some(key) = key {
                add(metadata.get_or_insert_default(), key, value)?;
            }
        }
        Ok(Self { deadline, metadata, token, idempotency })
    }
}

/// The value of a header that may be there once.
pub(super) fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h HeaderValue>, Rejection> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(Rejection::bad(format!("there is more than one header {name}"))),
    }
}

/// The end of the time that a call may take; `None` if that is beyond what a clock can say.
fn timeout(value: &HeaderValue) -> Result<Option<Instant>, Rejection> {
    let digits = value.as_bytes();
    let wrong = digits.is_empty() || digits.len() > 10 || !digits.iter().all(u8::is_ascii_digit);
    if wrong {
        let message = format!("{TIMEOUT} is a number of milliseconds with 1 to 10 digits");
        return Err(Rejection::bad(message));
    }
    let millis = digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Ok(now().checked_add(Duration::from_millis(millis)))
}

/// The token of `Bearer TOKEN`; any other scheme is part of its token.
fn token(value: &HeaderValue) -> Result<Token, Rejection> {
    let value = value.as_bytes().trim_ascii();
    let end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    let bare = if scheme.eq_ignore_ascii_case(b"bearer") { rest.trim_ascii_start() } else { value };
    let token = Token::new(bare);
    token.check_for_call().map_err(|error| Rejection::bad(error.to_string()))?;
    Ok(token)
}

/// The key as it stands there, or within the quotes of a structured field.
fn idempotency(value: &HeaderValue) -> Result<IdempotencyKey, Rejection> {
    let value = value.as_bytes().trim_ascii();
    let quoted = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    IdempotencyKey::new(quoted.unwrap_or(value)).map_err(|error| Rejection::bad(error.to_string()))
}

fn add(metadata: &mut Metadata, key: &str, value: &HeaderValue) -> Result<(), Rejection> {
    let added = if key.ends_with("-bin") {
        let text = value.as_bytes();
        let bytes = BASE64.decode(text).or_else(|_| BASE64_NOPAD.decode(text));
        let bytes = bytes.map_err(|_| {
            Rejection::bad(format!("{METADATA}{key} holds bytes, and is to be base64"))
        })?;
        metadata.append_bin(key, bytes)
    } else {
        let text = std::str::from_utf8(value.as_bytes())
            .map_err(|_| Rejection::bad(format!("{METADATA}{key} is not UTF-8")))?;
        metadata.append(key, text)
    };
    added.map_err(|error| Rejection::bad(error.to_string()))
}

/// Adds metadata to an answer. A text that no header can carry, one of several lines, say, stays behind.
pub(super) fn add_metadata(headers: &mut HeaderMap, metadata: &Metadata) {
    for (key, value) in metadata.iter_all() {
        let name = HeaderName::try_from(format!("{METADATA}{key}"));
        let value = match value {
            MetadataValue::Text(text) => HeaderValue::from_bytes(text.as_bytes()),
            MetadataValue::Binary(bytes) => HeaderValue::try_from(BASE64.encode(bytes)),
        };
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(pairs: &[(&'static str, &[u8])]) -> Result<Head, String> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        Head::of(&headers).map_err(|rejection| rejection.message().to_owned())
    }

    #[test]
    fn metadata_of_both_kinds_comes_and_goes() {
        let pairs: [(&str, &[u8]); 4] = [
            ("rpc-meta-tenant", "Čeněk".as_bytes()),
            ("rpc-meta-via", b"a"),
            ("rpc-meta-via", b"b"),
            ("rpc-meta-trace-bin", b"S/k="),
        ];
        let metadata = head(&pairs).unwrap().metadata.unwrap();
        assert_eq!(metadata.value("tenant"), Some("Čeněk"));
        assert!(metadata.values("via").eq(["a", "b"]));
        assert_eq!(metadata.value_bin("trace-bin"), Some(&[0x4b, 0xf9][..]));
        let mut headers = HeaderMap::new();
        add_metadata(&mut headers, &metadata);
        let mut back = Vec::new();
        for (name, value) in &headers {
            back.push((name.as_str(), value.as_bytes()));
        }
        assert_eq!(back, pairs);
    }

    #[test]
    fn the_bearer_is_taken_off_a_token() {
        let token = |value| head(&[("authorization", value)]).unwrap().token.unwrap();
        assert_eq!(token(b"Bearer s3cret"), "s3cret".into());
        assert_eq!(token(b"bearer  s3cret"), "s3cret".into());
        assert_eq!(token(b"Basic YTpi"), "Basic YTpi".into());
    }

    #[test]
    fn an_idempotency_key_is_the_same_in_quotes_and_without() {
        for value in [&b"order 17"[..], b"\"order 17\""] {
            let key = head(&[("idempotency-key", value)]).unwrap().idempotency.unwrap();
            assert_eq!(key.as_bytes(), b"order 17");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        type Pairs = &'static [(&'static str, &'static [u8])];
        let rows: [(Pairs, &str); 8] = [
            (&[("rpc-timeout-ms", b"1s")], "milliseconds"),
            (&[("rpc-timeout-ms", b"")], "milliseconds"),
            (&[("rpc-timeout-ms", b"12345678901")], "milliseconds"),
            (&[("rpc-timeout-ms", b"1"), ("rpc-timeout-ms", b"2")], "more than one"),
            (&[("authorization", b"Bearer ")], "1 to 4096 bytes"),
            (&[("idempotency-key", b"\"\"")], "1 to 64 bytes"),
            (&[("rpc-meta-a", b"\xff")], "UTF-8"),
            (&[("rpc-meta-a-bin", b"!")], "base64"),
        ];
        for (pairs, said) in rows {
            let error = head(pairs).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
