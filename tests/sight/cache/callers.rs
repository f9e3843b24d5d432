//! Whose an answer is: nobody gets what another one was told, unless the program says that all have the same.

use rpc_core::{
    CallError, Code, Endpoint, Principal, Running, StaticTokens,
    layer::{Cache, Keep},
};

use super::shelf::{MINUTE, ShelfClient, Stock, plan, shared};

/// Of whom a caller is.
struct Tenant(u32);

fn tokens() -> StaticTokens {
    let reader = |name: &str| Principal::named(name).grant("shelf:read");
    StaticTokens::new()
        .with("ada", reader("ada"))
        .with("ada, who may more", reader("ada").grant("shelf:all"))
        .with("bob", reader("bob"))
        .with("nobody", Principal::named("nobody"))
        .with("one of tenant 1", reader("one").with(Tenant(1)))
        .with("two of tenant 1", reader("two").with(Tenant(1)))
        .with("three of tenant 2", reader("three").with(Tenant(2)))
        .without_token(Principal::anonymous())
}

async fn served(keep: Keep) -> (Stock, Cache, Running) {
    let stock = Stock::default();
    let cache = plan().method("Shelf.mine", keep).build().unwrap();
    let server = stock.server().authenticate(tokens()).layer(cache.clone());
    let server = server.start("127.0.0.1:0").await.unwrap();
    (stock, cache, server)
}

async fn shelf(server: &Running, token: &'static str) -> ShelfClient {
    let endpoint = Endpoint::new().token(token);
    ShelfClient::new(endpoint.connect(server.address()).await.unwrap())
}

fn refused<T: std::fmt::Debug, E: std::fmt::Debug>(end: Result<T, CallError<E>>) -> Code {
    end.unwrap_err().status().unwrap().code()
}

#[tokio::test]
async fn a_caller_has_answers_of_its_own() {
    let (stock, cache, server) = served(MINUTE.into()).await;
    let (ada, bob) = (shelf(&server, "ada").await, shelf(&server, "bob").await);
    for _ in 0..2 {
        assert_eq!(ada.mine().await.unwrap(), r#"Named("ada") false"#);
        assert_eq!(bob.mine().await.unwrap(), r#"Named("bob") false"#);
        // The token of a call is judged, whatever the connection has.
        let more = bob.mine().token("ada, who may more").await.unwrap();
        assert_eq!(more, r#"Named("ada") true"#);
    }
    // The same caller on another connection.
    assert_eq!(shelf(&server, "ada").await.mine().await.unwrap(), r#"Named("ada") false"#);
    assert_eq!((stock.runs(), cache.figures().hits), (3, 4));
    server.shutdown().await;
}

#[tokio::test]
async fn who_may_not_call_gets_nothing_of_what_is_kept() {
    let (stock, _, server) = served(shared()).await;
    let (ada, bob) = (shelf(&server, "ada").await, shelf(&server, "bob").await);
    assert_eq!(ada.mine().await.unwrap(), r#"Named("ada") false"#);
    // All have the same, says the program.
    assert_eq!(bob.mine().await.unwrap(), r#"Named("ada") false"#);
    assert_eq!(stock.runs(), 1);
    let nobody = shelf(&server, "nobody").await;
    assert_eq!(refused(nobody.mine().await), Code::PermissionDenied);
    assert_eq!(refused(ada.mine().token("nobody").await), Code::PermissionDenied);
    assert_eq!(refused(ada.mine().token("unknown").await), Code::Unauthenticated);
    let channel = Endpoint::new().connect(server.address()).await.unwrap();
    assert_eq!(refused(ShelfClient::new(channel).mine().await), Code::Unauthenticated);
    server.shutdown().await;
}

#[tokio::test]
async fn callers_with_values_of_the_programs_own_are_told_apart_by_the_program() {
    let (stock, cache, server) = served(MINUTE.into()).await;
    let one = shelf(&server, "one of tenant 1").await;
    for _ in 0..2 {
        one.mine().await.unwrap();
    }
    // It cannot be told on what of it the answer depends.
    assert_eq!((stock.runs(), cache.figures().passed), (2, 2));
    server.shutdown().await;

    let by_tenant = Keep::new(MINUTE).by(|caller| {
        let tenant = caller.principal?.get::<Tenant>()?;
        Some(tenant.0.to_string())
    });
    let (stock, cache, server) = served(by_tenant).await;
    let one = shelf(&server, "one of tenant 1").await;
    let (two, three) =
        (shelf(&server, "two of tenant 1").await, shelf(&server, "three of tenant 2").await);
    assert_eq!(one.mine().await.unwrap(), r#"Named("one") false"#);
    assert_eq!(two.mine().await.unwrap(), r#"Named("one") false"#);
    assert_eq!(three.mine().await.unwrap(), r#"Named("three") false"#);
    assert_eq!(stock.runs(), 2);
    // Nothing is kept of those of whom it says nothing.
    let ada = shelf(&server, "ada").await;
    ada.mine().await.unwrap();
    ada.mine().await.unwrap();
    assert_eq!((stock.runs(), cache.figures().passed), (4, 2));
    server.shutdown().await;
}

#[tokio::test]
async fn an_answer_may_depend_on_metadata() {
    let stock = Stock::default();
    let cache = plan().method("Shelf.greeting", shared().vary("language")).build().unwrap();
    let shelf = ShelfClient::in_memory(stock.server().layer(cache));
    for _ in 0..2 {
        assert_eq!(shelf.greeting().metadata("language", "de").await.unwrap(), "de");
        assert_eq!(shelf.greeting().metadata("language", "fr").await.unwrap(), "fr");
        assert_eq!(shelf.greeting().metadata("other", "x").await.unwrap(), "none");
    }
    assert_eq!(stock.runs(), 3);
}
