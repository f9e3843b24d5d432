//! Calls that are made again though they may have run, or were refused: which, when, how often, how many.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rpc_core::{
    CallError, Code, Context, Credentials, Endpoint, Principal, Refusal, Retry, Server, Status,
    service,
};
use tokio::{sync::Notify, time::Instant};

use crate::ground::{Place, kill, soon};

#[service]
trait Shop {
    #[rpc(idempotent)]
    async fn price(&self, cx: &Context) -> Result<u8, Status>;
    async fn buy(&self, cx: &Context) -> Result<u8, Status>;
    #[rpc(idempotent)]
    async fn hang(&self, cx: &Context) -> u8;
    async fn hang_once(&self, cx: &Context) -> u8;
    async fn plain(&self, cx: &Context) -> u8;
}

type Refusing = Arc<dyn Fn(usize) -> Option<Status> + Send + Sync>;

/// Refuses calls by their number; hangs until it is told to answer.
#[derive(Clone)]
struct Counter {
    calls: Arc<AtomicUsize>,
    hung: Arc<Notify>,
    refuses: Refusing,
    answers: bool,
}

impl Counter {
    fn new(refuses: impl Fn(usize) -> Option<Status> + Send + Sync + 'static) -> Self {
        let (calls, hung) = (Arc::default(), Arc::default());
        Self { calls, hung, refuses: Arc::new(refuses), answers: true }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn answer(&self, cx: &Context) -> Result<u8, Status> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        (self.refuses)(call).map_or_else(|| Ok(cx.attempt()), Err)
    }

    async fn wait(&self, cx: &Context) -> u8 {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.hung.notify_one();
        if !self.answers {
            std::future::pending::<()>().await;
        }
        cx.attempt()
    }
}

impl Shop for Counter {
    async fn price(&self, cx: &Context) -> Result<u8, Status> {
        self.answer(cx)
    }

    async fn buy(&self, cx: &Context) -> Result<u8, Status> {
        self.answer(cx)
    }

    async fn hang(&self, cx: &Context) -> u8 {
        self.wait(cx).await
    }

    async fn hang_once(&self, cx: &Context) -> u8 {
        self.wait(cx).await
    }

    async fn plain(&self, cx: &Context) -> u8 {
        cx.attempt()
    }
}

fn busy(_: usize) -> Option<Status> {
    Some(Status::new(Code::Unavailable, "busy"))
}

fn serve(place: &Place, counter: &Counter) -> rpc_core::Running {
    place.serve_by(Server::new().with(ShopServer::new(counter.clone())))
}

