//! A server has ended when none of its handlers runs any more, the spawned ones included.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rpc_core::{Running, Server, service};
use tokio::sync::Notify;

#[service]
trait Mill {
    /// Computes for so long, without a pause.
    async fn grind(&self, ms: u64);
}

#[derive(Clone, Default)]
struct Stones(Arc<State>);

#[derive(Default)]
struct State {
    started: AtomicUsize,
    ended: AtomicUsize,
    changed: Notify,
}

/// A handler that computes, until it is dropped.
struct Grinding<'a>(&'a State);

impl<'a> Grinding<'a> {
    fn new(state: &'a State) -> Self {
        state.started.fetch_add(1, Ordering::SeqCst);
        state.changed.notify_waiters();
        Self(state)
    }
}

impl Drop for Grinding<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}

impl Mill for Stones {
    async fn grind(&self, ms: u64) {
        let _grinding = Grinding::new(&self.0);
        // The work itself: nothing waits for it to be over.
        thread::sleep(Duration::from_millis(ms));
        tokio::task::yield_now().await;
        thread::sleep(Duration::from_millis(ms));
    }
}

impl Stones {
    async fn serve(&self, threads: usize) -> Running {
        let server = Server::new().threads(threads).with(MillServer::new(self.clone()));
        server.start("127.0.0.1:0").await.unwrap()
    }

    /// A client that has made the method known to be slow: its handlers are tasks of their own from then on.
    async fn client(&self, running: &Running) -> MillClient {
        let client = MillClient::connect(running.address()).await.unwrap();
        for _ in 0..WARM_UP {
            client.grind(1).await.unwrap();
        }
        client
    }

    /// Resolves when so many handlers have started since the warm-up.
    async fn until_started(&self, wanted: usize) {
        self.until(|state| state.started.load(Ordering::SeqCst) == WARM_UP + wanted).await;
    }

    async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if holds(&self.0) {
                return;
            }
            changed.await;
        }
    }

    fn running(&self) -> usize {
        let ended = self.0.ended.load(Ordering::SeqCst);
        self.0.started.load(Ordering::SeqCst) - ended
    }
}

/// Calls of a method after which it is known to be slow.
const WARM_UP: usize = 16;

const LONG: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_aborted_server_has_no_handlers_left() {
    for threads in [0, 2] {
        let stones = Stones::default();
        let running = stones.serve(threads).await;
        let client = stones.client(&running).await;
        let call = tokio::spawn(client.grind(LONG));
        stones.until_started(1).await;
        running.shutdown_handle().abort();
        running.wait().await;
        assert_eq!(stones.running(), 0, "threads: {threads}");
        assert!(call.await.unwrap().is_err());
    }
}
