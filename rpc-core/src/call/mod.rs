//! The typed face of a call: from arguments to a future, from a payload to a value or a typed error.

mod error;
mod future;

pub use error::CallError;
pub use future::CallFuture;

use std::{convert::Infallible, fmt, future::IntoFuture, marker::PhantomData, time::Duration};

use crate::{
    codec::Decode,
    connection::Connection,
    proto::{Code, Codec, Metadata, MetadataError, MethodKey, Payload, Status},
};

/// A call that was prepared and not sent yet: `.await` sends it, options come before.
///
/// Dropping the future of a call that was sent cancels it: the handler is dropped on the other side.
///
/// ```no_run
/// # use rpc_core::service;
/// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
/// # async fn run(calculator: CalculatorClient) -> Result<(), rpc_core::CallError> {
/// use std::time::Duration;
/// let sum = calculator
///     .add(1, 2)
///     .timeout(Duration::from_secs(1))
///     .metadata("tenant", "acme")
///     .await?;
/// # Ok(()) }
/// ```
#[must_use = "a call is sent when it is awaited"]
pub struct Call<T, E = Infallible> {
    connection: Connection,
    request: Prepared,
    read: Reader<T, E>,
}

/// What is to be sent.
#[derive(Debug)]
struct Prepared {
    method: Method,
    codec: Codec,
    /// The encoded arguments, or why the call cannot be made.
    arguments: Result<Payload, Status>,
    timeout: Option<Duration>,
    metadata: Option<Box<Metadata>>,
    reply: bool,
}

/// Which method is called, and how to speak of it.
#[derive(Clone, Debug)]
pub(crate) enum Method {
    /// One of a trait that this program was compiled with.
    Known {
        service: &'static crate::schema::ServiceSchema,
        method: &'static crate::schema::MethodSchema,
    },
    /// One that is called by its name alone.
    Named(MethodKey),
}

/// How the reply is read. Function pointers, so that a call is one type for all methods with the same
/// result.
struct Reader<T, E> {
    value: Decode<T>,
    error: Option<Decode<E>>,
    types: PhantomData<fn() -> (T, E)>,
}

impl<T, E> Clone for Reader<T, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E> Copy for Reader<T, E> {}

impl<T, E> Call<T, E> {
    pub(crate) fn new(
        connection: Connection,
        method: Method,
        codec: Codec,
        arguments: Result<Payload, Status>,
        value: Decode<T>,
        error: Option<Decode<E>>,
    ) -> Self {
        let request =
            Prepared { method, codec, arguments, timeout: None, metadata: None, reply: true };
        Self { connection, request, read: Reader { value, error, types: PhantomData } }
    }

    /// Expects no reply: the call is done when it is on its way.
    pub(crate) const fn oneway(mut self) -> Self {
        self.request.reply = false;
        self
    }

    /// Gives the call up when it is not answered within `timeout` of being awaited. The time that remains
    /// travels along: the server drops the handler when nobody waits for it any more.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.request.timeout = Some(timeout);
        self
    }

    /// Sends a key-value pair along. A pair that cannot travel fails the call with `INVALID_ARGUMENT`:
    /// see [`Metadata`] for what can.
    pub fn metadata(mut self, key: &str, value: &str) -> Self {
        let set = self.request.metadata.get_or_insert_default().set(key, value);
        self.refuse_if(set);
        self
    }

    /// Sends all pairs of `metadata` along.
    pub fn with_metadata(mut self, metadata: &Metadata) -> Self {
        for (key, value) in metadata.iter() {
            let set = self.request.metadata.get_or_insert_default().set(key, value);
            self.refuse_if(set);
        }
        self
    }

    fn refuse_if(&mut self, set: Result<(), MetadataError>) {
        if let Err(error) = set {
            let status = Status::not_started(Code::InvalidArgument, error.to_string());
            self.request.arguments = Err(status);
        }
    }
}

impl Method {
    const fn key(&self) -> MethodKey {
        match self {
            Self::Known { method, .. } => method.key,
            Self::Named(key) => *key,
        }
    }

    /// Adds to a status what only this side knows.
    fn explain(&self, status: Status) -> Status {
        match self {
            Self::Known { service, method } if status.code() == Code::Unimplemented => {
                let message = format!(
                    "{}; this client calls {} as `{}`",
                    status.message(),
                    method.path,
                    service.signature(method)
                );
                Status::not_started(Code::Unimplemented, message)
            }
            _ => status,
        }
    }
}

impl<T, E> IntoFuture for Call<T, E> {
    type Output = Result<T, CallError<E>>;
    type IntoFuture = CallFuture<T, E>;

    fn into_future(self) -> CallFuture<T, E> {
        CallFuture::new(self)
    }
}

impl<T, E> fmt::Debug for Call<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("request", &self.request).finish_non_exhaustive()
    }
}
