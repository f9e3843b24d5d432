//! Answers in memory: what they are found by, how long, and within how many bytes.

use std::time::Duration;

use rpc_core::{Codec, Endpoint, Http};
use tests::http::{Client, JSON};

use super::shelf::{MINUTE, Missing, ShelfClient, Stock, cache, plan};

#[tokio::test]
async fn a_known_answer_is_given_without_its_handler() {
    let (stock, cache) = (Stock::default(), cache());
    stock.set("a", 1);
    let shelf = ShelfClient::in_memory(stock.server().layer(cache.clone()));
    for _ in 0..3 {
        assert_eq!(shelf.get("a").await, Ok(1));
    }
    assert_eq!(stock.runs(), 1);
    // Other arguments, other methods.
    assert_eq!(shelf.get("b").await, Ok(0));
    assert_eq!(shelf.find("a").await, Ok(1));
    assert_eq!(shelf.find("a").await, Ok(1));
    assert_eq!(stock.runs(), 4);
    let figures = cache.figures();
    assert_eq!((figures.hits, figures.misses, figures.entries), (2, 2, 2));
    assert_eq!(figures.hit_rate(), Some(0.5));
}

#[tokio::test]
async fn codecs_have_answers_of_their_own() {
    let (stock, cache) = (Stock::default(), cache());
    stock.set("a", 1);
    let server = stock.server().layer(cache.clone()).http(Http::new());
    let server = server.start("127.0.0.1:0").await.unwrap();
    for codec in [Codec::Bincode, Codec::Json] {
        let channel = Endpoint::new().codec(codec).connect(server.address()).await.unwrap();
        let shelf = ShelfClient::new(channel);
        assert_eq!((shelf.get("a").await, shelf.get("a").await), (Ok(1), Ok(1)));
    }
    assert_eq!(stock.runs(), 2);
    let mut http = Client::connect(&server).await;
    for _ in 0..2 {
        let answer = http.post("/Shelf.get", &[JSON], r#"{"key":"a"}"#).await;
        assert_eq!((answer.status, &*answer.body), (200, "1\n"));
    }
    assert_eq!(stock.runs(), 3);
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_its_time() {
    let (stock, cache) = (Stock::default(), cache());
    let shelf = ShelfClient::in_memory(stock.server().layer(cache));
    shelf.get("a").await.unwrap();
    stock.set("a", 2);
    tokio::time::advance(MINUTE - Duration::from_millis(1)).await;
    assert_eq!(shelf.get("a").await, Ok(0));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(shelf.get("a").await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn the_methods_own_errors_are_kept_if_that_is_said_and_for_a_time_of_their_own() {
    let stock = Stock::default();
    let keep = || rpc_core::layer::Keep::new(MINUTE);
    let cache = plan().method("Shelf.find", keep().errors(Duration::from_secs(5))).build().unwrap();
    let shelf = ShelfClient::in_memory(stock.server().layer(cache));
    let missing = Missing("a".to_owned());
    for _ in 0..3 {
        let error = shelf.find("a").await.unwrap_err();
        assert_eq!(error.app(), Some(&missing));
    }
    assert_eq!(stock.runs(), 1);
    stock.set("a", 1);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(shelf.find("a").await, Ok(1));

    let (stock, cache) = (Stock::default(), plan().method("Shelf.find", keep()).build().unwrap());
    let shelf = ShelfClient::in_memory(stock.server().layer(cache));
    for _ in 0..2 {
        shelf.find("a").await.unwrap_err();
    }
    assert_eq!(stock.runs(), 2);
}

#[tokio::test]
async fn statuses_are_never_kept() {
    let stock = Stock::default();
    let keep = rpc_core::layer::Keep::new(MINUTE).errors(MINUTE);
    let cache = plan().method("Shelf.fail", keep).build().unwrap();
    let shelf = ShelfClient::in_memory(stock.server().layer(cache));
    for code in 1..=16 {
        for _ in 0..2 {
            let status = shelf.fail(code).await.unwrap_err();
            assert_eq!(status.status().unwrap().code().value(), code);
        }
    }
    assert_eq!(stock.runs(), 32);
}

#[tokio::test]
async fn what_is_kept_is_bounded_in_bytes() {
    const BOUND: u64 = 64 << 10;
    let stock = Stock::default();
    let cache = plan().method("Shelf.blob", MINUTE).max_bytes(BOUND).build().unwrap();
    let shelf = ShelfClient::in_memory(stock.server().layer(cache.clone()));
    let mut most = 0;
    for number in 0..200 {
        assert_eq!(shelf.blob(number, 4000).await.unwrap(), [number as u8; 4000]);
        let bytes = cache.figures().bytes;
        assert!(bytes <= BOUND, "{bytes}");
        most = most.max(bytes);
    }
    assert!(most > BOUND / 2, "{most}");
    // What is larger than an eighth of it is not kept, and neither is what has larger arguments.
    for _ in 0..2 {
        shelf.blob(1, BOUND as u32 / 8 + 1).await.unwrap();
    }
    assert_eq!(stock.runs(), 202);
}
