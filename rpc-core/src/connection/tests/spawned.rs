//! Handlers of slow methods, which are tasks of their own: they are forgotten when they end, and stopped with
//! their connection.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{turns::*, *};
use crate::connection::{handlers::Handlers as Pending, served::Served};

/// A service whose methods are all known to be slow.
fn slow() -> Arc<Handlers> {
    let handlers = Arc::new(Handlers::default());
    while !handlers.guard.is_slow() {
        handlers.guard.record(Duration::from_secs(1));
    }
    handlers
}

#[tokio::test]
async fn what_is_kept_of_handlers_that_have_ended_is_bounded() {
    let (near, _far) = memory_pair();
    let driver = Driver::new(near, Side::Acceptor, Arc::new(Config::default()), None);
    let (live, guard) = (driver.live(), Arc::new(SlowGuard::default()));
    let mut decoder = proto::Decoder::new(1 << 20);
    let mut feed = |bytes: &[u8]| {
        live.with(|state| {
            state.machine.handle_input(crate::time::now(), &mut decoder, bytes);
            while state.machine.poll_event().is_some() {}
        });
    };
    feed(&greeting());
    let mut pending = Pending::default();
    for id in 0..1000 {
        for id in [id, u32::MAX] {
            feed(&request(id, ECHO));
            let mut slot = HandlerSlot::default();
            slot.run(async { Ok(Payload::new()) });
            let call = Served { id: CallId::new(id), codec: Codec::Bincode, cost: 136 };
            pending.spawn(live, call, slot.take().unwrap(), &guard, None);
        }
        while live.with(|state| state.machine.running_handlers()) > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert!(pending.kept() < 200, "{}", pending.kept());
}

#[tokio::test]
async fn one_way_handlers_end_with_their_connection() {
    let handlers = slow();
    let bench = Bench::new(Side::Acceptor, Config::default(), Some(Arc::clone(&handlers)));
    let Bench { run, mut far, .. } = bench;
    let running = tokio::spawn(run);
    far.write_all(&[greeting(), request(u32::MAX, HANG), request(7, HANG)].concat()).await.unwrap();
    handlers.until_hanging(2).await;
    let _greeting = far.read_u8().await.unwrap();
    drop(far);
    assert_eq!(running.await.unwrap(), ConnectionError::Lost);
    handlers.until_hanging(0).await;
}
