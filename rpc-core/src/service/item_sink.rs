//! Where the items of a handler's stream go: the counterpart of [`crate::Streaming`], which generated code
//! hands to the handlers of streaming methods.

use std::fmt;

use futures_util::Stream;

use crate::{
    call::{Sent, send_all},
    codec::{self, Encode},
    connection::ItemSender,
    proto::{Codec, Payload, Status, connection::Outcome, frame::Failure},
    schema::MethodSchema,
};

/// Sends what the stream of a handler brings, while the caller reads it. The handler's future is then done,
/// with the outcome that ends the call.
pub struct ItemSink<T, E> {
    pub(super) sender: ItemSender,
    pub(super) codec: Codec,
    pub(super) encode: Encode<T>,
    pub(super) encode_error: Option<Encode<E>>,
    pub(super) method: &'static MethodSchema,
}

impl<T, E> ItemSink<T, E> {
    /// Sends all items of `stream`.
    pub async fn send_all(mut self, stream: impl Stream<Item = T> + Send) -> Outcome {
        let (codec, encode) = (self.codec, self.encode);
        let sent = send_all(&mut self.sender, stream, codec, encode, Ok::<T, E>).await;
        self.outcome(sent)
    }

    /// Sends the items of `stream` up to its first error, which ends the call.
    pub async fn send_all_or_fail(
        mut self,
        stream: impl Stream<Item = Result<T, E>> + Send,
    ) -> Outcome {
        let (codec, encode) = (self.codec, self.encode);
        let sent = send_all(&mut self.sender, stream, codec, encode, |item| item).await;
        self.outcome(sent)
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
            // The call is over: nobody reads this.
            Sent::Stopped => Err(Failure::Status(Status::new(
                crate::proto::Code::Cancelled,
                "nobody reads the stream any more",
            ))),
        }
    }

    #[allow(clippy::needless_pass_by_value, reason = "the error ends here")]
    fn failure(&self, error: E) -> Failure {
        let Some(encode) = self.encode_error else {
            let message = format!("{} has no error of its own", self.method.path);
            return Failure::Status(Status::new(crate::proto::Code::Internal, message));
        };
        match codec::to_payload(self.codec, &error, encode) {
            Ok(error) => Failure::Application(error),
            Err(error) => Failure::Status(super::request::unencodable(self.method, &error)),
        }
    }
}

impl<T, E> fmt::Debug for ItemSink<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ItemSink").field("method", &self.method.path).finish_non_exhaustive()
    }
}
