//! A future that is left alone until it was woken.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// A future that seldom resolves, within a task that is polled often: it is polled when it was woken itself, and costs
/// little otherwise.
pub(crate) struct Quiet<F> {
    future: F,
    alarm: Arc<Alarm>,
    /// Rings the alarm.
    waker: Waker,
}

struct Alarm {
    rings: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.rings.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl<F> Quiet<F> {
    pub(crate) fn new(future: F) -> Self {
        let alarm = Arc::new(Alarm { rings: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { future, waker: Waker::from(Arc::clone(&alarm)), alarm }
    }
}

impl<F: Future + Unpin> Future for Quiet<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        // First, so that an alarm which rings from now on reaches this task.
        this.alarm.task.register(cx.waker());
        // It is taken back before the poll, within which it may ring again.
        if !this.alarm.rings.load(Ordering::Relaxed)
            || !this.alarm.rings.swap(false, Ordering::AcqRel)
        {
            return Poll::Pending;
        }
        Pin::new(&mut this.future).poll(&mut Context::from_waker(&this.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn it_is_polled_when_it_was_woken_and_not_otherwise() {
        let (tell, mut told) = oneshot::channel::<()>();
        let mut polls = 0;
        let mut quiet = Quiet::new(std::future::poll_fn(|cx| {
            polls += 1;
            Pin::new(&mut told).poll(cx)
        }));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(Pin::new(&mut quiet).poll(&mut cx).is_pending());
        }
        tell.send(()).unwrap();
        assert!(Pin::new(&mut quiet).poll(&mut cx).is_ready());
        assert_eq!(polls, 2);
    }

    #[tokio::test]
    async fn it_wakes_the_task_that_waits_for_it() {
        let (tell, told) = oneshot::channel::<()>();
        let waits = tokio::spawn(Quiet::new(told));
        tokio::task::yield_now().await;
        tell.send(()).unwrap();
        assert_eq!(waits.await.unwrap(), Ok(()));
    }
}
