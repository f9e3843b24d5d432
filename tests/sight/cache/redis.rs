//! Answers in a real Redis: shared by servers, forgotten by all of them, and done without where it is gone.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use rpc_core::{
    Endpoint, Overload, Principal, StaticTokens,
    layer::{Cache, CacheBuilder, Keep, Redis},
};
use tokio::net::TcpListener;
use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::NoSubscriber,
};

use super::{
    redis_server::RedisServer,
    shelf::{MINUTE, Missing, ShelfClient, Stock, plan, shared},
};

/// The longest that any of this takes.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), work).await.unwrap()
}

fn caching(redis: Redis) -> CacheBuilder {
    plan().method("Shelf.get", shared()).write("Shelf.put", ["Shelf.get"]).redis(redis)
}

/// A server with a cache of its own.
fn server(stock: &Stock, redis: Redis) -> (ShelfClient, Cache) {
    let cache = caching(redis).build().unwrap();
    (ShelfClient::in_memory(stock.server().layer(cache.clone())), cache)
}

#[tokio::test]
async fn servers_share_answers_and_forget_them_together() {
    let Some(redis) = RedisServer::start().await else { return };
    let stock = Stock::default();
    let (one, cache) = server(&stock, redis.redis());
    let (two, _) = server(&stock, redis.redis());
    for value in 1..50 {
        // The next call anywhere sees it.
        one.put("a", value).await.unwrap();
        assert_eq!((two.get("a").await, one.get("a").await), (Ok(value), Ok(value)));
        two.put("a", 100 + value).await.unwrap();
        assert_eq!((one.get("a").await, two.get("a").await), (Ok(100 + value), Ok(100 + value)));
    }
    assert_eq!(stock.runs(), 98);
    assert_eq!(cache.figures().entries, 0);
    // Those with another prefix are others.
    let (other, _) = server(&stock, redis.redis().prefix("other"));
    other.get("a").await.unwrap();
    assert_eq!(stock.runs(), 99);
}

#[tokio::test]
async fn a_hit_is_one_round_trip() {
    let Some(redis) = RedisServer::start().await else { return };
    let (shelf, _) = server(&Stock::default(), redis.redis());
    shelf.get("a").await.unwrap();
    let counted = async || redis.commands().await.into_iter().collect::<BTreeMap<_, _>>();
    let before = counted().await;
    for _ in 0..100 {
        shelf.get("a").await.unwrap();
    }
    let mut expected = before.clone();
    *expected.get_mut("mget").unwrap() += 100;
    assert_eq!(counted().await, expected);
    // A write is one as well.
    shelf.put("a", 1).await.unwrap();
    expected.insert("mset".to_owned(), 1);
    assert_eq!(counted().await, expected);
}

#[tokio::test]
async fn a_read_that_was_under_way_when_another_server_wrote_is_not_kept() {
    let Some(redis) = RedisServer::start().await else { return };
    let stock = Stock::default();
    let ((one, _), (two, _)) = (server(&stock, redis.redis()), server(&stock, redis.redis()));
    one.put("a", 1).await.unwrap();
    stock.hold();
    let before = tokio::spawn(one.get("a").into_future());
    stock.begun().await;
    two.put("a", 2).await.unwrap();
    let after = tokio::spawn(one.get("a").into_future());
    stock.begun().await;
    stock.release();
    assert_eq!((before.await.unwrap(), after.await.unwrap()), (Ok(1), Ok(2)));
    assert_eq!((one.get("a").await, two.get("a").await), (Ok(2), Ok(2)));
}

