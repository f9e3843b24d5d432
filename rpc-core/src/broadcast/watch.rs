//! The newest of the values that change, to many streams: what is of interest is the present and not how it came
//! about.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::Stream;
use tokio::sync::watch::{Receiver, Sender};
use tokio_util::sync::ReusableBoxFuture;

use super::Shared;

/// A value that changes, and whose newest state is sent to all who watch it. Clones change the same value.
///
/// A stream begins with the present value and goes on with the newest one whenever its reader is ready for more; what
/// was replaced meanwhile is never sent. So no reader falls behind, however slow it is: that is the difference to a
/// [`Broadcast`](super::Broadcast), which sends every value. What is on its way already is not taken back: a client that
/// reads seldom passes over it by [`Streaming::newest`](crate::Streaming::newest).
///
/// ```
/// use futures_util::Stream;
/// use rpc_core::{Shared, Watch, service};
///
/// #[service]
/// trait Exchange {
///     /// The price, now and whenever it changes.
///     fn price(&self) -> impl Stream<Item = Shared<f64>>;
/// }
///
/// struct Market {
///     price: Watch<f64>,
/// }
///
/// impl Exchange for Market {
///     fn price(&self) -> impl Stream<Item = Shared<f64>> {
///         self.price.subscribe()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let price = Watch::new(99.5);
/// let exchange = ExchangeClient::in_memory(ExchangeServer::new(Market { price: price.clone() }));
/// let mut seen = exchange.price().await?;
/// assert_eq!(seen.next().await, Some(Ok(99.5)));
/// price.send(100.0);
/// assert_eq!(seen.next().await, Some(Ok(100.0)));
/// # Ok(()) }
/// ```
pub struct Watch<T> {
    sender: Sender<Shared<T>>,
}

/// The states of a [`Watch`], from the present one on: a stream that ends when the last `Watch` is dropped.
pub struct Watching<T> {
    /// The receiver, while nothing waits on it.
    idle: Option<Receiver<Shared<T>>>,
    /// Waits on the receiver; made when there is first nothing new.
    waiting: Option<ReusableBoxFuture<'static, Changed<T>>>,
}

/// The receiver once there is something new; nothing when there will be none.
type Changed<T> = Option<Receiver<Shared<T>>>;

impl<T: Send + Sync + 'static> Watch<T> {
    /// A value to be watched.
    #[must_use]
    pub fn new(value: impl Into<Shared<T>>) -> Self {
        Self { sender: Sender::new(value.into()) }
    }

    /// Puts a value in the place of the present one; gives the number of those who watch.
    pub fn send(&self, value: impl Into<Shared<T>>) -> usize {
        self.sender.send_replace(value.into());
        self.watchers()
    }

    /// The present value.
    #[must_use]
    pub fn current(&self) -> Shared<T> {
        self.sender.borrow().clone()
    }

    /// The present value and those to come.
    #[must_use]
    pub fn subscribe(&self) -> Watching<T> {
        let mut receiver = self.sender.subscribe();
        receiver.mark_changed();
        Watching { idle: Some(receiver), waiting: None }
    }

    /// How many watch.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.sender.receiver_count()
    }
}

impl<T: Send + Sync + 'static> Stream for Watching<T> {
    type Item = Shared<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Shared<T>>> {
        if let Some(receiver) = &mut self.idle {
            // An error says that no further value comes; the last one may be new all the same.
            if receiver.has_changed().unwrap_or(false) {
                return Poll::Ready(Some(receiver.borrow_and_update().clone()));
            }
        }
        if let Some(receiver) = self.idle.take() {
            match &mut self.waiting {
                Some(waiting) => waiting.set(changed(receiver)),
                None => self.waiting = Some(ReusableBoxFuture::new(changed(receiver))),
            }
        }
        let Some(waiting) = &mut self.waiting else { return Poll::Ready(None) };
        let Some(mut receiver) = ready!(waiting.poll(cx)) else {
            self.waiting = None;
            return Poll::Ready(None);
        };
        let value = receiver.borrow_and_update().clone();
        self.idle = Some(receiver);
        Poll::Ready(Some(value))
    }
}

async fn changed<T>(mut receiver: Receiver<Shared<T>>) -> Changed<T> {
    // It says so of a value that was not seen before it says that none follows.
    receiver.changed().await.ok().map(|()| receiver)
}

impl<T> Clone for Watch<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for Watch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("watchers", &self.sender.receiver_count())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Watching<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watching").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;

    #[test]
    fn a_watcher_sees_the_present_and_then_the_newest() {
        let watch = Watch::new(1);
        assert_eq!((watch.watchers(), *watch.current()), (0, 1));
        let mut quick = pin!(watch.subscribe());
        let mut slow = pin!(watch.subscribe());
        let next = |stream: Pin<&mut Watching<u32>>| {
            let mut stream = stream;
            stream.next().now_or_never().map(|item| item.map(Shared::into_inner))
        };
        assert_eq!(next(quick.as_mut()), Some(Some(1)));
        assert_eq!(next(quick.as_mut()), None);
        assert_eq!(watch.send(2), 2);
        assert_eq!(next(quick.as_mut()), Some(Some(2)));
        watch.clone().send(3);
        watch.send(4);
        assert_eq!(next(quick.as_mut()), Some(Some(4)));
        assert_eq!(next(slow.as_mut()), Some(Some(4)));
        assert_eq!(next(slow.as_mut()), None);
        watch.send(5);
        drop(watch);
        assert_eq!(next(slow.as_mut()), Some(Some(5)));
        for _ in 0..2 {
            assert_eq!(next(slow.as_mut()), Some(None));
        }
    }
}
