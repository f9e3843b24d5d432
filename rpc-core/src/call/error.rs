//! How a call fails: by the trait's own error, or by a status.

use std::{convert::Infallible, error::Error, fmt};

use crate::{
    proto::{Code, MetadataError, Payload, Status},
    schema::Schema,
};

/// Why a call brought no value.
///
/// `App` is what the method's own `Result` says; `Status` is what happened to the call itself. For methods
/// that return no `Result` there is no `App`, and `match` does not ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError<E = Infallible> {
    /// The handler returned its error.
    App(E),
    /// The call itself failed: cancelled, too late, refused, the connection lost.
    Status(Status),
}

impl<E> CallError<E> {
    /// What happened to the call, if it is that which failed.
    #[must_use]
    pub const fn status(&self) -> Option<&Status> {
        match self {
            Self::App(_) => None,
            Self::Status(status) => Some(status),
        }
    }

    /// The trait's own error, if it is that.
    #[must_use]
    pub const fn app(&self) -> Option<&E> {
        match self {
            Self::App(error) => Some(error),
            Self::Status(_) => None,
        }
    }
}

/// What a method may fail with, as far as its code is concerned: every type that has a [`Schema`], and what comes from
/// calls by name, whose codes only a description knows ([`MethodSchema::error_code`](crate::schema::MethodSchema::error_code)).
pub trait MethodError {
    /// The code that the error stands for, if it has one.
    fn code(&self) -> Option<Code>;
}

impl<E: Schema> MethodError for E {
    fn code(&self) -> Option<Code> {
        self.error_code()
    }
}

impl MethodError for serde_json::Value {
    fn code(&self) -> Option<Code> {
        None
    }
}

impl MethodError for Payload {
    fn code(&self) -> Option<Code> {
        None
    }
}

impl<E: MethodError> CallError<E> {
    /// The code of the status, or the one that the trait's own error stands for by `#[schema(code = "..")]` on its variant
    /// or its type; `Unknown` where it has none, as gRPC has it.
    ///
    /// ```
    /// use rpc_core::{Code, Schema, service};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Debug, Serialize, Deserialize, Schema)]
    /// enum OrderError {
    ///     #[schema(code = "NOT_FOUND")]
    ///     NoSuchItem(String),
    ///     #[schema(code = "FAILED_PRECONDITION")]
    ///     SoldOut { until: String },
    /// }
    ///
    /// #[service]
    /// trait Orders {
    ///     async fn order(&self, item: String) -> Result<u64, OrderError>;
    /// }
    ///
    /// # struct Shop;
    /// # impl Orders for Shop {
    /// #     async fn order(&self, item: String) -> Result<u64, OrderError> { Err(OrderError::NoSuchItem(item)) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let orders = OrdersClient::in_memory(OrdersServer::new(Shop));
    /// let error = orders.order("unicorn").await.unwrap_err();
    /// assert_eq!(error.code(), Code::NotFound);
    /// # }
    /// ```
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::App(error) => error.code().unwrap_or(Code::Unknown),
            Self::Status(status) => status.code(),
        }
    }
}

impl<E> From<Status> for CallError<E> {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

/// So that a handler which fails with a status may hand on that of a call of its own, by `?`.
impl From<CallError> for Status {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Status(status) => status,
        }
    }
}

/// `INTERNAL`: a handler was to send what metadata cannot carry.
impl From<MetadataError> for Status {
    fn from(error: MetadataError) -> Self {
        Self::new(Code::Internal, error.to_string())
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::App(error) => error.fmt(f),
            Self::Status(status) => status.fmt(f),
        }
    }
}

/// What it says is what the trait's own error or the status says, so that neither is its source.
impl<E: fmt::Debug + fmt::Display> Error for CallError<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_error_that_can_be_shown_is_one_and_says_it_once() {
        let error: Box<dyn Error> = CallError::App("no such page".to_owned()).into();
        assert_eq!((error.to_string().as_str(), error.source().is_none()), ("no such page", true));
    }
}
