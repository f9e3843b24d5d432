//! Certificates that are not accepted: the reason is said in words on both sides, and others are served.

use rpc_core::tls::{ClientTls, HandshakeError, KeyPin, Party, ServerTls};
use tests::{Authority, Leaf, tourist, valid};

use crate::{
    ground::{client, reason, refused, serve},
    log::Log,
};

/// Has a client refuse a server; gives why, and what the server says of it in its log.
async fn server_refused(tls: ServerTls, client: ClientTls) -> (HandshakeError, String) {
    let (log, _listening) = Log::listen();
    let running = serve(tls).await;
    let error = tourist().tls(client).connect(running.address()).await.unwrap_err();
    let said = log.line("TLS handshake failed").await;
    assert!(said.starts_with("INFO") && said.contains("peer=127.0.0.1:"), "{said}");
    running.shutdown().await;
    (reason(error), said)
}

#[tokio::test]
async fn servers_are_refused_in_words() {
    let authority = Authority::default();
    let names = ["127.0.0.1"];
    let old = valid(Authority::server_params(&names), 1999..=2011);
    let young = valid(Authority::server_params(&names), 2950..=2999);
    let rows: [(Leaf, &str, &str); 5] = [
        (authority.issue(old), "server's certificate has expired on 2011-01-01", "expired or is"),
        (
            authority.issue(young),
            "server's certificate is not valid yet, but from 2950-01-01 on: is the clock right?",
            "expired or is not valid yet, says the client",
        ),
        (
            authority.server(&["calculator.example", "10.0.0.1"]),
            "server's certificate is not for 127.0.0.1, but for calculator.example, 10.0.0.1",
            "not accept it",
        ),
        (
            Authority::new("another").server(&names),
            "server's certificate is of an authority that the client does not know",
            "of an authority that the client does not know",
        ),
        (
            authority.issue(Authority::client_params("alice", "spiffe://home/alice")),
            "server's certificate is not",
            "not accept it",
        ),
    ];
    for (leaf, here, there) in rows {
        let (reason, said) = server_refused(leaf.server_tls(), authority.client_tls()).await;
        assert!(reason.to_string().contains(here), "{reason}");
        assert!(said.contains("the server's certificate") && said.contains(there), "{said}");
    }
}

#[tokio::test]
async fn a_name_that_is_asked_for_is_the_one_that_counts() {
    let authority = Authority::default();
    let running = serve(authority.server(&["calculator.example"]).server_tls()).await;
    let tls = authority.client_tls();
    let right = tls.clone().server_name("calculator.example").unwrap();
    client(&running, right).await.tour(100).await;
    let wrong = tls.server_name("abacus.example").unwrap();
    let error = tourist().tls(wrong).connect(running.address()).await.unwrap_err();
    let presented = vec!["calculator.example".to_owned()];
    let wanted = "abacus.example".to_owned();
    assert_eq!(reason(error), HandshakeError::OtherName { wanted, presented });
    running.shutdown().await;
}

#[tokio::test]
async fn a_key_that_is_pinned_is_all_that_counts() {
    let authority = Authority::default();
    let old = valid(Authority::server_params(&["elsewhere.example"]), 1999..=2011);
    let leaf = authority.issue(old);
    let pin = KeyPin::of_certificate(&leaf.certificates).unwrap();
    let other = KeyPin::from_sha256([7; 32]);
    let running = serve(leaf.server_tls()).await;
    let tls = ClientTls::pinned([other, pin]).unwrap();
    client(&running, tls).await.tour(100).await;
    let tls = ClientTls::pinned([other]).unwrap();
    let error = tourist().tls(tls).connect(running.address()).await.unwrap_err();
    assert_eq!(reason(error), HandshakeError::OtherKey(pin));
    // Whoever does not care is served, too.
    let tls = ClientTls::dangerous_without_verification().unwrap();
    client(&running, tls).await.tour(100).await;
    running.shutdown().await;
}

