//! What many calls at once cost: how often the transport is written to, and handlers are polled.

use std::{future::Future as _, io, pin::pin, task::Context};

use tokio::task::JoinSet;

use super::*;
use crate::transport::{WriteHalf, Written};

/// Calls in flight, rounds of calls, and how many calls one write is to carry at least.
const IN_FLIGHT: usize = 64;
const ROUNDS: usize = 50;
const CALLS_A_WRITE: usize = 48;

/// A writing half that counts.
struct Counting(Box<dyn WriteHalf>, Arc<AtomicUsize>);

impl WriteHalf for Counting {
    fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<Written> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.try_write(slices)
    }

    fn poll_write(
        &self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<Written>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.poll_write(cx, slices)
    }

    fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}

fn counting(link: Link) -> (Link, Arc<AtomicUsize>) {
    let writes = Arc::default();
    let write = Box::new(Counting(link.write, Arc::clone(&writes)));
    (Link { write, ..link }, writes)
}

async fn call_at_once(connection: &Arc<Connection>, method: u64, callers: usize, rounds: usize) {
    let mut calls = JoinSet::new();
    for _ in 0..callers {
        let connection = connection.clone();
        calls.spawn(async move {
            for _ in 0..rounds {
                call(&connection, method, b"", None).await.unwrap();
            }
        });
    }
    calls.join_all().await;
}

#[tokio::test]
async fn callers_that_get_their_replies_together_call_again_in_one_write() {
    let (near, far) = memory_pair();
    let ((near, requests), (far, replies)) = (counting(near), counting(far));
    let (connection, _handlers) = connect_over(near, far);
    connection.ready().await.unwrap();
    call_at_once(&connection, ECHO, IN_FLIGHT, ROUNDS).await;
    let most = IN_FLIGHT * ROUNDS / CALLS_A_WRITE;
    for writes in [requests, replies] {
        let writes = writes.load(Ordering::Relaxed);
        assert!(writes <= most, "{writes} writes for {ROUNDS} rounds of {IN_FLIGHT} calls");
    }
}

/// Calls that sleep at once: more than tokio lets a task poll before others have their turn.
const SLEEPERS: usize = 200;

#[tokio::test(start_paused = true)]
async fn handlers_that_sleep_are_polled_when_they_can_go_on() {
    let (connection, handlers) = connect();
    call_at_once(&connection, SLEEP, SLEEPERS, 1).await;
    let polls = handlers.polls.load(Ordering::Relaxed);
    // One where it starts, one that leaves the waker of its place, one when its time has come.
    assert!(polls <= 3 * SLEEPERS, "{polls} polls of {SLEEPERS} handlers");
}

#[tokio::test]
async fn a_handler_that_can_always_go_on_lets_other_calls_have_their_turn() {
    let (connection, _handlers) = connect();
    let busy = call(&connection, BUSY, b"", None);
    tokio::select! {
        biased;
        _ = busy => unreachable!("it does not end"),
        echoed = call(&connection, ECHO, b"other", None) => assert_eq!(&*echoed.unwrap(), b"other"),
    }
}

/// The handler of [`SLEEP`].
pub(super) async fn counted_sleep(polls: Arc<AtomicUsize>) -> Outcome {
    let mut sleep = pin!(tokio::time::sleep(Duration::from_secs(1)));
    std::future::poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        sleep.as_mut().poll(cx)
    })
    .await;
    Ok(Payload::new())
}
