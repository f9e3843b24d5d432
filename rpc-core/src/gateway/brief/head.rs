//! Bytes to a brief request: nothing is one that another reader could take for anything else.

use std::ops::Range;

/// A brief request, by where its parts are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Brief {
    /// The name under which the server is asked.
    pub(super) host: Range<usize>,
    pub(super) body: Range<usize>,
}

/// How each begins.
const LINE: &[u8] = b"POST / HTTP/1.1\r\n";

/// Headers of which no value changes an answer here.
const SILENT: [&[u8]; 4] = [b"accept", b"user-agent", b"accept-encoding", b"accept-language"];

/// Digits of a length: no body that comes in one piece has more.
const DIGITS: usize = 6;

/// The brief request with which these bytes begin, if they do.
pub(super) fn find(bytes: &[u8]) -> Option<Brief> {
    if !bytes.starts_with(LINE) {
        return None;
    }
    let (mut host, mut length, mut is_json) = (None, None, false);
    let mut at = LINE.len();
    loop {
        let end = at + bytes[at..].iter().position(|byte| !is_text(*byte))?;
        if !bytes[end..].starts_with(b"\r\n") {
            return None;
        }
        let line = at..end;
        at = end + 2;
        if line.is_empty() {
            break;
        }
        let colon = bytes[line.clone()].iter().position(|byte| *byte == b':')?;
        let name = &bytes[line.start..line.start + colon];
        let value = trimmed(bytes, line.start + colon + 1..line.end);
        let said = &bytes[value.clone()];
        if name.eq_ignore_ascii_case(b"host") {
            once(&mut host, value)?;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            once(&mut length, decimal(said)?)?;
        } else if name.eq_ignore_ascii_case(b"content-type") {
            let known = said.eq_ignore_ascii_case(b"application/json");
            (!std::mem::replace(&mut is_json, true) && known).then_some(())?;
        } else if name.eq_ignore_ascii_case(b"connection") {
            said.eq_ignore_ascii_case(b"keep-alive").then_some(())?;
        } else if !SILENT.iter().any(|silent| name.eq_ignore_ascii_case(silent)) {
            return None;
        }
    }
    let body = at..at + length?;
    (is_json && body.end <= bytes.len()).then_some(Brief { host: host?, body })
}

/// What may stand in a line.
const fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}

/// Takes note of what may be said once.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A part of some bytes without the white space around it.
fn trimmed(bytes: &[u8], part: Range<usize>) -> Range<usize> {
    let start = part.end - bytes[part.clone()].trim_ascii_start().len();
    start..start + bytes[start..part.end].trim_ascii_end().len()
}

fn decimal(digits: &[u8]) -> Option<usize> {
    let fits = (1..=DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: &str, body: &str) -> Option<(String, String)> {
        let text = format!("POST / HTTP/1.1\r\n{headers}\r\n{body}");
        let Brief { host, body } = find(text.as_bytes())?;
        Some((text[host].to_owned(), text[body].to_owned()))
    }

    #[test]
    fn what_says_no_more_than_a_call_is_brief() {
        let plain = "host: a:1\r\ncontent-type: application/json\r\ncontent-length: 2\r\n";
        let found = Some(("a:1".to_owned(), "{}".to_owned()));
        assert_eq!(of(plain, "{}"), found);
        assert_eq!(of(plain, "{}POST / HTTP/1.1\r\n"), found, "another comes behind it");
        let more = "Content-Length:2\r\nHOST:\t a:1 \r\nUser-Agent: \r\nAccept: */*\r\nConnection: Keep-Alive\r\n\
                    Content-Type: Application/JSON\r\n";
        assert_eq!(of(more, "{}"), found);
    }

    #[test]
    fn whatever_says_more_or_less_is_not() {
        let host = "host: a\r\n";
        let kind = "content-type: application/json\r\n";
        let length = "content-length: 2\r\n";
        let all = format!("{host}{kind}{length}");
        assert!(of(&all, "{}").is_some());
        for missing in
            [format!("{host}{kind}"), format!("{host}{length}"), format!("{kind}{length}")]
        {
            assert_eq!(of(&missing, "{}"), None, "{missing}");
        }
        for twice in [host, kind, length] {
            assert_eq!(of(&format!("{all}{twice}"), "{}"), None, "{twice}");
        }
        let others = [
            "authorization: x",
            "origin: http://a",
            "sec-fetch-site: none",
            "rpc-timeout-ms: 1",
            "rpc-meta-a: 1",
            "traceparent: 1",
            "idempotency-key: 1",
            "upgrade: websocket",
            "transfer-encoding: chunked",
            "expect: 100-continue",
            "connection: close",
            "connection: upgrade",
            "content-encoding: gzip",
            "x: 1",
            " folded",
            "host : a",
            ": 1",
            "no colon",
            "accept: \u{e9}",
            "accept: \0",
            "accept: a\rb",
            "accept: a\nb",
            "accept: \x7f",
        ];
        for other in others {
            assert_eq!(of(&format!("{all}{other}\r\n"), "{}"), None, "{other:?}");
        }
        for length in ["+2", "2, 2", "0x2", "", "-1", "1234567", "3"] {
            let text = format!("{host}{kind}content-length: {length}\r\n");
            assert_eq!(of(&text, "{}"), None, "{length:?}");
        }
        for kind in ["text/plain", "application/json; charset=latin1", ""] {
            let text = format!("{host}{length}content-type: {kind}\r\n");
            assert_eq!(of(&text, "{}"), None, "{kind:?}");
        }
        for line in ["POST /x HTTP/1.1", "POST / HTTP/1.0", "GET / HTTP/1.1", "POST  / HTTP/1.1"] {
            assert_eq!(find(format!("{line}\r\n{all}\r\n{{}}").as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn what_has_not_come_whole_is_not() {
        let whole = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        assert!(find(whole).is_some());
        for cut in 0..whole.len() {
            assert_eq!(find(&whole[..cut]), None, "{cut}");
        }
    }
}
