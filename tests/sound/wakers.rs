//! Wakers of executors that do with them what they like: one may own a task, and with it other calls of the same
//! connection, which end when it is dropped.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use futures_util::Stream as _;
use rpc_core::Limits;

use crate::yard::{Ground, YardClient, in_memory};

/// A waker that owns something.
struct Owner<T>(#[allow(dead_code, reason = "it is dropped")] Mutex<Option<T>>);

impl<T: Send + 'static> Wake for Owner<T> {
    fn wake(self: Arc<Self>) {}
}

fn owner<T: Send + 'static>(owned: T) -> Waker {
    Waker::from(Arc::new(Owner(Mutex::new(Some(owned)))))
}

/// Runs `scenario` on a thread with a runtime of its own; one that waits for itself is left behind.
#[track_caller]
fn on_a_thread<F>(scenario: impl FnOnce(YardClient, Ground) -> F + Send + 'static)
where
    F: Future<Output = ()>,
{
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, ground, _guests) = in_memory(Limits::default());
            client.channel().ready().await.unwrap();
            scenario(client, ground).await;
        });
        done.send(()).unwrap();
    });
    is_done.recv_timeout(Duration::from_secs(20)).expect("a thread waits for itself");
}

/// A call that was sent, whose end is a cancel.
async fn open_call(client: &YardClient) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    let call = client.wait();
    let mut call: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async {
        let _ = call.await;
    });
    let poll = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll.is_pending());
    client.add(1, 2).await.unwrap();
    call
}

fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// The waker that a later poll replaces was dropped under the connection's lock.
#[test]
fn a_waker_that_owns_another_call_is_replaced() {
    on_a_thread(async |client, ground| {
        let mut call = pin!(client.wait());
        let waker = owner(open_call(&client).await);
        assert!(poll(call.as_mut(), &waker).is_pending());
        drop(waker);
        assert!(poll(call.as_mut(), Waker::noop()).is_pending());
        ground.live.until(1).await;
    });
}

/// The waker of a call that is given up was dropped under the connection's lock.
#[test]
fn a_call_is_dropped_whose_waker_owns_another_call() {
    on_a_thread(async |client, ground| {
        let mut call = Box::pin(client.wait());
        let waker = owner(open_call(&client).await);
        assert!(poll(call.as_mut(), &waker).is_pending());
        drop(waker);
        drop(call);
        client.add(1, 2).await.unwrap();
        ground.live.until(0).await;
    });
}

/// The same for those who wait for items.
#[test]
fn a_stream_whose_waker_owns_another_call_is_read_and_dropped() {
    on_a_thread(async |client, ground| {
        for reads_on in [true, false] {
            let mut stream = Box::pin(client.quiet().await.unwrap());
            let waker = owner(open_call(&client).await);
            assert!(stream.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            if reads_on {
                let mut cx = Context::from_waker(Waker::noop());
                assert!(stream.as_mut().poll_next(&mut cx).is_pending());
            }
            drop(stream);
            client.add(1, 2).await.unwrap();
            ground.live.until(0).await;
        }
    });
}

/// The control: it was right for those who wait for a ping's answer.
#[test]
fn a_ping_whose_waker_owns_another_call_is_replaced_and_dropped() {
    on_a_thread(async |client, ground| {
        for polls_on in [true, false] {
            let channel = client.channel().clone();
            let mut ping = Box::pin(async move { channel.ping().await });
            let waker = owner(open_call(&client).await);
            assert!(poll(ping.as_mut(), &waker).is_pending());
            drop(waker);
            if polls_on {
                assert!(poll(ping.as_mut(), Waker::noop()).is_pending());
            }
            drop(ping);
            client.add(1, 2).await.unwrap();
            client.channel().ping().await.unwrap();
            ground.live.until(0).await;
        }
    });
}
