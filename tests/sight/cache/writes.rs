//! What a write touches is forgotten before its caller learns of it, and by reads that are under way too.

use std::time::Duration;

use rpc_core::layer::{CacheError, Keep};

use super::shelf::{MINUTE, ShelfClient, Stock, all_wait, cache, plan, shared};

#[tokio::test]
async fn the_next_call_after_the_reply_of_a_write_sees_it() {
    let (stock, cache) = (Stock::default(), cache());
    let shelf = ShelfClient::in_memory(stock.server().layer(cache.clone()));
    for value in 1..100 {
        shelf.put("a", value).await.unwrap();
        assert_eq!(shelf.get("a").await, Ok(value));
        assert_eq!(shelf.get("a").await, Ok(value));
    }
    assert_eq!(stock.runs(), 99);
    // One that fails may have done something all the same.
    shelf.put_and_fail("a", 100).await.unwrap_err();
    assert_eq!(shelf.get("a").await, Ok(100));
    assert_eq!(cache.figures().forgotten, 100);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_was_under_way_when_a_write_ended_is_not_kept() {
    let (stock, cache) = (Stock::default(), cache());
    let shelf = ShelfClient::in_memory(stock.server().layer(cache));
    shelf.put("a", 1).await.unwrap();
    stock.hold();
    let before = tokio::spawn(shelf.get("a").into_future());
    stock.begun().await;
    shelf.put("a", 2).await.unwrap();
    // It does not wait for the one that began before the write either.
    let after = tokio::spawn(shelf.get("a").into_future());
    stock.begun().await;
    stock.release();
    assert_eq!(before.await.unwrap(), Ok(1));
    assert_eq!(after.await.unwrap(), Ok(2));
    assert_eq!(shelf.get("a").await, Ok(2));
    assert_eq!(stock.runs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_given_up_is_one() {
    let (stock, cache) = (Stock::default(), cache());
    let shelf = ShelfClient::in_memory(stock.server().layer(cache));
    assert_eq!(shelf.get("a").await, Ok(0));
    stock.begun().await;
    let write = tokio::spawn(shelf.put_slowly("a", 1).into_future());
    assert_eq!(stock.begun().await, "put");
    assert_eq!(shelf.get("a").await, Ok(0));
    write.abort();
    all_wait().await;
    assert_eq!(shelf.get("a").await, Ok(1));
}

#[tokio::test]
async fn a_tag_stands_for_several_methods() {
    let stock = Stock::default();
    let cache = plan()
        .method("Shelf.get", shared().tag("values"))
        .method("Shelf.find", Keep::new(MINUTE).tag("values").tag("more"))
        .method("Shelf.blob", MINUTE)
        .write("Shelf.put", ["values"])
        .build()
        .unwrap();
    let shelf = ShelfClient::in_memory(stock.server().layer(cache.clone()));
    let all = async || {
        shelf.get("a").await.unwrap();
        drop(shelf.find("a").await);
        shelf.blob(1, 1).await.unwrap();
    };
    shelf.put("a", 1).await.unwrap();
    all().await;
    all().await;
    assert_eq!(stock.runs(), 3);
    shelf.put("a", 2).await.unwrap();
    all().await;
    assert_eq!(stock.runs(), 5);
    // By the program itself, for what changes otherwise.
    cache.forget("more").await.unwrap();
    all().await;
    assert_eq!(stock.runs(), 6);
    cache.forget("Shelf.blob").await.unwrap();
    all().await;
    assert_eq!(stock.runs(), 7);
    let error = cache.forget("Shelf.put").await.unwrap_err();
    assert!(matches!(error, CacheError::UnknownName(..)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_a_write_touched_is_not_given_as_out_of_date_either() {
    let stock = Stock::default();
    let cache = plan()
        .method("Shelf.get", Keep::new(Duration::from_secs(1)).stale(MINUTE))
        .write("Shelf.put", ["Shelf.get"])
        .build()
        .unwrap();
    let shelf = ShelfClient::in_memory(stock.server().layer(cache.clone()));
    assert_eq!(shelf.get("a").await, Ok(0));
    tokio::time::advance(Duration::from_secs(2)).await;
    shelf.put("a", 1).await.unwrap();
    assert_eq!(shelf.get("a").await, Ok(1));
    assert_eq!(cache.figures().stale, 0);
}
