//! A cache of a client: what its channel was told is kept, and no other channel gets it.

use std::time::Duration;

use rpc_core::{
    Endpoint, Principal, StaticTokens,
    layer::{Cache, Keep, Log},
};

use super::shelf::{MINUTE, Missing, ShelfClient, Stock, all_wait, cache, plan, shared};

#[tokio::test(start_paused = true)]
async fn a_client_does_not_ask_again_for_what_it_knows() {
    let (stock, cache) = (Stock::default(), cache());
    stock.set("a", 1);
    let endpoint = Endpoint::new().layer(Log::new()).layer(cache.clone());
    let shelf = ShelfClient::new(endpoint.in_memory(stock.server()));
    assert_eq!((shelf.get("a").await, shelf.get("a").await), (Ok(1), Ok(1)));
    assert_eq!(stock.runs(), 1);
    shelf.put("a", 2).await.unwrap();
    assert_eq!(shelf.get("a").await, Ok(2));
    tokio::time::advance(MINUTE).await;
    stock.set("a", 3);
    assert_eq!(shelf.get("a").await, Ok(3));
    // Many at once are one call.
    cache.forget("Shelf.get").await.unwrap();
    let calls = (0..100).map(|_| shelf.get("a").into_future());
    let values = futures_util::future::join_all(calls).await;
    assert!(values.into_iter().all(|value| value == Ok(3)));
    assert_eq!(stock.runs(), 4);
}

#[tokio::test]
async fn channels_of_one_endpoint_have_answers_of_their_own() {
    let (one, two, cache) = (Stock::default(), Stock::default(), cache());
    one.set("a", 1);
    two.set("a", 2);
    let endpoint = Endpoint::new().layer(cache);
    let first = ShelfClient::new(endpoint.clone().in_memory(one.server()));
    let second = ShelfClient::new(endpoint.in_memory(two.server()));
    for _ in 0..2 {
        assert_eq!((first.get("a").await, second.get("a").await), (Ok(1), Ok(2)));
    }
    assert_eq!((one.runs(), two.runs()), (1, 1));
}

#[tokio::test]
async fn tokens_of_calls_have_answers_of_their_own() {
    let reader = |name: &str| Principal::named(name).grant("shelf:read");
    let tokens = StaticTokens::new().with("ada", reader("ada")).with("bob", reader("bob"));
    let stock = Stock::default();
    let cache = plan().method("Shelf.mine", MINUTE).build().unwrap();
    let server = stock.server().authenticate(tokens).start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().token("ada").layer(cache);
    let shelf = ShelfClient::new(endpoint.connect(server.address()).await.unwrap());
    for _ in 0..2 {
        assert_eq!(shelf.mine().await.unwrap(), r#"Named("ada") false"#);
        assert_eq!(shelf.mine().token("bob").await.unwrap(), r#"Named("bob") false"#);
    }
    assert_eq!(stock.runs(), 2);
    server.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_refreshes_behind_its_callers() {
    let stock = Stock::default();
    let cache = plan().method("Shelf.get", Keep::new(MINUTE).stale(MINUTE)).build().unwrap();
    let shelf = ShelfClient::new(Endpoint::new().layer(cache).in_memory(stock.server()));
    assert_eq!(shelf.get("a").await, Ok(0));
    stock.set("a", 1);
    tokio::time::advance(MINUTE).await;
    assert_eq!(shelf.get("a").timeout(Duration::from_secs(1)).await, Ok(0));
    all_wait().await;
    assert_eq!(shelf.get("a").await, Ok(1));
    assert_eq!(stock.runs(), 2);
}

fn errors() -> Cache {
    plan().method("Shelf.find", shared().errors(MINUTE)).build().unwrap()
}

#[tokio::test]
async fn errors_are_kept_but_on_channels_that_evolve() {
    for (evolves, runs) in [(false, 1), (true, 2)] {
        let stock = Stock::default();
        let endpoint = Endpoint::new().evolve(evolves).layer(errors());
        let shelf = ShelfClient::new(endpoint.in_memory(stock.server()));
        for _ in 0..2 {
            let error = shelf.find("a").await.unwrap_err();
            assert_eq!(error.app(), Some(&Missing("a".to_owned())));
        }
        assert_eq!(stock.runs(), runs);
    }
}