#[tokio::test]
async fn clients_are_refused_in_words() {
    let (authority, names) = (Authority::default(), ("alice", "spiffe://home/alice"));
    let issue = |params| Some(authority.issue(params));
    let old = valid(Authority::client_params(names.0, names.1), 1999..=2011);
    let young = valid(Authority::client_params(names.0, names.1), 2950..=2999);
    let rows: [(Option<Leaf>, &str, &str); 5] = [
        (None, "the server asks for a certificate of the client, and none was given", "none was"),
        (issue(old), "the client's certificate has expired", "has expired on 2011-01-01"),
        (issue(young), "the client's certificate", "not valid yet, but from 2950-01-01 on"),
        (
            Some(Authority::new("another").client(names.0, names.1)),
            "the client's certificate is of an authority that the server does not know",
            "of an authority that the server does not know",
        ),
        (issue(Authority::server_params(&["x"])), "the client's certificate", "not one for a"),
    ];
    let (log, _listening) = Log::listen();
    let tls = authority.server_tls().client_certificates(&authority.pem).unwrap();
    let running = serve(tls).await;
    for (leaf, here, there) in rows {
        let mut tls = authority.client_tls();
        if let Some(leaf) = leaf {
            tls = tls.identity_pem(leaf.certificates, leaf.key).unwrap();
        }
        let words = refused(&running, tls).await;
        assert!(words.contains(here), "{words}");
        let said = log.line(there).await;
        assert!(said.contains("TLS handshake failed") && said.contains("client"), "{said}");
    }
    let alice = authority.client(names.0, names.1);
    let tls = authority.client_tls().identity_pem(alice.certificates, alice.key).unwrap();
    client(&running, tls).await.tour(1000).await;
    running.shutdown().await;
}

/// Neither many certificates between a leaf and its authority nor long ones hold anybody up.
#[tokio::test]
async fn chains_that_are_too_long_are_refused_on_either_side() {
    let authority = Authority::default();
    let deep = (0..12).fold(authority.below("0"), |above, depth| above.below(&depth.to_string()));
    let leaf = deep.server(&["127.0.0.1"]);
    let (reason, _) = server_refused(leaf.server_tls(), authority.client_tls()).await;
    assert!(matches!(reason, HandshakeError::TooLong(Party::Server)), "{reason}");

    // Those of many strangers behind it.
    let names: Vec<_> =
        (0..800).map(|n| format!("{n}.a-rather-long-name-of-a-host.example")).collect();
    let long = authority.server(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let behind = |mut leaf: Leaf| {
        leaf.certificates += &long.certificates.repeat(3);
        leaf
    };
    let leaf = behind(authority.server(&["127.0.0.1"]));
    let (reason, said) = server_refused(leaf.server_tls(), authority.client_tls()).await;
    assert_eq!(reason, HandshakeError::TooLong(Party::Server), "{reason}");
    assert!(said.contains("TLS handshake"), "{said}");

    let (log, _listening) = Log::listen();
    let tls = authority.server_tls().client_certificates(&authority.pem).unwrap();
    let running = serve(tls).await;
    let alice = ("alice", "spiffe://home/alice");
    let told = "the server does not accept it";
    // What is not read to its end has no answer in TLS.
    let untold = "the peer closed it";
    for (leaf, here) in [
        (deep.client(alice.0, alice.1), told),
        (behind(authority.client(alice.0, alice.1)), untold),
    ] {
        let tls = authority.client_tls().identity_pem(leaf.certificates, leaf.key).unwrap();
        let channel = tourist().tls(tls).connect(running.address()).await.unwrap();
        let error = channel.ready().await.unwrap_err();
        assert!(error.to_string().contains(here), "{error}");
        let said = log.line("TLS handshake failed").await;
        assert!(said.contains("the client's chain of certificates is too long"), "{said}");
    }
    running.shutdown().await;
}
