//! The number of allocations of a call when everything is warm, counted per thread: client and server have a
//! thread each, so that their counts do not mix.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

use std::sync::mpsc;

use allocation_counter::measure;
use rpc_core::{
    Server,
    layer::{Metrics, Trace},
    service,
};
use tokio::{runtime::Builder, sync::oneshot};

#[service]
trait Adder {
    async fn add(&self, a: i64, b: i64) -> i64;
}

struct Sum;

impl Adder for Sum {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

const WARM_UP: u32 = 2000;
const COUNTED: u32 = 10_000;

/// A request to the server's thread to count its allocations.
struct Count {
    begun: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
    allocations: mpsc::Sender<u64>,
}

/// Runs a server on a thread of its own; returns its address and the channel for [`Count`]s.
fn serve(layers: fn(Server) -> Server) -> (String, mpsc::Sender<Count>) {
    let (tell, address) = mpsc::channel();
    let (count, counts) = mpsc::channel::<Count>();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = layers(Server::new().with(AdderServer::new(Sum)));
        let running = runtime.block_on(server.start("127.0.0.1:0")).unwrap();
        tell.send(running.address().to_string()).unwrap();
        // Calls are served while the runtime is inside one of these, and only then.
        for Count { begun, ended, allocations } in counts {
            let counted = measure(|| {
                runtime.block_on(async {
                    begun.send(()).unwrap();
                    ended.await.unwrap();
                });
            });
            allocations.send(counted.count_total).unwrap();
        }
    });
    (address.recv().unwrap(), count)
}

async fn calls(client: &AdderClient, in_flight: u32, count: u32) {
    let callers = (0..in_flight).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            for n in 0..i64::from(count / in_flight) {
                assert_eq!(client.add(n, 1).await.unwrap(), n + 1);
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

/// Allocations of a warm call on the client and on the server, with so many calls in flight.
fn allocations(layers: fn(Server) -> Server, in_flight: [u32; 2]) -> [(f64, f64); 2] {
    let (address, count) = serve(layers);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let begin = || {
        let (begun, has_begun) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (allocations, counted) = mpsc::channel();
        count.send(Count { begun, ended, allocations }).unwrap();
        has_begun.blocking_recv().unwrap();
        (end, counted)
    };
    let (end, counted) = begin();
    let client = runtime.block_on(AdderClient::connect(address)).unwrap();
    runtime.block_on(calls(&client, 64, WARM_UP));
    end.send(()).unwrap();
    counted.recv().unwrap();
    in_flight.map(|in_flight| {
        let (end, counted) = begin();
        runtime.block_on(calls(&client, in_flight, WARM_UP));
        let client_count =
            measure(|| runtime.block_on(calls(&client, in_flight, COUNTED))).count_total;
        end.send(()).unwrap();
        let per_call = |count: u64, calls: u32| count as f64 / f64::from(calls);
        (per_call(client_count, COUNTED), per_call(counted.recv().unwrap(), COUNTED + WARM_UP))
    })
}

const IN_FLIGHT: [u32; 2] = [1, 64];

#[test]
fn a_warm_call_allocates_at_most_once_on_the_client_and_twice_on_the_server() {
    let allocated = allocations(|server| server, IN_FLIGHT);
    for ((on_client, on_server), in_flight) in allocated.into_iter().zip(IN_FLIGHT) {
        assert!(
            on_client <= 1.0,
            "{on_client} allocations per call on the client, {in_flight} in flight"
        );
        assert!(
            on_server <= 2.0,
            "{on_server} allocations per call on the server, {in_flight} in flight"
        );
    }
}

#[test]
fn traces_and_metrics_allocate_nothing_on_the_server() {
    let seen = |server: Server| server.layer(Trace::new().to(|_| {})).layer(Metrics::new());
    // A machine that is busy makes polls look slow, whose handlers become tasks of their own: that is none of the layers'.
    let least = (0..5).map(|_| allocations(seen, [16, 64])[1].1).fold(f64::INFINITY, f64::min);
    assert!(least <= 0.1, "{least} allocations per call on the server");
}
