//! The servers below a prefix, and again whenever they are others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Etcd, EtcdError,
    gateway::{Lines, all_of, decoded, number},
};
use crate::transport::Address;

/// News of what is below a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It may be something else.
    Some,
    /// It can no longer be watched from here.
    Lost,
}

/// A watch of a prefix.
pub(crate) struct Watching {
    lines: Lines,
}

impl Etcd {
    /// All servers below the prefix, and what tells of the next change.
    pub(crate) async fn look(&self) -> Result<(Vec<Address>, Watching), EtcdError> {
        let all = self.ask("/v3/kv/range", &all_of(self)).await?;
        let servers = servers(&all);
        let revision = number(&all["header"]["revision"]).unwrap_or_default();
        let mut create = all_of(self);
        // As text: numbers of 64 bits are not those of JSON.
        create["start_revision"] = Value::from((revision + 1).to_string());
        let watched = self.request("/v3/watch", &json!({ "create_request": create })).await?;
        Ok((servers, Watching { lines: Lines::of(watched) }))
    }
}

impl Watching {
    /// Waits until something changes.
    ///
    /// # Cancel safety
    /// Safe: no change is missed.
    pub(crate) async fn change(&mut self) -> Result<Change, EtcdError> {
        loop {
            let Some(line) = self.lines.next().await? else { return Ok(Change::Lost) };
            if let Some(message) = line["error"]["message"].as_str() {
                return Err(self.lines.failed(&message));
            }
            let result = &line["result"];
            if result["canceled"] == true {
                return Ok(Change::Lost);
            }
            if result["events"].as_array().is_some_and(|events| !events.is_empty()) {
                return Ok(Change::Some);
            }
        }
    }
}

/// The addresses in an answer, each once, in the order of their keys.
fn servers(all: &Value) -> Vec<Address> {
    let mut found = BTreeMap::new();
    for pair in all["kvs"].as_array().into_iter().flatten() {
        let key = decoded(&pair["key"]).unwrap_or_default();
        let value = decoded(&pair["value"]);
        match value.as_deref().map(|value| value.trim().parse::<Address>()) {
            Some(Ok(address)) => {
                found.entry(address.to_string()).or_insert(address);
            }
            // One entry that is wrong does not hide all others.
            _ => {
                tracing::warn!(target: "rpc_core::discover", key, "an entry in etcd is not an address")
            }
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;

    #[test]
    fn what_is_no_address_is_passed_over() {
        let pair = |key: &str, value: &[u8]| json!({ "key": BASE64.encode(key.as_bytes()), "value": BASE64.encode(value) });
        let all = json!({ "header": { "revision": "7" }, "count": "5", "kvs": [
            pair("/s/b", b"10.0.0.2:7000"),
            pair("/s/a", b"10.0.0.1:7000\n"),
            pair("/s/c", b"nonsense"),
            pair("/s/d", &[0xff]),
            pair("/s/e", b"10.0.0.1:7000"),
            { "key": 7 },
        ] });
        let shown: Vec<_> = servers(&all).iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.1:7000", "10.0.0.2:7000"]);
        assert_eq!(servers(&json!({ "header": {} })), []);
    }

    #[test]
    fn the_range_of_a_prefix_ends_before_what_only_looks_like_it() {
        let etcd: Etcd = "etcd://a:1/services/shop".parse().unwrap();
        let (key, end) = etcd.range();
        let text = |value: &str| decoded(&Value::from(value)).unwrap();
        assert_eq!((text(&key), text(&end)), ("/services/shop/".into(), "/services/shop0".into()));
    }
}
