//! Many connections to many servers, which come and go: nothing of them is left.

use std::{collections::BTreeSet, time::Duration};

use rpc_core::{Balance, Endpoint};

use crate::ground::{Told, WorkClient, Yard, soon};

/// `CHANNELS=500` for 10,000 connections. It needs a limit of files above twice that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn channels_keep_up_with_servers_that_come_and_go_and_leave_nothing_behind() {
    let channels = std::env::var("CHANNELS").ok().and_then(|count| count.parse().ok());
    let channels: usize = channels.unwrap_or(20);
    let yard = Yard::plain(100).await;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let files = files();
    let endpoint = Endpoint::new().balance(Balance::new().subset(20));
    let mut all = Vec::new();
    for _ in 0..channels {
        let (told, teller) = Told::new();
        teller.tell((0..90).map(|index| yard.address(index)));
        let channel = soon(endpoint.connect_fleet(told)).await.unwrap();
        all.push((WorkClient::new(channel), teller));
    }
    // Ten of a hundred go, and ten others come.
    for round in 0..10 {
        let present: BTreeSet<_> =
            (0..100).filter(|index| (index + round * 10) % 100 < 90).collect();
        for (client, teller) in &all {
            teller.tell(present.iter().map(|index| yard.address(*index)));
            client.enter(0).await.unwrap();
        }
    }
    for (client, _) in &all {
        for _ in 0..20 {
            client.look(0).await.unwrap();
        }
    }
    soon(async {
        while connections(&yard) != channels * 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    let used = yard.calls().iter().filter(|calls| **calls > 0).count();
    assert!(used > 50, "{used} of 100 servers were called");
    drop(all);
    soon(async {
        let metrics = tokio::runtime::Handle::current().metrics();
        while connections(&yard) != 0 || metrics.num_alive_tasks() > tasks || self::files() > files
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

fn connections(yard: &Yard) -> usize {
    yard.running.iter().flatten().map(rpc_core::Running::connections).sum()
}

/// The files that this process has open, where the system tells.
fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
