//! Methods that run once: through cuts, beside each other, after the loss of their connection, and never on a server that
//! does not remember.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rpc_core::{
    CallError, Code, Context, Credentials, Endpoint, OnceLimits, Principal, Reconnect, Retry,
    Server, Status, service,
};
use tests::{Cutter, Fault, Seed};
use tokio::sync::Semaphore;

use crate::ground::{Place, kill, soon};

#[service]
trait Till {
    #[rpc(once)]
    async fn pay(&self, cents: u64, cx: &Context) -> Result<u64, Status>;
}

/// Counts how often each amount was paid; lets a payment pass when it is told to.
#[derive(Clone)]
struct Drawer {
    paid: Arc<Mutex<HashMap<u64, u32>>>,
    sum: Arc<AtomicU64>,
    began: Arc<Semaphore>,
    passes: Arc<Semaphore>,
}

impl Drawer {
    fn open() -> Self {
        Self::with(Semaphore::MAX_PERMITS)
    }

    fn with(passes: usize) -> Self {
        let (began, passes) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(passes)));
        Self { paid: Arc::default(), sum: Arc::default(), began, passes }
    }

    fn payments(&self) -> u32 {
        self.paid.lock().unwrap().values().sum()
    }
}

impl Till for Drawer {
    async fn pay(&self, cents: u64, _cx: &Context) -> Result<u64, Status> {
        self.began.add_permits(1);
        self.passes.acquire().await.unwrap().forget();
        *self.paid.lock().unwrap().entry(cents).or_default() += 1;
        match cents {
            0 => Err(Status::new(Code::Unavailable, "nothing is paid")),
            cents => Ok(self.sum.fetch_add(cents, Ordering::SeqCst) + cents),
        }
    }
}

fn server(drawer: &Drawer) -> Server {
    Server::new().with(TillServer::new(drawer.clone()))
}

