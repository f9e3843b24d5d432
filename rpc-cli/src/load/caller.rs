//! Calls of a method of a server of ours. Nothing is read of a reply but whether it is one, so that the cost of a
//! call stays that of the call.

use std::{borrow::Cow, sync::Arc, time::Duration};

use rpc_core::{Call, CallError, Channel, Code, Metadata, Retry, proto::Payload};
use serde_json::Value;

use super::{
    drive::Caller,
    record::{Ended, Failed},
};
use crate::coding::Coding;

/// Calls a method of a server of ours.
#[derive(Clone, Debug)]
pub(crate) struct RpcCaller {
    pub channel: Channel,
    pub coding: Coding,
    /// Whether the reply is a stream; the call is over when it ends.
    pub streams: bool,
    pub timeout: Option<Duration>,
    pub metadata: Arc<Metadata>,
}

impl RpcCaller {
    fn prepare<T, E>(&self, mut call: Call<T, E>) -> Call<T, E> {
        if let Some(timeout) = self.timeout {
            call = call.timeout(timeout);
        }
        // What is refused is counted, and not sent once more.
        call.retry(Retry::off()).with_metadata(&self.metadata)
    }

    async fn value(&self, arguments: &Payload) -> Result<u64, CallError<Payload>> {
        let call = self.channel.call_raw(self.coding.key, self.coding.codec(), arguments);
        self.prepare(call).await.map(|_| 1)
    }

    async fn items(&self, arguments: &Payload) -> Result<u64, CallError<Payload>> {
        let call = self.channel.stream_raw(self.coding.key, self.coding.codec(), arguments);
        let mut items = self.prepare(call).await?;
        let mut count = 0;
        while let Some(item) = items.next().await {
            item?;
            count += 1;
        }
        Ok(count)
    }

    async fn failed(&self, error: CallError<Payload>) -> Failed {
        match error {
            CallError::App(error) => match self.coding.failed(&error) {
                Ok(error) => {
                    Failed { status: own_error(&error), message: error.to_string(), lost: false }
                }
                Err(error) => Failed {
                    status: own_error(&Value::Null),
                    message: error.to_string(),
                    lost: false,
                },
            },
            CallError::Status(status) => {
                // A pong says that the server is there, whatever became of the call.
                let lost = status.code() == Code::Unavailable && self.channel.ping().await.is_err();
                let (code, message) = (status.code().name(), status.message().to_owned());
                Failed { status: code.into(), message, lost }
            }
        }
    }
}

impl Caller for RpcCaller {
    async fn call(&self, arguments: &Payload) -> Ended {
        let ended = match self.streams {
            false => self.value(arguments).await,
            true => self.items(arguments).await,
        };
        match ended {
            Ok(items) => Ok(items),
            Err(error) => Err(self.failed(error).await),
        }
    }
}

/// The name of a method's own error: of an enum, its variant.
fn own_error(error: &Value) -> Cow<'static, str> {
    let variant = match error {
        Value::String(variant) => Some(variant.as_str()),
        Value::Object(fields) if fields.len() == 1 => fields.keys().next().map(String::as_str),
        _ => None,
    };
    // Bounded by: a text may be anything, and there would be as many statuses as texts.
    let is_name = |name: &&str| {
        name.len() <= 60 && name.chars().all(|character| character.is_ascii_alphanumeric())
    };
    match variant.filter(is_name) {
        Some(variant) => format!("error {variant}").into(),
        None => "error of the method".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_is_counted_by_its_variant_if_it_has_one() {
        assert_eq!(own_error(&json!("DivisionByZero")), "error DivisionByZero");
        assert_eq!(own_error(&json!({ "Overflow": { "operation": "sum" } })), "error Overflow");
        for other in [json!("no such user: 17"), json!({}), json!(17), json!(null)] {
            assert_eq!(own_error(&other), "error of the method");
        }
    }
}
