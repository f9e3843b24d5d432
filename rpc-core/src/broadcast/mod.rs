//! One value to many streams: what a chat or a price feed sends.

pub mod shared;
mod watch;

pub use shared::Shared;
pub use watch::{Watch, Watching};

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, future};
use thiserror::Error;
use tokio::sync::broadcast::{
    Receiver, Sender,
    error::{RecvError, TryRecvError},
};
use tokio_util::sync::ReusableBoxFuture;

use crate::proto::{Code, Status};

/// Sends values to all who have subscribed. Clones send to the same subscribers.
///
/// The last `capacity` values are held once for all; a subscriber that falls further behind loses the
/// oldest and learns how many. It then goes on ([`Subscription::or_notice`]) or is dropped
/// ([`Subscription::until_lag`]), and its reader is told so. Either way it holds up neither the sender nor the
/// others. A connection adds the window of each stream to that.
///
/// ```
/// use rpc_core::{Broadcast, Shared, Status, service};
/// use futures_util::Stream;
///
/// #[service]
/// trait Feed {
///     fn prices(&self) -> impl Stream<Item = Result<Shared<f64>, Status>>;
/// }
///
/// struct Exchange {
///     prices: Broadcast<f64>,
/// }
///
/// impl Feed for Exchange {
///     fn prices(&self) -> impl Stream<Item = Result<Shared<f64>, Status>> {
///         self.prices.subscribe().until_lag()
///     }
/// }
/// # let exchange = Exchange { prices: Broadcast::new(100) };
/// # exchange.prices.send(1.0);
/// ```
pub struct Broadcast<T> {
    sender: Sender<Shared<T>>,
}

/// What a subscriber gets: the values sent since it subscribed.
pub struct Subscription<T> {
    /// The receiver, while nothing waits on it.
    idle: Option<Receiver<Shared<T>>>,
    /// Waits on the receiver; made when there is first nothing to receive.
    waiting: Option<ReusableBoxFuture<'static, Receive<T>>>,
}

type Receive<T> = (Result<Shared<T>, RecvError>, Receiver<Shared<T>>);

/// A subscriber was too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{missed} values were sent too fast for this subscriber")]
#[non_exhaustive]
pub struct Lagged {
    /// How many values it has lost.
    pub missed: u64,
}

/// `DATA_LOSS`: the subscriber fell behind, by so many values.
impl From<Lagged> for Status {
    fn from(Lagged { missed }: Lagged) -> Self {
        Self::new(Code::DataLoss, format!("this subscriber fell behind: {missed} values are lost"))
    }
}

impl<T: Send + Sync + 'static> Broadcast<T> {
    /// A broadcast that holds `capacity` values for those who are slow; at least one, rounded up to a
    /// power of two.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { sender: Sender::new(capacity.clamp(1, usize::MAX / 4)) }
    }

    /// Sends a value; gives the number of subscribers.
    pub fn send(&self, value: impl Into<Shared<T>>) -> usize {
        // An error says that nobody has subscribed.
        self.sender.send(value.into()).unwrap_or(0)
    }

    /// Subscribes to what is sent from here on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription<T> {
        Subscription { idle: Some(self.sender.subscribe()), waiting: None }
    }

    /// How many have subscribed.
    #[must_use]
    pub fn subscribers(&self) -> usize {
        self.sender.receiver_count()
    }
}

impl<T: Send + Sync + 'static> Subscription<T> {
    /// Ends where this subscriber has lost values, with the status that [`Lagged`] is: `DATA_LOSS`, and how many. So
    /// its reader can tell such an end from that of a stream that is whole, and subscribe anew.
    pub fn until_lag(self) -> impl Stream<Item = Result<Shared<T>, Status>> + Send + use<T> {
        self.map_err(Status::from).scan(false, |ended, next| {
            future::ready((!std::mem::replace(ended, next.is_err())).then_some(next))
        })
    }

    /// Goes on where this subscriber has lost values, with a notice of how many in their place.
    pub fn or_notice(
        self,
        notice: impl Fn(Lagged) -> T + Send,
    ) -> impl Stream<Item = Shared<T>> + Send {
        self.map(move |next| next.unwrap_or_else(|lagged| Shared::new(notice(lagged))))
    }
}

impl<T: Send + Sync + 'static> Stream for Subscription<T> {
    type Item = Result<Shared<T>, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(receiver) = &mut self.idle {
            match receiver.try_recv() {
                Ok(value) => return Poll::Ready(Some(Ok(value))),
                Err(TryRecvError::Lagged(missed)) => {
                    return Poll::Ready(Some(Err(Lagged { missed })));
                }
                Err(TryRecvError::Closed) => return Poll::Ready(None),
                Err(TryRecvError::Empty) => {}
            }
        }
        if let Some(receiver) = self.idle.take() {
            match &mut self.waiting {
                Some(waiting) => waiting.set(receive(receiver)),
                None => self.waiting = Some(ReusableBoxFuture::new(receive(receiver))),
            }
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(None) };
        let (received, receiver) = ready!(waiting.poll(cx));
        self.idle = Some(receiver);
        Poll::Ready(match received {
            Ok(value) => Some(Ok(value)),
            Err(RecvError::Lagged(missed)) => Some(Err(Lagged { missed })),
            Err(RecvError::Closed) => None,
        })
    }
}

impl<T> Clone for Broadcast<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for Broadcast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broadcast")
            .field("subscribers", &self.sender.receiver_count())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

async fn receive<T>(mut receiver: Receiver<Shared<T>>) -> Receive<T> {
    (receiver.recv().await, receiver)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    fn now_or_never<S: Stream>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
        stream.poll_next(&mut Context::from_waker(std::task::Waker::noop()))
    }

    #[test]
    fn every_subscriber_gets_what_is_sent_after_it_came() {
        let broadcast = Broadcast::new(4);
        assert_eq!(broadcast.send(1), 0);
        let mut first = pin!(broadcast.subscribe());
        assert!(now_or_never(first.as_mut()).is_pending());
        assert_eq!(broadcast.send(2), 1);
        let mut second = pin!(broadcast.subscribe());
        assert_eq!(broadcast.send(3), 2);
        for expected in [2, 3] {
            assert_eq!(now_or_never(first.as_mut()), Poll::Ready(Some(Ok(Shared::new(expected)))));
        }
        assert_eq!(now_or_never(second.as_mut()), Poll::Ready(Some(Ok(Shared::new(3)))));
        assert!(now_or_never(first.as_mut()).is_pending());
        drop(broadcast);
        assert_eq!(now_or_never(first.as_mut()), Poll::Ready(None));
    }

    #[test]
    fn who_is_slow_is_told_or_dropped() {
        let broadcast = Broadcast::new(2);
        let mut told = pin!(broadcast.subscribe().or_notice(|lagged| -(lagged.missed as i64)));
        let mut dropped = pin!(broadcast.subscribe().until_lag());
        for value in 0..5 {
            broadcast.send(value);
        }
        for expected in [-3, 3, 4] {
            assert_eq!(now_or_never(told.as_mut()), Poll::Ready(Some(Shared::new(expected))));
        }
        let lost = Status::from(Lagged { missed: 3 });
        assert_eq!(lost.to_string(), "DATA_LOSS: this subscriber fell behind: 3 values are lost");
        assert_eq!(now_or_never(dropped.as_mut()), Poll::Ready(Some(Err(lost))));
        assert_eq!(now_or_never(dropped.as_mut()), Poll::Ready(None));
    }
}
