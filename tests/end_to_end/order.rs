//! The guarantee of ordered calls, over random programs: while one of them runs, none behind it starts and all others
//! overtake; each starts when the one before it has ended, whether or not it has a reply, waits, or is cancelled.

use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, FutureExt as _, join_all};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use rpc_core::{Endpoint, Server, service};
use tokio::{
    runtime::{Builder, Handle, Runtime, RuntimeFlavor},
    sync::Semaphore,
};

/// All methods share one order.
#[service(ordered)]
trait Line {
    /// Ends when the gate is opened.
    async fn gate(&self);
    /// Gives way so many times.
    async fn stand(&self, number: usize, yields: u8, padding: Vec<u8>) -> usize;
    /// The same without a reply.
    #[rpc(oneway)]
    async fn slip(&self, number: usize, yields: u8);
    /// Returns the starts and ends up to here.
    async fn last(&self) -> Vec<Happened>;
}

/// No order.
#[service]
trait Crowd {
    async fn pass(&self, number: usize, yields: u8) -> usize;
    async fn open(&self);
    /// Returns the starts and ends in the line so far.
    async fn look(&self) -> Vec<Happened>;
}

#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, rpc_core::Schema)]
enum Happened {
    Started(usize),
    Ended(usize),
}

#[derive(Clone)]
struct Street {
    happened: Arc<Mutex<Vec<Happened>>>,
    gate: Arc<Semaphore>,
}

/// Tells of the end of a handler, also of one that was dropped.
struct Walk<'a>(&'a Street, usize);

impl<'a> Walk<'a> {
    fn start(street: &'a Street, number: usize) -> Self {
        street.happened.lock().unwrap().push(Happened::Started(number));
        Self(street, number)
    }
}

impl Drop for Walk<'_> {
    fn drop(&mut self) {
        self.0.happened.lock().unwrap().push(Happened::Ended(self.1));
    }
}

async fn give_way(times: u8) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

impl Line for Street {
    async fn gate(&self) {
        let _walk = Walk::start(self, 0);
        self.gate.acquire().await.unwrap().forget();
    }

    async fn stand(&self, number: usize, yields: u8, _padding: Vec<u8>) -> usize {
        let _walk = Walk::start(self, number);
        give_way(yields).await;
        number
    }

    async fn slip(&self, number: usize, yields: u8) {
        let _walk = Walk::start(self, number);
        give_way(yields).await;
    }

    async fn last(&self) -> Vec<Happened> {
        self.happened.lock().unwrap().clone()
    }
}

impl Crowd for Street {
    async fn pass(&self, number: usize, yields: u8) -> usize {
        give_way(yields).await;
        number
    }

    async fn open(&self) {
        self.gate.add_permits(1);
    }

    async fn look(&self) -> Vec<Happened> {
        self.happened.lock().unwrap().clone()
    }
}

