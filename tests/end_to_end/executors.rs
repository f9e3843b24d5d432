//! Calls that are awaited outside of tokio: the connection's own runtime does what they need one for.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use futures_util::stream;
use rpc_core::{Codec, Limits};
use tests::Transport;

use crate::relay::Relayed;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The simplest executor that there is.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_with_and_without_streams_need_no_runtime_around_them() {
    let relayed = Relayed::over(Transport::Tcp, Codec::Bincode, Limits::default()).await;
    let client = relayed.client.clone();
    let outside = thread::spawn(move || {
        block_on(async {
            client.append(1).await.unwrap();
            let sum = client.sum(stream::iter(1..=1000)).await;
            let mut count = client.count(3).await.unwrap();
            let mut counted = 0;
            while let Some(number) = count.next().await {
                counted += number.unwrap();
            }
            (sum, counted)
        })
    });
    // A thread that panics says so here.
    let outside = tokio::task::spawn_blocking(|| outside.join()).await.unwrap().unwrap();
    assert_eq!(outside, (Ok(500_500), 3));
}
