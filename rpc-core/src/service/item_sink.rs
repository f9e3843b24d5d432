//! Where the items of a handler's stream go: the counterpart of [`crate::Streaming`], which generated code
//! hands to the handlers of streaming methods.

use std::{fmt, sync::Arc};

use futures_util::Stream;

use super::{
    Context, HandlerStatus,
    request::{Answering, of_handler},
};
use crate::{
    call::{Sent, send_all},
    codec::Encode,
    proto::{CallId, Code, Failure, Outcome, Payload, Status},
    seam::{Origin, items::ItemSender},
};

/// Sends what the stream of a handler brings, while the caller reads it. The handler's future is then done,
/// with the outcome that ends the call.
pub struct ItemSink<T, E> {
    pub(super) encode: Encode<T>,
    pub(super) encode_error: Option<Encode<E>>,
    pub(super) sending: Sending,
}

/// The call that items are sent for.
pub(super) struct Sending {
    pub(super) origin: Arc<dyn Origin>,
    pub(super) id: CallId,
    /// Has what goes ahead of the items, if the method asked for a context.
    pub(super) context: Option<Context>,
    pub(super) answer: Answering,
}

impl<T, E> ItemSink<T, E> {
    /// Sends all items of `stream`.
    pub async fn send_all(self, stream: impl Stream<Item = T> + Send) -> Outcome {
        let (codec, encode) = (self.sending.answer.codec, self.encode);
        let sent = send_all(&mut self.sending.accept(), stream, codec, encode, Ok::<T, E>).await;
        self.outcome(sent)
    }

    /// Sends the items of `stream` up to its first error, which ends the call.
    pub async fn send_all_or_fail(
        self,
        stream: impl Stream<Item = Result<T, E>> + Send,
    ) -> Outcome {
        let (codec, encode) = (self.sending.answer.codec, self.encode);
        let sent = send_all(&mut self.sending.accept(), stream, codec, encode, |item| item).await;
        self.outcome(sent)
    }

    /// Sends the items of `stream` up to the first status, which ends the call.
    pub async fn send_all_or_status<S: HandlerStatus>(
        self,
        stream: impl Stream<Item = Result<T, S>> + Send,
    ) -> Outcome {
        let (codec, encode) = (self.sending.answer.codec, self.encode);
        let sent = send_all(&mut self.sending.accept(), stream, codec, encode, |item| item).await;
        match sent {
            Sent::Failed(status) => of_handler(status.into_status()),
            Sent::All => Ok(Payload::new()),
            Sent::Unsendable(status) => Err(Failure::Status(status)),
            Sent::Stopped => unread(),
        }
    }

    /// Ends the call with a status of the handler's, before any item.
    pub fn end(&self, status: impl HandlerStatus) -> Outcome {
        of_handler(status.into_status())
    }

    /// Ends the call with the trait's own error, before any item.
    pub fn fail(&self, error: E) -> Outcome {
        Err(self.failure(error))
    }

    fn outcome(&self, sent: Sent<E>) -> Outcome {
        match sent {
            Sent::All => Ok(Payload::new()),
            Sent::Failed(error) => Err(self.failure(error)),
            Sent::Unsendable(status) => Err(Failure::Status(status)),
            Sent::Stopped => unread(),
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "the error ends here")]
    fn failure(&self, error: E) -> Failure {
        let Some(encode) = self.encode_error else {
            let message = format!("{} has no error of its own", self.sending.answer.method.path);
            return Failure::Status(Status::new(Code::Internal, message));
        };
        self.sending.answer.failure(&error, encode)
    }
}

impl Sending {
    /// Tells the caller that the items come: the method has given its stream.
    fn accept(&self) -> ItemSender {
        let leading = self.context.as_ref().and_then(Context::take_leading);
        let origin = Arc::clone(&self.origin);
        ItemSender::accepted(origin as _, self.id, self.answer.codec, leading.as_ref())
    }
}

/// The end of a stream that was stopped: the call is over, and nobody reads this.
pub(super) fn unread() -> Outcome {
    Err(Failure::Status(Status::new(Code::Cancelled, "nobody reads the stream any more")))
}

impl<T, E> fmt::Debug for ItemSink<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemSink")
            .field("method", &self.sending.answer.method.path)
            .finish_non_exhaustive()
    }
}
