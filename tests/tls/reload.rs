//! Certificates that are replaced while the server is under load.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use rpc_core::{Endpoint, tls::ServerTls};
use tempfile::TempDir;
use tests::{Authority, Leaf, TourClient, tourist};

use crate::ground::{client, refused, server};

/// Calls on one connection, and on a new one for each round, until told to stop; counts the calls.
async fn load(endpoint: Endpoint, address: rpc_core::Address, over: Arc<AtomicBool>) -> usize {
    let kept = TourClient::new(endpoint.connect(&address).await.unwrap());
    let mut calls = 0;
    while !over.load(Ordering::Relaxed) {
        let fresh = TourClient::new(endpoint.connect(&address).await.unwrap());
        for client in [&kept, &fresh] {
            assert_eq!(client.echo(vec![7; 100].into()).await.unwrap().len(), 100);
            assert_eq!(client.ask(4).await, Ok(8));
            calls += 2;
        }
        fresh.channel().close().await.unwrap();
    }
    kept.channel().close().await.unwrap();
    calls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_reloads_under_load_fail_no_call() {
    let (authority, directory) = (Authority::default(), TempDir::new().unwrap());
    let file = |name: &str| directory.path().join(name);
    let write = |leaf: &Leaf| {
        std::fs::write(file("server.pem"), &leaf.certificates).unwrap();
        std::fs::write(file("server.key"), &leaf.key).unwrap();
    };
    write(&authority.server(&["127.0.0.1"]));
    let tls = ServerTls::from_files(file("server.pem"), file("server.key")).unwrap();
    let tls = tls.optional_client_certificates(&*authority.pem).unwrap();
    let running = server().tls(tls.clone()).start("127.0.0.1:0").await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            // Those who share no sessions see each certificate.
            let endpoint = tourist().tls(authority.client_tls());
            tokio::spawn(load(endpoint, running.address().clone(), Arc::clone(&over)))
        })
        .collect();
    let mut serials = std::collections::HashSet::new();
    for round in 0..100 {
        let leaf = authority.server(&["127.0.0.1"]);
        // A certificate whose key is not there yet is not taken.
        std::fs::write(file("server.pem"), &leaf.certificates).unwrap();
        let error = tls.reload().unwrap_err();
        assert!(error.to_string().contains("does not belong to"), "{error}");
        write(&leaf);
        tls.reload().unwrap();
        let seen = client(&running, authority.client_tls()).await;
        let session = seen.channel().peer().tls().unwrap().clone();
        assert!(serials.insert(session.peer_certificate().unwrap().serial().to_owned()), "{round}");
        assert_eq!(seen.ask(round).await, Ok(2 * round));
    }
    over.store(true, Ordering::Relaxed);
    for caller in callers {
        assert!(caller.await.unwrap() >= 4);
    }
    running.shutdown().await;
}

/// A ticket is believed without another look at the certificate: it must not outlive its authority.
#[tokio::test]
async fn sessions_do_not_outlive_the_authority_that_vouched_for_the_client() {
    let (authority, other) = (Authority::default(), Authority::new("another"));
    let directory = TempDir::new().unwrap();
    let clients = directory.path().join("clients.pem");
    std::fs::write(&clients, &authority.pem).unwrap();
    let tls = authority.server_tls().client_certificates(&*clients).unwrap();
    let running = server().tls(tls.clone()).start("127.0.0.1:0").await.unwrap();
    let alice = authority.client("alice", "spiffe://home/alice");
    let known = authority.client_tls().identity_pem(alice.certificates, alice.key).unwrap();
    let resumed = async || {
        let client = client(&running, known.clone()).await;
        client.who().await.unwrap();
        client.channel().peer().tls().unwrap().is_resumed()
    };
    assert!(!resumed().await);
    assert!(resumed().await);
    // The same authorities once more.
    tls.reload().unwrap();
    assert!(resumed().await);
    std::fs::write(&clients, &other.pem).unwrap();
    tls.reload().unwrap();
    let words = refused(&running, known.clone()).await;
    assert!(words.contains("of an authority that the server does not know"), "{words}");
    running.shutdown().await;
}

#[tokio::test]
async fn a_certificate_may_be_replaced_by_one_that_is_no_file() {
    let authority = Authority::default();
    let tls = authority.server_tls();
    let running = server().tls(tls.clone()).start("127.0.0.1:0").await.unwrap();
    let leaf = authority.server(&["calculator.example"]);
    assert!(tls.replace(&*leaf.certificates, "").is_err());
    client(&running, authority.client_tls()).await.tour(10).await;
    tls.replace(leaf.certificates, leaf.key).unwrap();
    let named = authority.client_tls().server_name("calculator.example").unwrap();
    client(&running, named).await.tour(10).await;
    running.shutdown().await;
}