#[tokio::test]
async fn nothing_comes_back_when_redis_has_lost_what_it_knew() {
    let Some(redis) = RedisServer::start().await else { return };
    let stock = Stock::default();
    let (shelf, _) = server(&stock, redis.redis());
    for value in 0..20 {
        stock.set("a", value);
        redis.flush().await;
        assert_eq!(shelf.get("a").await, Ok(value));
        assert_eq!(shelf.get("a").await, Ok(value));
        shelf.put("a", value).await.unwrap();
    }
    assert_eq!(stock.runs(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handler_runs_once_for_many_callers_of_one_server() {
    let Some(redis) = RedisServer::start().await else { return };
    let stock = Stock::default();
    let cache = caching(redis.redis()).build().unwrap();
    // Each of them waits for as long as the first one runs: that is not to be taken for overload.
    let served = stock.server().overload(Overload::off()).layer(cache.clone());
    let shelf = ShelfClient::in_memory(served);
    stock.hold();
    let calls: Vec<_> = (0..1000).map(|_| tokio::spawn(shelf.get("a").into_future())).collect();
    stock.begun().await;
    stock.release();
    for value in calls {
        assert_eq!(value.await.unwrap(), Ok(0));
    }
    assert_eq!((stock.runs(), cache.figures().misses), (1, 1));
}

#[tokio::test]
async fn errors_and_what_is_out_of_date_are_kept_there_too() {
    let Some(redis) = RedisServer::start().await else { return };
    let stock = Stock::default();
    let keep = Keep::new(Duration::from_millis(1)).stale(MINUTE).errors(MINUTE);
    let cache = plan()
        .method("Shelf.find", keep)
        .write("Shelf.put", ["Shelf.find"])
        .redis(redis.redis())
        .build()
        .unwrap();
    let shelf = ShelfClient::in_memory(stock.server().layer(cache.clone()));
    for _ in 0..2 {
        let error = shelf.find("a").await.unwrap_err();
        assert_eq!(error.app(), Some(&Missing("a".to_owned())));
    }
    assert_eq!(stock.runs(), 1);
    shelf.put("a", 1).await.unwrap();
    assert_eq!(shelf.find("a").await, Ok(1));
    stock.set("a", 2);
    // Sooner or later the millisecond is over, and then the refreshed answer is there.
    soon(async { while shelf.find("a").await != Ok(2) {} }).await;
    assert!(cache.figures().stale > 0);
    shelf.put("a", 3).await.unwrap();
    assert_eq!(shelf.find("a").await, Ok(3));
}

#[tokio::test]
async fn a_caller_has_answers_of_its_own_there_too() {
    let Some(redis) = RedisServer::start().await else { return };
    let reader = |name: &str| Principal::named(name).grant("shelf:read");
    let tokens = StaticTokens::new()
        .with("ada", reader("ada"))
        .with("ada, who may more", reader("ada").grant("shelf:all"))
        .with("bob", reader("bob"));
    let stock = Stock::default();
    for _ in 0..2 {
        let cache = plan().method("Shelf.mine", MINUTE).redis(redis.redis()).build().unwrap();
        let server = stock.server().authenticate(tokens.clone()).layer(cache);
        let server = server.start("127.0.0.1:0").await.unwrap();
        let channel = Endpoint::new().token("ada").connect(server.address()).await.unwrap();
        let shelf = ShelfClient::new(channel);
        assert_eq!(shelf.mine().await.unwrap(), r#"Named("ada") false"#);
        let more = shelf.mine().token("ada, who may more").await.unwrap();
        assert_eq!(more, r#"Named("ada") true"#);
        assert_eq!(shelf.mine().token("bob").await.unwrap(), r#"Named("bob") false"#);
        server.shutdown().await;
    }
    // The second server knows them all.
    assert_eq!(stock.runs(), 3);
}

#[tokio::test]
async fn channels_of_clients_keep_there_what_is_for_all() {
    let Some(redis) = RedisServer::start().await else { return };
    let stock = Stock::default();
    stock.set("a", 1);
    let cache = plan()
        .method("Shelf.get", shared())
        .method("Shelf.find", MINUTE)
        .redis(redis.redis())
        .build()
        .unwrap();
    for _ in 0..2 {
        let endpoint = Endpoint::new().layer(cache.clone());
        let shelf = ShelfClient::new(endpoint.in_memory(stock.server()));
        for _ in 0..2 {
            assert_eq!((shelf.get("a").await, shelf.find("a").await), (Ok(1), Ok(1)));
        }
    }
    // Once for all, and once for each.
    assert_eq!((stock.runs(), cache.figures().entries), (3, 2));
}

/// The lines of the log about caches.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line<'a>(&'a mut String);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            write!(self.0, "{value:?}").unwrap();
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "rpc_core::cache"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = String::new();
        event.record(&mut Line(&mut line));
        self.0.lock().unwrap().push(line);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn calls_are_made_without_redis_and_with_it_again_when_it_is_back() {
    let Some(redis) = RedisServer::start().await else { return };
    let lines = Lines::default();
    // Where there is one subscriber alone, what another thread meets first is kept from it for good.
    let _other = Dispatch::new(NoSubscriber::new());
    let _logging = tracing::subscriber::set_default(lines.clone());
    let stock = Stock::default();
    let (shelf, cache) = server(&stock, redis.redis());
    shelf.put("a", 1).await.unwrap();
    assert_eq!((shelf.get("a").await, shelf.get("a").await), (Ok(1), Ok(1)));
    assert_eq!((stock.runs(), cache.figures().passed), (1, 0));

    let stopped = redis.stop().await;
    for value in 2..100 {
        shelf.put("a", value).await.unwrap();
        assert_eq!(shelf.get("a").await, Ok(value));
    }
    assert_eq!((stock.runs(), cache.figures().passed), (99, 98));
    // It says so, and not a hundred times.
    let gone = "Redis cannot be used: calls are made without the cache";
    assert_eq!(*lines.0.lock().unwrap(), [gone]);

    let redis = stopped.start().await;
    let hits = cache.figures().hits;
    soon(async {
        while cache.figures().hits == hits {
            assert_eq!(shelf.get("a").await, Ok(99));
        }
    })
    .await;
    assert_eq!(*lines.0.lock().unwrap(), [gone, "Redis can be used again"]);
    // What was written meanwhile was told first.
    let told: BTreeMap<_, _> = redis.commands().await.into_iter().collect();
    assert_eq!(told.get("mset"), Some(&1));
}

#[tokio::test]
async fn a_write_that_redis_was_not_told_of_is_told_before_anything_is_read() {
    let Some(redis) = RedisServer::start().await else { return };
    let stock = Stock::default();
    let ((one, _), (two, cache)) = (server(&stock, redis.redis()), server(&stock, redis.redis()));
    one.put("a", 1).await.unwrap();
    assert_eq!((one.get("a").await, two.get("a").await), (Ok(1), Ok(1)));
    // The connections are cut, and Redis keeps what it has.
    redis.cut().await;
    two.put("a", 2).await.unwrap();
    soon(async {
        let hits = cache.figures().hits;
        while cache.figures().hits == hits {
            assert_eq!(two.get("a").await, Ok(2));
        }
    })
    .await;
    assert_eq!(one.get("a").await, Ok(2));
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_waited_for_no_longer_than_is_said() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("redis://{}", silent.local_addr().unwrap());
    let redis = Redis::at(&address).unwrap().patience(Duration::from_millis(20));
    let stock = Stock::default();
    let (shelf, cache) = server(&stock, redis);
    soon(async {
        for value in 0..100 {
            shelf.put("a", value).await.unwrap();
            assert_eq!(shelf.get("a").await, Ok(value));
        }
    })
    .await;
    assert_eq!((stock.runs(), cache.figures().passed), (100, 100));
}
