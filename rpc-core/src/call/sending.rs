//! The sending end of a stream of values, for clients and handlers alike: takes them from the user's stream while credit
//! lasts. A client's is a task of its own, which ends when the stream does, or the call.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
};

use futures_util::Stream;

use crate::{
    codec::{Encode, encode_with_gaps},
    proto::{Code, Codec, Status, connection::Stopped},
    seam::items::{Gathered, ItemSender, TooLong},
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
    let sent = poll_fn(|cx| poll_stream(sender, stream.as_mut(), codec, encode, &split, cx)).await;
    let is_cut = sender.is_upload() && matches!(sent, Sent::Unsendable(_) | Sent::Failed(_));
    // An end would say that all of the upload is there.
    if is_cut || matches!(sent, Sent::Stopped) {
        return sent;
    }
    match poll_fn(|cx| sender.poll_finish(cx)).await {
        Err(Stopped) => Sent::Stopped,
        Ok(()) => sent,
    }
}

/// Sends what the stream has, until it ends or has nothing for the moment.
fn poll_stream<S: Stream, T, E>(
    sender: &mut ItemSender,
    mut stream: Pin<&mut S>,
    codec: Codec,
    encode: Encode<T>,
    split: &impl Fn(S::Item) -> Result<T, E>,
    cx: &mut Context<'_>,
) -> Poll<Sent<E>> {
    for _ in 0..BATCHES {
        loop {
            if ready!(sender.poll_ready(cx)) == Err(Stopped) {
                return Poll::Ready(Sent::Stopped);
            }
            let item = match stream.as_mut().poll_next(cx) {
                Poll::Ready(Some(item)) => split(item),
                Poll::Ready(None) => return Poll::Ready(Sent::All),
                Poll::Pending => {
                    return match sender.poll_flush(cx) {
                        Poll::Ready(Err(Stopped)) => Poll::Ready(Sent::Stopped),
                        _ => Poll::Pending,
                    };
                }
            };
            let item = match item {
                Ok(item) => item,
                Err(error) => return Poll::Ready(Sent::Failed(error)),
            };
            let encoded = match sender.expects_long() {
                false => sender.push(|out| encode(codec, &item, out)),
                true => sender.push_with_gaps(|out| encode_with_gaps(codec, &item, encode, out)),
            };
            match encoded {
                Ok(Ok(Gathered::Some)) => {}
                Ok(Ok(Gathered::Many)) => break,
                Ok(Err(long)) => return Poll::Ready(Sent::Unsendable(too_long(long))),
                Err(error) => {
                    let message = format!("cannot encode an item: {error}");
                    return Poll::Ready(Sent::Unsendable(Status::new(Code::Internal, message)));
                }
            }
        }
        if sender.poll_flush(cx) == Poll::Ready(Err(Stopped)) {
            return Poll::Ready(Sent::Stopped);
        }
    }
    // A stream that is always ready lets others have their turn.
    cx.waker().wake_by_ref();
    Poll::Pending
}

fn too_long(long: TooLong) -> Status {
    let message =
        format!("item of {} bytes is over the peer's limit of {}", long.length, long.limit);
    Status::new(Code::ResourceExhausted, message)
}

/// What sends the items of an upload once its call is open.
pub(super) type Upload =
    Box<dyn FnOnce(ItemSender, Codec) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Has `stream` sent with a call.
pub(super) fn upload<S: super::Upload<T>, T: 'static>(stream: S, encode: Encode<T>) -> Upload {
    let stream = stream.into_stream();
    Box::new(move |mut sender, codec| {
        Box::pin(async move {
            match send_all(&mut sender, stream, codec, encode, S::split).await {
                Sent::Unsendable(status) => sender.give_up(status),
                // The call was on its way when its stream broke off.
                Sent::Failed(status) => sender.give_up(status.having_run()),
                Sent::All | Sent::Stopped => {}
            }
        })
    })
}
