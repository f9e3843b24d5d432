//! Whether two versions of a value mean the same, by their JSON.

use serde_json::Value;

/// True if what was read is what was sent, as far as both versions have a place for it. A value that was dropped while
/// another one appeared beside it is lost, unless it is that value.
pub(crate) fn agree(sent: &Value, read: &Value) -> bool {
    match (sent, read) {
        (Value::Number(sent), Value::Number(read)) => match (sent.as_i128(), read.as_i128()) {
            (Some(sent), Some(read)) => sent == read,
            (Some(whole), None) => read.as_f64().is_some_and(|float| float as i128 == whole),
            _ => sent.as_f64() == read.as_f64(),
        },
        (Value::Array(sent), Value::Array(read)) => {
            sent.len() == read.len() && sent.iter().zip(read).all(|(one, other)| agree(one, other))
        }
        (Value::Object(sent), Value::Object(read)) => {
            let dropped: Vec<_> = sent.keys().filter(|key| !read.contains_key(*key)).collect();
            let appeared: Vec<_> = read.keys().filter(|key| !sent.contains_key(*key)).collect();
            let lost = !dropped.is_empty() && !appeared.is_empty();
            let renamed = || {
                let both = dropped.iter().zip(&appeared);
                dropped.len() == appeared.len()
                    && both.clone().all(|(one, other)| agree(&sent[*one], &read[*other]))
            };
            let common = sent.iter().filter_map(|(key, value)| Some((value, read.get(key)?)));
            common.into_iter().all(|(one, other)| agree(one, other)) && (!lost || renamed())
        }
        // A text is the bytes that it consists of.
        (Value::String(text), Value::Array(bytes)) => {
            text.bytes().map(Value::from).eq(bytes.iter().cloned())
        }
        // Fields by their places.
        (Value::Array(sent), Value::Object(read)) => {
            sent.len() == read.len()
                && sent.iter().zip(read.values()).all(|(one, other)| agree(one, other))
        }
        (sent, read) => sent == read,
    }
}