fn status<T: std::fmt::Debug>(result: Result<T, CallError>) -> Status {
    result.unwrap_err().status().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn the_same_key_gets_the_same_answer_and_another_key_or_none_runs_again() {
    let drawer = Drawer::open();
    let till = TillClient::in_memory(server(&drawer));
    for _ in 0..3 {
        assert_eq!(till.pay(5).idempotency_key("order 1").await, Ok(5));
    }
    assert_eq!(till.pay(5).idempotency_key("order 2").await, Ok(10));
    assert_eq!((till.pay(5).await, till.pay(5).await), (Ok(15), Ok(20)));
    // A failure of the handler is an answer as well.
    for _ in 0..2 {
        let refused = status(till.pay(0).idempotency_key("order 3").await);
        assert_eq!((refused.message(), refused.may_have_run()), ("nothing is paid", true));
    }
    assert_eq!(drawer.payments(), 5);
    let other = status(till.pay(6).idempotency_key("order 1").await);
    assert_eq!((other.code(), other.may_have_run()), (Code::InvalidArgument, false));
    let long = status(till.pay(6).idempotency_key([7; 65]).await);
    assert_eq!((long.code(), long.may_have_run()), (Code::InvalidArgument, false));
}

#[tokio::test(start_paused = true)]
async fn the_second_waits_while_the_first_runs() {
    let drawer = Drawer::with(0);
    let till = TillClient::in_memory(server(&drawer));
    let calls: Vec<_> =
        (0..3).map(|_| tokio::spawn(till.pay(5).idempotency_key("order 1"))).collect();
    soon(drawer.began.acquire()).await.unwrap().forget();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(drawer.began.available_permits(), 0, "nobody else has begun");
    // Whoever gives up leaves the others waiting, even if it was the first.
    calls[0].abort();
    drawer.passes.add_permits(5);
    for call in calls.into_iter().skip(1) {
        assert_eq!(soon(call).await.unwrap(), Ok(5));
    }
    assert_eq!(drawer.payments(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_outlives_its_connection_and_is_answered_on_the_next() {
    let (place, drawer) = (Place::with_wires(), Drawer::with(0));
    let running = place.serve_by(server(&drawer));
    let till = place.connect(Endpoint::new(), TillClient::new).await;
    till.channel().ready().await.unwrap();
    // The server goes on; the line does not.
    let call = tokio::spawn(till.pay(5));
    soon(drawer.began.acquire()).await.unwrap().forget();
    place.cut();
    soon(async {
        while place.attempts() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    drawer.passes.add_permits(5);
    assert_eq!(soon(call).await.unwrap(), Ok(5));
    assert_eq!(drawer.payments(), 1);
    drop(till);
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_remember_is_not_asked() {
    let (place, drawer) = (Place::default(), Drawer::with(0));
    let running = place.serve_by(server(&drawer));
    let till = place.connect(Endpoint::new(), TillClient::new).await;
    till.channel().ready().await.unwrap();
    let call = tokio::spawn(till.pay(5));
    soon(drawer.began.acquire()).await.unwrap().forget();
    kill(running).await;
    let other = Drawer::open();
    let _running = place.serve_by(server(&other));
    let lost = status(soon(call).await.unwrap());
    assert_eq!((lost.code(), lost.may_have_run()), (Code::Unavailable, true));
    assert!(lost.message().contains("does not remember"), "{lost}");
    assert_eq!(other.payments(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_caller_has_keys_of_its_own() {
    let drawer = Drawer::open();
    let server = server(&drawer).authenticate(async |credentials: Credentials| {
        let token = credentials.token.as_ref().and_then(|token| token.as_str()).unwrap_or("nobody");
        Ok(Principal::named(token))
    });
    let place = Place::default();
    let _running = place.serve_by(server);
    for (token, sum) in [("ada", 5), ("bob", 10), ("ada", 5)] {
        let till = place.connect(Endpoint::new().token(token), TillClient::new).await;
        assert_eq!(soon(till.pay(5).idempotency_key("order 1")).await, Ok(sum));
        // A token of the call says who calls as well.
        assert_eq!(soon(till.pay(5).idempotency_key("order 1").token("ada")).await, Ok(5));
    }
    assert_eq!(drawer.payments(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_full_memory_refuses_before_it_runs() {
    let drawer = Drawer::open();
    let limits = OnceLimits::new().max_entries(4);
    let till = TillClient::in_memory(server(&drawer).once(limits));
    assert_eq!((till.pay(1).await, till.pay(1).await), (Ok(1), Ok(2)));
    let full = status(till.pay(1).await);
    assert_eq!((full.code(), full.may_have_run()), (Code::ResourceExhausted, false));
    tokio::time::sleep(full.retry_after().unwrap()).await;
    assert_eq!(till.pay(1).await, Ok(3));
    // A caller who has the time waits for it.
    let began = tokio::time::Instant::now();
    let retry = Retry::new();
    let paid = till.pay(1).retry(retry).timeout(Duration::from_secs(600));
    assert_eq!(soon(paid).await, Ok(4));
    assert!(began.elapsed() < Duration::from_secs(61));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_what_runs_once_though_its_caller_has_gone() {
    let (place, drawer) = (Place::with_wires(), Drawer::with(0));
    let running = place.serve_by(server(&drawer));
    let till = place.connect(Endpoint::new(), TillClient::new).await;
    let call = tokio::spawn(till.pay(5));
    soon(drawer.began.acquire()).await.unwrap().forget();
    call.abort();
    place.cut();
    let ended = tokio::spawn(running.shutdown());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!ended.is_finished());
    drawer.passes.add_permits(1);
    soon(ended).await.unwrap();
    assert_eq!(drawer.payments(), 1);
}

/// Callers go on through cuts at random bytes; each call runs once, and its answer is that of its one run.
async fn pay_through_cuts(calls: u64, callers: u64) {
    let drawer = Drawer::open();
    let running = server(&drawer).start("127.0.0.1:0").await.unwrap();
    let mut seed = Seed(7);
    // The first connection lasts until the hello has come: until then a call may have run without anybody knowing where.
    let plan = move |number: u64| {
        let fault = [Fault::Reset, Fault::Finish][number as usize % 2];
        Some((fault, 1_500 + seed.below(30_000)))
    };
    let address = running.address().to_string();
    let cutter = Arc::new(Cutter::start(&address, Box::new(plan)).await.unwrap());
    let reconnect = Reconnect::new().first_delay(Duration::from_millis(1));
    let retry = Retry::new().attempts(u8::MAX).budget(1000, 1000);
    let endpoint = Endpoint::new().reconnect(reconnect).retry(retry);
    let channel = endpoint.connect(cutter.address()).await.unwrap();
    channel.ready().await.unwrap();
    let till = TillClient::new(channel);
    let paying: Vec<_> = (0..callers)
        .map(|caller| {
            let till = till.clone();
            tokio::spawn(async move {
                for number in (caller..calls).step_by(callers as usize) {
                    till.pay(number + 1).timeout(Duration::from_secs(300)).await.unwrap();
                }
            })
        })
        .collect();
    for caller in paying {
        tokio::time::timeout(Duration::from_secs(300), caller).await.expect("it hangs").unwrap();
    }
    let paid = drawer.paid.lock().unwrap();
    assert_eq!(paid.len() as u64, calls);
    assert!(paid.values().all(|times| *times == 1));
    assert!(cutter.cuts() as u64 > calls / 500, "{} cuts of {calls} calls", cutter.cuts());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_payments_through_cuts_are_made_once_each() {
    pay_through_cuts(5_000, 50).await;
}

/// With `ONCE_CALLS=100000` as many calls as that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_payments_as_asked_for_are_made_once_each() {
    let asked = std::env::var("ONCE_CALLS").ok().and_then(|calls| calls.parse().ok());
    pay_through_cuts(asked.unwrap_or(500), 100).await;
}
