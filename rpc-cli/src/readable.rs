//! Values as people read them: times as times, and bytes in hexadecimal. For terminals alone: programs get what the server
//! sent.

use std::time::{Duration, UNIX_EPOCH};

use rpc_core::schema::{Container, ContainerKind, Format, Registry};
use serde_json::{Map, Value};

/// Bytes that are shown of a longer value.
const MOST_BYTES: usize = 64;

/// The value as it is read. What is not of its described shape stays as it is.
pub(crate) fn readable(value: Value, format: &Format, types: &Registry) -> Value {
    match (format, value) {
        (_, Value::Null) => Value::Null,
        (Format::Option(content), value) => readable(value, content, types),
        (Format::Bytes, Value::Array(bytes)) => bytes_in_words(bytes),
        (Format::Seq(content) | Format::Array { content, .. }, Value::Array(values)) => {
            values.into_iter().map(|value| readable(value, content, types)).collect()
        }
        (Format::Map { value: content, .. }, Value::Object(entries)) => {
            entries.into_iter().map(|(key, value)| (key, readable(value, content, types))).collect()
        }
        (Format::Tuple(contents), Value::Array(values)) => each(values, contents, types),
        (Format::Named(key), value) => {
            let text = match key.as_str() {
                "core::time::Duration" => duration(&value),
                "std::time::SystemTime" => point_in_time(&value),
                _ => None,
            };
            match (text, types.container(key)) {
                (Some(text), _) => Value::String(text),
                (None, Some(Container { kind, .. })) => content(value, kind, types),
                (None, None) => value,
            }
        }
        (_, value) => value,
    }
}

fn content(value: Value, kind: &ContainerKind, types: &Registry) -> Value {
    match (kind, value) {
        (ContainerKind::Newtype(content), value) => readable(value, content, types),
        (ContainerKind::Tuple(contents), Value::Array(values)) => each(values, contents, types),
        (ContainerKind::Struct(fields), Value::Object(entries)) => {
            named(entries, |name, value| match fields.iter().find(|field| field.name == name) {
                Some(field) => readable(value, &field.format, types),
                None => value,
            })
        }
        (ContainerKind::Enum(variants), Value::Object(entries)) => named(entries, |name, value| {
            match variants.iter().find(|variant| variant.name == name) {
                Some(variant) => content(value, &variant.kind, types),
                None => value,
            }
        }),
        (_, value) => value,
    }
}

/// An object with each value read by its name.
fn named(entries: Map<String, Value>, read: impl Fn(&str, Value) -> Value) -> Value {
    let read = |(name, value): (String, Value)| {
        let value = read(&name, value);
        (name, value)
    };
    entries.into_iter().map(read).collect()
}

fn each(values: Vec<Value>, formats: &[Format], types: &Registry) -> Value {
    if values.len() != formats.len() {
        return Value::Array(values);
    }
    values.into_iter().zip(formats).map(|(value, format)| readable(value, format, types)).collect()
}

fn bytes_in_words(values: Vec<Value>) -> Value {
    let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
    let Some(bytes) = values.iter().map(byte).collect::<Option<Vec<u8>>>() else {
        return Value::Array(values);
    };
    let first = &bytes[..bytes.len().min(MOST_BYTES)];
    let shown: Vec<String> = first.iter().map(|byte| format!("{byte:02x}")).collect();
    let more = if first.len() < bytes.len() { " …" } else { "" };
    let unit = if bytes.len() == 1 { "byte" } else { "bytes" };
    Value::String(format!("{} {unit}: {}{more}", bytes.len(), shown.join(" ")).trim_end().into())
}

fn duration(value: &Value) -> Option<String> {
    let span = span(value, "secs", "nanos")?;
    Some(humantime::format_duration(span).to_string())
}

fn point_in_time(value: &Value) -> Option<String> {
    let since = span(value, "secs_since_epoch", "nanos_since_epoch")?;
    let time = UNIX_EPOCH.checked_add(since)?;
    // The calendar of the text ends with the year 9999.
    (since.as_secs() < 253_402_300_800).then(|| humantime::format_rfc3339(time).to_string())
}

fn span(value: &Value, seconds: &str, nanos: &str) -> Option<Duration> {
    let nanos = u32::try_from(value.get(nanos)?.as_u64()?).ok()?;
    Duration::from_secs(value.get(seconds)?.as_u64()?)
        .checked_add(Duration::from_nanos(u64::from(nanos)))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::SystemTime};

    use bytes::Bytes;
    use rpc_core::Schema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[derive(Serialize, Deserialize, Schema)]
    struct Shift {
        from: SystemTime,
        pauses: Vec<Duration>,
        photo: Option<Bytes>,
        by: BTreeMap<String, Kind>,
        number: u32,
    }

    #[derive(Serialize, Deserialize, Schema)]
    enum Kind {
        Day,
        Night { lasts: Duration },
        Call(Duration, u8),
    }

    fn shown<T: Schema + Serialize>(value: &T) -> Value {
        let mut types = Registry::new();
        let format = T::format(&mut types);
        readable(serde_json::to_value(value).unwrap(), &format, &types)
    }

    #[test]
    fn times_and_bytes_are_read_as_such_wherever_they_are() {
        let lasts = Duration::from_millis(90_250);
        let shift = Shift {
            from: UNIX_EPOCH + Duration::from_secs(1_000_000_000),
            pauses: vec![Duration::from_secs(60), Duration::ZERO],
            photo: Some(Bytes::from_static(b"\x00\xff")),
            by: BTreeMap::from([
                ("a".to_owned(), Kind::Day),
                ("b".to_owned(), Kind::Night { lasts }),
                ("c".to_owned(), Kind::Call(lasts, 3)),
            ]),
            number: 7,
        };
        let expected = json!({
            "from": "2001-09-09T01:46:40Z",
            "pauses": ["1m", "0s"],
            "photo": "2 bytes: 00 ff",
            "by": { "a": "Day", "b": { "Night": { "lasts": "1m 30s 250ms" } }, "c": { "Call": ["1m 30s 250ms", 3] } },
            "number": 7,
        });
        assert_eq!(shown(&shift), expected);
        assert_eq!(shown(&Bytes::from(vec![1; 65])).as_str().unwrap().matches("01").count(), 64);
        assert!(shown(&Bytes::from(vec![1; 65])).as_str().unwrap().ends_with(" 01 …"));
    }

    #[test]
    fn what_is_not_as_described_stays_as_it_is() {
        let mut types = Registry::new();
        let time = SystemTime::format(&mut types);
        let far = json!({ "secs_since_epoch": u64::MAX, "nanos_since_epoch": 0 });
        for value in [json!(1), json!("x"), json!({ "secs_since_epoch": -1 }), far] {
            assert_eq!(readable(value.clone(), &time, &types), value);
        }
        let wrong = json!([256, "x"]);
        assert_eq!(readable(wrong.clone(), &Format::Bytes, &types), wrong);
    }
}
