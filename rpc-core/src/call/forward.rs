//! Calls in the shape of a trait's own methods: how a client implements the trait, where every method of it can say that
//! the call itself has failed.

use std::future::Future;

use futures_util::{
    FutureExt as _, StreamExt as _, TryFutureExt as _,
    stream::{self, BoxStream},
};

pub use super::fallible;
use super::{Call, CallError, Streaming};
use crate::proto::Status;

/// Makes of a failed call the error of a method.
pub type Convert<E, F> = fn(CallError<E>) -> F;

/// The method's own error, made of the status where the call itself has failed.
pub fn own<E: From<Status>>(error: CallError<E>) -> E {
    match error {
        CallError::App(error) => error,
        CallError::Status(status) => status.into(),
    }
}

/// The status with which a call ended.
pub fn status<F: From<Status>>(error: CallError) -> F {
    Status::from(error).into()
}

/// A method that returns a `Result`.
pub fn value<T, U, E, F>(
    call: Call<T, E>,
    convert: Convert<E, F>,
) -> impl Future<Output = Result<U, F>> + Send
where
    U: From<T>,
{
    call.map(move |result| result.map(U::from).map_err(convert))
}

/// A one-way method: nobody learns that a call did not leave.
pub fn oneway(call: Call<()>) -> impl Future<Output = ()> + Send {
    call.map(drop)
}

/// The items of a stream whose start does not fail, and is not waited for: it comes in place of the first item.
pub fn items<T, U, E, F>(
    call: Call<Streaming<T, E>, E>,
    convert: Convert<E, F>,
) -> BoxStream<'static, Result<U, F>>
where
    T: Send + 'static,
    U: From<T> + Send + 'static,
    E: Send + 'static,
    F: Send + 'static,
{
    call.try_flatten_stream().map(move |item| item.map(U::from).map_err(convert)).boxed()
}

/// The items of a stream that may fail at its start.
pub fn started<T, U, E, F>(
    call: Call<Streaming<T, E>, E>,
    convert: Convert<E, F>,
) -> impl Future<Output = Result<BoxStream<'static, Result<U, F>>, F>> + Send
where
    T: Send + 'static,
    U: From<T> + Send + 'static,
    E: Send + 'static,
    F: Send + 'static,
{
    call.map(move |started| match started {
        Ok(items) => Ok(items.map(move |item| item.map(U::from).map_err(convert)).boxed()),
        Err(error) => Err(convert(error)),
    })
}

/// The items of a stream whose start is waited for, and does not fail: an error comes in place of the first item.
pub fn awaited<T, U, E, F>(
    call: Call<Streaming<T, E>, E>,
    convert: Convert<E, F>,
) -> impl Future<Output = BoxStream<'static, Result<U, F>>> + Send
where
    T: Send + 'static,
    U: From<T> + Send + 'static,
    E: Send + 'static,
    F: Send + 'static,
{
    started(call, convert).map(|started| {
        started.unwrap_or_else(|error| stream::once(std::future::ready(Err(error))).boxed())
    })
}
