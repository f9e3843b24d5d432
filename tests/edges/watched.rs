//! TCP connections are watched by the system, on both sides: peers that are cut off are found without a call.

use std::{fs, time::Duration};

use rpc_core::Codec;
use tests::{Served, Transport};

/// The timer that the system keeps for each open connection with this port at one end, accepting ends first.
fn timers(port: u16) -> Vec<(bool, String)> {
    let port = format!(":{port:04X}");
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let mut timers: Vec<_> = table
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields[3] == "01")
        .filter(|fields| fields[1].ends_with(&port) || fields[2].ends_with(&port))
        .map(|fields| (fields[2].ends_with(&port), fields[5][..2].to_owned()))
        .collect();
    timers.sort_unstable();
    timers
}

#[tokio::test]
async fn the_system_keeps_a_keep_alive_timer_at_both_ends() {
    const KEEP_ALIVE: &str = "02";
    let served = Served::over(Transport::Tcp, Codec::Bincode).await;
    served.client.channel().ready().await.unwrap();
    let address = served.address().to_string();
    let port = address.rsplit(':').next().unwrap().parse().unwrap();
    let wanted = [(false, KEEP_ALIVE.to_owned()), (true, KEEP_ALIVE.to_owned())];
    let watched = async {
        // A timer of another kind runs until the last bytes are acknowledged.
        while timers(port) != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let watched = tokio::time::timeout(Duration::from_secs(20), watched).await;
    assert!(watched.is_ok(), "{:?}", timers(port));
}
