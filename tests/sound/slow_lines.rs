//! Lines that are slow and move: nobody takes them for dead.

use std::time::Duration;

use bytes::Bytes;
use rpc_core::{Endpoint, Limits};

use crate::{
    line::Line,
    yard::{YardClient, in_time, yard},
};

/// The ping waited behind what the system had taken of the request, and nothing else told that it moved.
#[tokio::test(start_paused = true)]
async fn a_long_request_over_a_slow_line_arrives() {
    for holds in [64 << 10, 512 << 10, 4 << 20] {
        let (server, _ground, _guests) = yard(Limits::default());
        let line = Line { holds, speed: 50_000 };
        let behind = line.before(server).await;
        let client = YardClient::connect(behind.address).await.unwrap();
        let measured = in_time(client.measure(Bytes::from(vec![7; 4_000_000]))).await;
        assert_eq!(measured, Ok(4_000_000), "over a line that holds {holds} bytes");
    }
}

/// The first sign of progress waited behind all that the line held, for longer than a write may stall.
#[tokio::test(start_paused = true)]
async fn a_small_call_beside_a_long_one_over_a_slow_line_arrives() {
    const LENGTH: usize = 12 << 20;
    let limits = Limits::default().max_message(16 << 20);
    let (server, _ground, _guests) = yard(limits);
    // A megabit a second.
    let line = Line { holds: 4 << 20, speed: 125_000 };
    let behind = line.before(server).await;
    let client =
        YardClient::new(Endpoint::new().limits(limits).connect(behind.address).await.unwrap());
    client.channel().ready().await.unwrap();
    let long = tokio::spawn(client.measure(Bytes::from(vec![7; LENGTH])));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(in_time(client.add(1, 2)).await, Ok(3));
    assert_eq!(in_time(long).await.unwrap(), Ok(LENGTH as u64));
}
