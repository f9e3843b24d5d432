//! Forms in JSON of values that have none of serde_json's, or a wasteful one: bytes as `{"base64": "AAEC"}`, and the floats
//! `"NaN"`, `"Infinity"` and `"-Infinity"`, as the JSON of protocol buffers writes them.

use serde_json::Value;

/// A float that JSON has no number for.
pub(crate) fn float(value: &Value) -> Option<f64> {
    match value.as_str()? {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The bytes of `{"base64": "…"}`.
pub(crate) fn base64(value: &Value) -> Option<Vec<u8>> {
    let entries = value.as_object().filter(|entries| entries.len() == 1)?;
    decode(entries.get("base64")?.as_str()?.as_bytes())
}

/// Reads base64 in the alphabet of RFC 4648 §4, or that of §5 for URLs, with padding or without.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let text = match text {
        [rest @ .., b'=', b'='] | [rest @ .., b'='] if text.len().is_multiple_of(4) => rest,
        text => text,
    };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        // A lone character holds six bits, which are not a byte.
        if group.len() == 1 {
            return None;
        }
        let bits = group.iter().try_fold(0_u32, |bits, &digit| Some(bits << 6 | six(digit)?))?;
        let bits = bits << (6 * (4 - group.len()));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

fn six(digit: u8) -> Option<u32> {
    let six = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    };
    Some(six.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn base64_is_read_in_both_alphabets_with_padding_and_without() {
        // The vectors of RFC 4648 §10, and the digits in which the alphabets differ.
        for (text, bytes) in [
            ("", &b""[..]),
            ("Zg==", b"f"),
            ("Zg", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYmFy", b"foobar"),
            ("+/+/", &[0xfb, 0xff, 0xbf]),
            ("-_-_", &[0xfb, 0xff, 0xbf]),
        ] {
            assert_eq!(base64(&json!({ "base64": text })).as_deref(), Some(bytes), "{text}");
        }
        for wrong in ["Z", "Zm9vY", "Zm 9", "Zg=", "===="] {
            assert_eq!(base64(&json!({ "base64": wrong })), None, "{wrong}");
        }
        assert_eq!(base64(&json!({ "base64": "Zg==", "more": 1 })), None);
    }
}