fn status<T: std::fmt::Debug>(result: Result<T, CallError>) -> Status {
    result.unwrap_err().status().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_call_outlives_its_connection_and_its_server() {
    let place = Place::default();
    let (first, second) =
        (Counter { answers: false, ..Counter::new(|_| None) }, Counter::new(|_| None));
    let running = serve(&place, &first);
    let shop = place.connect(Endpoint::new(), ShopClient::new).await;
    let called = [
        tokio::spawn(shop.hang()),
        // What its maker vouches for is made again as well, by name too.
        tokio::spawn(shop.hang_once().idempotent()),
    ];
    let plain = tokio::spawn(shop.hang_once());
    while first.calls() < 3 {
        soon(first.hung.notified()).await;
    }
    kill(running).await;
    let _running = serve(&place, &second);
    for call in called {
        assert_eq!(soon(call).await.unwrap(), Ok(1), "the second attempt was answered");
    }
    let status = status(soon(plain).await.unwrap());
    assert_eq!((status.code(), status.may_have_run()), (Code::Unavailable, true));
    assert_eq!(soon(shop.plain()).await, Ok(0), "the first attempt of another call");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_handler_is_tried_again_where_a_second_run_does_no_harm() {
    let place = Place::default();
    let counter = Counter::new(|call| busy(call).filter(|_| call < 3));
    let _running = serve(&place, &counter);
    let shop = place.connect(Endpoint::new(), ShopClient::new).await;
    let began = Instant::now();
    assert_eq!(soon(shop.price()).await, Ok(3));
    let waited = began.elapsed().as_millis();
    assert!((25 / 2 + 25 + 50..=25 + 50 + 100 + 10).contains(&waited), "{waited} ms");
    // The handler of this one has run, and nobody says what a second run does.
    counter.calls.store(0, Ordering::SeqCst);
    assert_eq!(status(soon(shop.buy()).await).message(), "busy");
    assert_eq!(counter.calls(), 1);
    assert_eq!(soon(shop.buy().idempotent()).await, Ok(2), "two more were refused");
}

#[tokio::test(start_paused = true)]
async fn there_are_five_attempts_at_most() {
    let place = Place::default();
    let counter = Counter::new(busy);
    let _running = serve(&place, &counter);
    let shop = place.connect(Endpoint::new(), ShopClient::new).await;
    assert_eq!(status(soon(shop.price()).await).code(), Code::Unavailable);
    assert_eq!(counter.calls(), 5);
    for (retry, calls) in [(Retry::off(), 1), (Retry::new().attempts(2), 2)] {
        counter.calls.store(0, Ordering::SeqCst);
        soon(shop.price().retry(retry)).await.unwrap_err();
        assert_eq!(counter.calls(), calls);
        counter.calls.store(0, Ordering::SeqCst);
        let shop = place.connect(Endpoint::new().retry(retry), ShopClient::new).await;
        soon(shop.price()).await.unwrap_err();
        assert_eq!(counter.calls(), calls);
    }
}

#[tokio::test(start_paused = true)]
async fn the_server_says_before_when_not_to_come_again() {
    let place = Place::default();
    let refusal = |call| {
        let after = Duration::from_secs(7);
        let full = Status::new(Code::ResourceExhausted, "full").with_retry_after(after);
        Some(full).filter(|_| call == 0)
    };
    let counter = Counter::new(refusal);
    let _running = serve(&place, &counter);
    let shop = place.connect(Endpoint::new(), ShopClient::new).await;
    let began = Instant::now();
    assert_eq!(soon(shop.price()).await, Ok(1));
    assert_eq!(began.elapsed().as_secs(), 7);
    // What would begin after the deadline is not waited for.
    counter.calls.store(0, Ordering::SeqCst);
    let began = Instant::now();
    let refused = status(soon(shop.price().timeout(Duration::from_secs(5))).await);
    assert_eq!((refused.message(), began.elapsed()), ("full", Duration::ZERO));
    assert_eq!(counter.calls(), 1);
    // Without a time, there is no hope that it passes.
    let place = Place::default();
    let counter = Counter::new(|_| Some(Status::new(Code::ResourceExhausted, "full")));
    let _running = serve(&place, &counter);
    let shop = place.connect(Endpoint::new(), ShopClient::new).await;
    soon(shop.price()).await.unwrap_err();
    assert_eq!(counter.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn all_attempts_have_one_deadline() {
    let place = Place::default();
    let counter = Counter::new(busy);
    let _running = serve(&place, &counter);
    let endless = Retry::new().attempts(255).budget(0, 1000);
    let shop = place.connect(Endpoint::new().retry(endless), ShopClient::new).await;
    let began = Instant::now();
    let refused = status(soon(shop.price().timeout(Duration::from_secs(5))).await);
    assert_eq!(refused.message(), "busy", "the answer of the last attempt");
    let waited = began.elapsed();
    assert!(waited > Duration::from_secs(3) && waited <= Duration::from_secs(5), "{waited:?}");
    assert!(counter.calls() > 5, "{}", counter.calls());
}

/// A server that refuses everything gets a fifth more calls, and a hundred and ten a second besides.
#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_everything_gets_a_fifth_more_calls_and_no_storm() {
    let place = Place::default();
    let counter = Counter::new(busy);
    let _running = serve(&place, &counter);
    let shop = place.connect(Endpoint::new(), ShopClient::new).await;
    let (mut calls, began) = (0, Instant::now());
    for _ in 0..100 {
        let together = (0..100).map(|_| shop.price());
        futures_util::future::join_all(together).await;
        calls += 100;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (attempts, most) =
        (counter.calls(), calls * 12 / 10 + 100 + 10 * (began.elapsed().as_secs() as usize + 1));
    assert!(attempts <= most && attempts > calls, "{attempts} attempts of {calls} calls");
}

/// Nothing was started: any method may go again, and does where it may succeed next time.
#[tokio::test(start_paused = true)]
async fn what_a_server_refuses_before_it_starts_is_made_again_whatever_it_is() {
    let place = Place::default();
    let counter = Counter::new(|_| None);
    let asked = Arc::new(AtomicUsize::new(0));
    let judge = {
        let asked = Arc::clone(&asked);
        move |credentials: Credentials| {
            let nth =
                asked.fetch_add(u8::from(credentials.token.is_some()).into(), Ordering::SeqCst);
            async move {
                match credentials.token {
                    Some(_) if nth < 2 => Err(Refusal::unavailable("the register is closed")),
                    _ => Ok(Principal::anonymous()),
                }
            }
        }
    };
    let server = Server::new().authenticate(judge).with(ShopServer::new(counter.clone()));
    let _running = place.serve_by(server);
    let shop = place.connect(Endpoint::new(), ShopClient::new).await;
    assert_eq!(soon(shop.buy().token("ada")).await, Ok(2));
    assert_eq!((counter.calls(), asked.load(Ordering::SeqCst)), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn over_one_connection_calls_are_made_again_where_they_say_so() {
    let counter = Counter::new(|call| busy(call).filter(|_| call % 2 == 0));
    let shop = ShopClient::in_memory(ShopServer::new(counter.clone()));
    assert_eq!(status(soon(shop.price()).await).message(), "busy");
    counter.calls.store(0, Ordering::SeqCst);
    assert_eq!(soon(shop.price().retry(Retry::new())).await, Ok(1));
}
