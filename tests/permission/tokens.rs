//! Tokens of calls: each stands for its caller, is judged by the same authenticator, and is remembered for a while.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_util::future::join_all;
use rpc_core::{Code, Credentials, DialError, Endpoint, Principal, StaticTokens, Token};

use crate::orders::{
    CHIEF, CLERK, NOBODY, OrdersClient, by_words, connect, judging, refused, server, soon,
};

#[tokio::test]
async fn a_call_is_made_for_whom_its_token_stands() {
    let (running, book) = judging().await;
    let (orders, lobby) = connect(&running, CLERK).await;
    let before = book.started();
    for _ in 0..3 {
        let cancelled = orders.cancel(1).token(CHIEF).await.unwrap();
        assert_eq!(cancelled, r#"Named("chief") cancelled 1"#);
        assert_eq!(lobby.who().token("gast").await.unwrap(), r#"Named("gast")"#);
        assert_eq!(lobby.who().await.unwrap(), r#"Named("clerk")"#);
    }
    assert!(lobby.may("orders:write").token(CHIEF).await.unwrap());
    assert!(!lobby.may("orders:write").await.unwrap());
    // It does not have what the connection has.
    assert_eq!(refused(orders.count().token("gast").await).0, Code::PermissionDenied);
    assert_eq!(book.started() - before, 9);
}

#[tokio::test]
async fn streams_and_calls_without_a_reply_carry_tokens_too() {
    let (running, book) = judging().await;
    let (orders, lobby) = connect(&running, CLERK).await;
    let mut numbers = orders.watch(1).token(CHIEF).await.unwrap();
    assert_eq!(numbers.next().await.unwrap().unwrap(), 1);
    let sum = orders.import(futures_util::stream::iter(0..100)).token(CHIEF).await.unwrap();
    assert_eq!(sum, 4950);
    let before = book.started();
    orders.note(1).token(CHIEF).await.unwrap();
    orders.note(1).token(NOBODY).await.unwrap();
    orders.note(1).token(CLERK).await.unwrap();
    lobby.who().await.unwrap();
    // The one of the chief's may be judged still.
    let noted = async {
        while book.started() < before + 2 {
            tokio::task::yield_now().await;
        }
    };
    soon(noted).await;
    assert_eq!(book.started(), before + 2);
}

#[tokio::test]
async fn calls_in_an_order_keep_it_though_their_tokens_are_judged() {
    let (running, _) = judging().await;
    let (orders, _) = connect(&running, CLERK).await;
    let calls = (0..50).map(|number| {
        let call = orders.append(number);
        let call = if number % 3 == 0 {
            call.token(format!("t{number} orders:*"))
        } else {
            call.token(CHIEF)
        };
        call.into_future()
    });
    let replies = join_all(calls).await;
    assert!(replies.into_iter().map(Result::unwrap).eq(0..50));
}

#[tokio::test]
async fn a_token_that_proves_nothing_refuses_its_call_and_no_other() {
    let (running, book) = judging().await;
    let (orders, lobby) = connect(&running, CHIEF).await;
    let (code, words) = refused(orders.count().token(NOBODY).await);
    assert_eq!((code, &*words), (Code::Unauthenticated, "nobody has this token"));
    assert_eq!(refused(lobby.who().token(NOBODY).await).0, Code::Unauthenticated);
    assert_eq!(book.started(), 0);
    orders.count().await.unwrap();
}

#[tokio::test]
async fn a_token_is_judged_once_for_a_connection_while_it_is_remembered() {
    let (server, _) = server();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let judge = move |credentials: Credentials| {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready(by_words(&credentials))
    };
    let running = server.authenticate(judge).start("127.0.0.1:0").await.unwrap();
    let (_, lobby) = connect(&running, CLERK).await;
    for _ in 0..10 {
        lobby.who().token(CHIEF).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let (_, other) = connect(&running, CLERK).await;
    other.who().token(CHIEF).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    // 33 of them are one more than is remembered.
    for number in 0..33 {
        lobby.who().token(format!("name-{number}")).await.unwrap();
    }
    lobby.who().token("name-32").await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 4 + 33);
    lobby.who().token("name-0").await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 4 + 34);
}

#[tokio::test]
async fn tokens_that_cannot_travel_are_refused_by_their_own_side() {
    let (running, book) = judging().await;
    for token in [Token::from(""), Token::new(vec![b'x'; 2049])] {
        let error = Endpoint::new().token(&token).connect(running.address()).await.unwrap_err();
        assert!(matches!(error, DialError::Token(_)), "{error}");
    }
    let (_, lobby) = connect(&running, Token::new(vec![b'x'; 2048])).await;
    for token in [Token::from(""), Token::new(vec![b'x'; 4097])] {
        let (code, words) = refused(lobby.who().token(&token).await);
        assert_eq!(code, Code::InvalidArgument);
        assert!(words.starts_with("a token for a call is 1 to 4096 bytes long"), "{words}");
    }
    lobby.who().token(vec![b'x'; 4096]).await.unwrap();
    assert_eq!(book.started(), 1);
}

#[tokio::test]
async fn a_few_fixed_tokens_need_no_code() {
    let (server, _) = server();
    let tokens = StaticTokens::new()
        .with("key of the clerk", Principal::named("clerk").grant("orders:read"))
        .with("key of the chief", Principal::named("chief").grant("orders:*"));
    let running = server.authenticate(tokens).start("127.0.0.1:0").await.unwrap();
    let (orders, _) = connect(&running, "key of the clerk").await;
    orders.count().await.unwrap();
    assert_eq!(refused(orders.cancel(1).await).0, Code::PermissionDenied);
    orders.cancel(1).token("key of the chief").await.unwrap();
    let (code, words) = refused(orders.count().token("key of the thief").await);
    assert_eq!((code, &*words), (Code::Unauthenticated, "the token is not known here"));
    let orders = OrdersClient::connect(running.address()).await.unwrap();
    let (code, words) = refused(orders.count().await);
    assert_eq!(code, Code::Unauthenticated);
    assert!(words.contains("a token is needed"), "{words}");
}
