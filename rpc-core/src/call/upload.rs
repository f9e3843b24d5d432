//! The items that go with a call of this side: a task of its own takes them from the caller's stream while
//! credit lasts. It ends when the stream does, or the call.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Poll, ready},
};

use futures_util::Stream;

use crate::{
    codec::Encode,
    connection::ItemSender,
    proto::{Code, Codec, Status, connection::Stopped},
};

/// Times that a stream which is always ready hands on a batch before others have their turn.
const BATCHES: u32 = 8;

/// How the sending of a stream ended.
pub(crate) enum Sent<E> {
    /// The stream ended, and all its items are on their way.
    All,
    /// Nobody wants more.
    Stopped,
    /// The stream ended with an error of its own.
    Failed(E),
    /// An item cannot be sent.
    Unsendable(Status),
}

/// Sends what `stream` brings. `encode` appends an item; `split` tells an item from an error.
pub(crate) async fn send_all<S, T, E>(
    sender: &mut ItemSender,
    stream: S,
    codec: Codec,
    encode: Encode<T>,
    split: impl Fn(S::Item) -> Result<T, E>,
) -> Sent<E>
where
    S: Stream,
{
    let mut stream = pin!(stream);
    let mut failed = None;
    let sent = poll_fn(|cx| {
        let mut batches = 0;
        loop {
            if ready!(sender.poll_ready(cx)) == Err(Stopped) {
                return Poll::Ready(Some(Sent::Stopped));
            }
            let item = match stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => item,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    return match sender.poll_flush(cx) {
                        Poll::Ready(Err(Stopped)) => Poll::Ready(Some(Sent::Stopped)),
                        _ => Poll::Pending,
                    };
                }
            };
            let item = match split(item) {
                Ok(item) => item,
                Err(error) => {
                    failed = Some(error);
                    return Poll::Ready(None);
                }
            };
            match sender.push(|out| encode(codec, &item, out)) {
                Ok(Ok(false)) => {}
                Ok(Ok(true)) => {
                    if sender.poll_flush(cx) == Poll::Ready(Err(Stopped)) {
                        return Poll::Ready(Some(Sent::Stopped));
                    }
                    batches += 1;
                    if batches == BATCHES {
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                }
                Ok(Err(long)) => return Poll::Ready(Some(Sent::Unsendable(too_long(long)))),
                Err(error) => {
                    let message = format!("cannot encode an item: {error}");
                    return Poll::Ready(Some(Sent::Unsendable(Status::new(
                        Code::Internal,
                        message,
                    ))));
                }
            }
        }
    })
    .await;
    match (sent, failed) {
        (Some(Sent::Unsendable(status)), _) => {
            let _ = poll_fn(|cx| sender.poll_finish(cx)).await;
            Sent::Unsendable(status)
        }
        (Some(sent), _) => sent,
        (None, failed) => match poll_fn(|cx| sender.poll_finish(cx)).await {
            Err(Stopped) => Sent::Stopped,
            Ok(()) => failed.map_or(Sent::All, Sent::Failed),
        },
    }
}

fn too_long(long: crate::connection::TooLong) -> Status {
    let message =
        format!("item of {} bytes is over the peer's limit of {}", long.length, long.limit);
    Status::new(Code::ResourceExhausted, message)
}

/// What sends the items of an upload once its call is open.
pub(super) type Upload =
    Box<dyn FnOnce(ItemSender, Codec) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Has `stream` sent with a call.
pub(super) fn upload<S, T>(stream: S, encode: Encode<T>) -> Upload
where
    S: Stream<Item = T> + Send + 'static,
    T: 'static,
{
    Box::new(move |mut sender, codec| {
        Box::pin(async move {
            let sent = send_all(&mut sender, stream, codec, encode, Ok::<T, ()>).await;
            if let Sent::Unsendable(status) = sent {
                sender.give_up(status);
            }
        })
    })
}