/// One call of a program.
#[derive(Clone, Copy, Debug)]
enum Step {
    Stand { yields: u8, padding: usize },
    Slip { yields: u8 },
    Pass { yields: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    // Some are longer than a frame, and travel in chunks.
    let padding = prop_oneof![9 => Just(0), 2 => 0_usize..2000, 1 => 60_000_usize..200_000];
    prop_oneof![
        3 => (0_u8..4, padding).prop_map(|(yields, padding)| Step::Stand { yields, padding }),
        2 => (0_u8..4).prop_map(|yields| Step::Slip { yields }),
        3 => (0_u8..4).prop_map(|yields| Step::Pass { yields }),
    ]
}

async fn run(steps: &[Step], over_tcp: bool) {
    let street = Street { happened: Arc::default(), gate: Arc::new(Semaphore::new(0)) };
    let server =
        Server::new().with(LineServer::new(street.clone())).with(CrowdServer::new(street.clone()));
    let (channel, _running) = if over_tcp {
        let running = server.start("127.0.0.1:0").await.unwrap();
        (Endpoint::new().connect(running.address()).await.unwrap(), Some(running))
    } else {
        (Endpoint::new().in_memory(server), None)
    };
    let (line, crowd) = (LineClient::new(channel.clone()), CrowdClient::new(channel));
    let replies = Arc::new(Mutex::new(Vec::new()));
    let mut ordered: Vec<BoxFuture<'_, ()>> = Vec::new();
    let mut free: Vec<BoxFuture<'_, ()>> = Vec::new();
    ordered.push(line.gate().map(Result::unwrap).boxed());
    let mut expected = vec![0];
    for (number, step) in (1..).zip(steps) {
        match *step {
            Step::Stand { yields, padding } => {
                expected.push(number);
                let (call, replies) = (line.stand(number, yields, vec![7; padding]), &replies);
                let replied = call.map(|number| {
                    replies.lock().unwrap().push(number.unwrap());
                });
                ordered.push(replied.boxed());
            }
            Step::Slip { yields } => {
                expected.push(number);
                ordered.push(line.slip(number, yields).map(Result::unwrap).boxed());
            }
            Step::Pass { yields } => {
                let call = crowd.pass(number, yields);
                free.push(call.map(move |passed| assert_eq!(passed, Ok(number))).boxed());
            }
        }
    }
    // All are sent in the order of the program, for that is how they are polled.
    let ordered = tokio::join!(async { join_all(ordered).await.len() }, async {
        join_all(free).await;
        // Those who keep no order have all gone by, while the line stands before the gate.
        let stands = loop {
            let happened = crowd.look().await.unwrap();
            if !happened.is_empty() {
                break happened;
            }
        };
        assert_eq!(stands, [Happened::Started(0)]);
        assert!(replies.lock().unwrap().is_empty());
        crowd.open().await.unwrap();
    });
    assert_eq!(ordered.0, expected.len());
    let one_by_one =
        expected.iter().flat_map(|number| [Happened::Started(*number), Happened::Ended(*number)]);
    assert_eq!(line.last().await.unwrap(), one_by_one.collect::<Vec<_>>());
    // Where replies come while this thread looks from one call to the next, it sees the later ones first.
    let alone = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
    assert!(!alone || replies.lock().unwrap().is_sorted(), "{replies:?}");
}

#[test]
fn ordered_calls_never_overtake_and_all_others_do() {
    never_overtake(&Builder::new_multi_thread().enable_all().build().unwrap());
}

#[test]
fn replies_of_ordered_calls_come_in_order() {
    never_overtake(&Builder::new_current_thread().enable_all().build().unwrap());
}

fn never_overtake(runtime: &Runtime) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) };
    let programs = (vec(step(), 0..60), any::<bool>());
    TestRunner::new(config)
        .run(&programs, |(steps, over_tcp)| {
            runtime.block_on(run(&steps, over_tcp));
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_cancelled_call_gives_its_place_to_the_next() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let street = Street { happened: Arc::default(), gate: Arc::new(Semaphore::new(0)) };
        let server = Server::new()
            .with(LineServer::new(street.clone()))
            .with(CrowdServer::new(street.clone()));
        let channel = Endpoint::new().in_memory(server);
        let (line, crowd) = (LineClient::new(channel.clone()), CrowdClient::new(channel));
        let gate = tokio::spawn(line.gate());
        while crowd.look().await.unwrap().is_empty() {}
        let skipped = tokio::spawn(line.stand(1, 0, Vec::new()));
        let next = tokio::spawn(line.stand(2, 0, Vec::new()));
        crowd.look().await.unwrap();
        skipped.abort();
        gate.abort();
        assert_eq!(next.await.unwrap(), Ok(2));
        let happened = line.last().await.unwrap();
        let of = |number| [Happened::Started(number), Happened::Ended(number)];
        assert!(happened.starts_with(&of(0)) && happened.ends_with(&of(2)), "{happened:?}");
    });
}
