//! Answers to brief requests, as bytes.

use std::time::{SystemTime, UNIX_EPOCH};

use hyper::header::{self, HeaderMap, HeaderName};

use crate::gateway::{
    answer::{JSON, WITH_BODY},
    headers::add_metadata,
    routes::Called,
};

/// Room for the head of an answer.
const HEAD: usize = 224;

/// Whether more requests may come on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Onwards {
    More,
    Closing,
}

/// Writes answers.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The second of the date that is written.
    second: u64,
    date: String,
}

impl Writer {
    /// The bytes of an answer.
    pub(super) fn write(&mut self, called: &Called, onwards: Onwards) -> Vec<u8> {
        let Called { status, text: body, metadata } = called;
        let mut text = Vec::with_capacity(HEAD + body.as_ref().map_or(0, Vec::len));
        text.extend_from_slice(b"HTTP/1.1 ");
        text.extend_from_slice(status.as_str().as_bytes());
        text.push(b' ');
        text.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
        text.extend_from_slice(b"\r\n");
        if let Some(body) = body {
            line(&mut text, &header::CONTENT_TYPE, JSON.as_bytes());
            for (name, value) in &WITH_BODY {
                line(&mut text, name, value.as_bytes());
            }
            line(&mut text, &header::CONTENT_LENGTH, body.len().to_string().as_bytes());
        }
        if let Some(metadata) = metadata {
            let mut headers = HeaderMap::new();
            add_metadata(&mut headers, metadata);
            headers.iter().for_each(|(name, value)| line(&mut text, name, value.as_bytes()));
        }
        if onwards == Onwards::Closing {
            line(&mut text, &header::CONNECTION, b"close");
        }
        line(&mut text, &header::DATE, self.date().as_bytes());
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(body.as_deref().unwrap_or_default());
        text
    }

    /// The present time, as headers have it.
    fn date(&mut self) -> &str {
        let time = SystemTime::now();
        let second = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        if self.second != second || self.date.is_empty() {
            (self.second, self.date) = (second, httpdate::fmt_http_date(time));
        }
        &self.date
    }
}

/// Writes a header.
fn line(text: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    text.extend_from_slice(name.as_str().as_bytes());
    text.extend_from_slice(b": ");
    text.extend_from_slice(value);
    text.extend_from_slice(b"\r\n");
}
