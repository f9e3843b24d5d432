//! Threads that are busy with other things for a while: nothing has been too late that nobody looked for.

use std::{thread, time::Duration};

use rpc_core::{Endpoint, Limits};
use tests::{RawPeer, wire};

use crate::yard::{YardClient, in_memory, in_time, key, yard};

/// Enough for a handshake on a machine that is busy itself.
const TIME: Duration = Duration::from_secs(2);

/// The time for the handshake ran from before the first byte was sent, and was judged before what had come was read.
#[tokio::test]
async fn a_runtime_that_was_busy_does_not_time_out_its_handshake() {
    let (server, _ground, _guests) = yard(Limits::default());
    let running = server.threads(1).start("127.0.0.1:0").await.unwrap();
    let channel = Endpoint::new().handshake_timeout(TIME).connect(running.address()).await.unwrap();
    // Stands for work: the thread is not given up.
    thread::sleep(TIME + TIME / 2);
    assert_eq!(YardClient::new(channel).add(1, 2).await, Ok(3));
}

/// The same on a clock that has moved on before either side could begin.
#[tokio::test(start_paused = true)]
async fn a_clock_that_jumped_does_not_time_out_the_handshake() {
    let (client, _ground, _guests) = in_memory(Limits::default());
    tokio::time::advance(Duration::from_secs(60)).await;
    assert_eq!(in_time(client.add(1, 2)).await, Ok(3));
}

/// A hello that had arrived in time was looked at after the time was over, and in vain.
#[tokio::test]
async fn a_server_that_was_busy_reads_the_hello_that_has_come() {
    let (server, ground, _guests) = yard(Limits::default());
    let running = server.handshake_timeout(TIME).start("127.0.0.1:0").await.unwrap();
    let (start, rest) = {
        let mut greeting = RawPeer::greeting();
        let rest = greeting.split_off(5);
        (greeting, rest)
    };
    let mut peer = RawPeer::connect(running.address()).await.unwrap();
    peer.send(&start).await.unwrap();
    // Its driver has begun when another connection, accepted later, is served.
    let other = YardClient::connect(running.address()).await.unwrap();
    other.add(1, 2).await.unwrap();
    peer.send(&[rest, wire::oneway(key("dawdle"), &[])].concat()).await.unwrap();
    thread::sleep(TIME + TIME / 2);
    let begun = ground.begun.until(1);
    tokio::time::timeout(Duration::from_secs(20), begun).await.expect("its call runs");
}
