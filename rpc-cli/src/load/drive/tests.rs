//! The closed loop and the window, on a clock that only the tests move.

use std::{
    future::poll_fn,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::Poll,
};

use rpc_core::proto::Payload;

use super::*;
use crate::load::record::{Ended, Failed};

/// A server that takes ten milliseconds for each call, and is gone after so many.
#[derive(Clone)]
struct Steady {
    left: Arc<AtomicUsize>,
}

impl Steady {
    fn callers(number: usize, calls: usize) -> Vec<Self> {
        let left = Arc::new(AtomicUsize::new(calls));
        vec![Self { left }; number]
    }
}

impl Caller for Steady {
    async fn call(&self, _: &Payload) -> Ended {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let less = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(_) => Ok(1),
            Err(_) => Err(Failed { status: "GONE".into(), message: "gone".into(), lost: true }),
        }
    }
}

async fn drive_for<C: Caller>(
    bound: Bound,
    warm_up: Duration,
    callers: Vec<C>,
) -> (Measured, usize) {
    let load = Load {
        connections: 1,
        callers: callers.len(),
        pace: Pace::Closed,
        bound,
        warm_up,
        interval: Duration::from_millis(100),
        grace: Duration::from_secs(1),
        within: Duration::from_millis(100),
    };
    let (cpu, mut seen) = (Meter::new(Err("a test".to_owned())), 0);
    let pool = Pool::of(Payload::new());
    let measured = drive(callers, &load, pool, &cpu, &mut |_| seen += 1).await;
    (measured, seen)
}

#[tokio::test(start_paused = true)]
async fn a_number_of_calls_is_made_exactly() {
    let callers = Steady::callers(4, 1000);
    let (measured, seen) = drive_for(Bound::Count(103), Duration::ZERO, callers).await;
    assert_eq!((measured.total.calls, measured.total.failed()), (103, 0));
    assert!(!measured.lost && !measured.interrupted);
    assert_eq!(seen, measured.samples.len());
    let sampled: u64 = measured.samples.iter().map(|sample| sample.calls).sum();
    assert_eq!(sampled, 103);
}

#[tokio::test(start_paused = true)]
async fn only_calls_that_end_within_the_window_count() {
    let callers = Steady::callers(2, 10_000);
    let bound = Bound::Time(Duration::from_millis(400));
    let (measured, _) = drive_for(bound, Duration::from_millis(55), callers).await;
    // Two callers, 10 ms a call; each timer of the test's clock may be a millisecond late.
    assert!((70..=80).contains(&measured.total.calls), "{}", measured.total.calls);
    assert_eq!(measured.samples.len(), 4);
    assert!(measured.total.micros(0.5) >= 10_000.0);
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_the_way_to_the_server_is_gone() {
    let callers = Steady::callers(3, 30);
    let bound = Bound::Time(Duration::from_secs(3600));
    let (measured, _) = drive_for(bound, Duration::ZERO, callers).await;
    assert!(measured.lost);
    assert_eq!((measured.total.calls, measured.total.errors["GONE"].count), (30, 3));
    assert!(measured.elapsed < Duration::from_secs(1));
}

/// A server that is gone after two seconds, in which nobody else had a turn.
#[derive(Clone)]
struct Gone;

impl Caller for Gone {
    async fn call(&self, _: &Payload) -> Ended {
        let mut later = pin!(tokio::time::advance(Duration::from_secs(2)));
        let _ = poll_fn(|cx| Poll::Ready(later.as_mut().poll(cx))).await;
        Err(Failed { status: "GONE".into(), message: "gone".into(), lost: true })
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_counts_by_when_it_ends_and_not_by_when_the_window_was_seen_to_open() {
    let hour = Bound::Time(Duration::from_secs(3600));
    let (measured, _) = drive_for(hour, Duration::from_secs(1), vec![Gone]).await;
    assert!(measured.lost);
    assert_eq!(measured.total.errors["GONE"].count, 1);
    let (measured, _) = drive_for(hour, Duration::from_secs(3), vec![Gone]).await;
    assert!(measured.lost && measured.total.errors.is_empty());
}
