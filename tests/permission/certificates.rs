//! Mutual TLS: the authenticator goes by the certificate that the transport has verified, and by tokens beside it.

use rpc_core::{Code, Credentials, Endpoint, Identity, Principal, Refusal};
use tests::{Authority, Leaf};

use crate::orders::{CHIEF, LobbyClient, OrdersClient, by_words, refused, server};

/// A certificate of the shop reads, one of the office writes; a token says more.
async fn by_certificate(credentials: Credentials) -> Result<Principal, Refusal> {
    if credentials.token.is_some() {
        return by_words(&credentials);
    }
    let Identity::Certificate(certificate) = credentials.peer.identity() else {
        return Err("show a certificate, or a token".into());
    };
    match certificate.spiffe_id() {
        Some("spiffe://shop/till") => Ok(Principal::anonymous().grant("orders:read")),
        Some("spiffe://shop/office") => Ok(Principal::named("office").grant("orders:*")),
        _ => Err("this certificate is not of the shop".into()),
    }
}

#[tokio::test]
async fn a_certificate_says_who_calls_and_a_token_may_say_more() {
    let authority = Authority::default();
    let (server, _) = server();
    let tls = authority.server_tls().optional_client_certificates(&authority.pem).unwrap();
    let server = server.tls(tls).authenticate(by_certificate);
    let running = server.start("127.0.0.1:0").await.unwrap();
    let endpoint = |leaf: Option<Leaf>| {
        let tls = authority.client_tls();
        Endpoint::new().tls(match leaf {
            Some(leaf) => tls.identity_pem(&leaf.certificates, &leaf.key).unwrap(),
            None => tls,
        })
    };
    let address = running.address();
    let till = Some(authority.client("till", "spiffe://shop/till"));
    let channel = endpoint(till).connect(address).await.unwrap();
    let (orders, lobby) = (OrdersClient::new(channel.clone()), LobbyClient::new(channel));
    orders.count().await.unwrap();
    assert_eq!(refused(orders.cancel(1).await).0, Code::PermissionDenied);
    // What the authenticator left to the transport is the certificate.
    assert!(lobby.who().await.unwrap().starts_with("Certificate("));
    let cancelled = orders.cancel(1).token(CHIEF).await.unwrap();
    assert_eq!(cancelled, r#"Named("chief") cancelled 1"#);

    let office = Some(authority.client("office", "spiffe://shop/office"));
    let channel = endpoint(office).connect(address).await.unwrap();
    let cancelled = OrdersClient::new(channel).cancel(2).await.unwrap();
    assert_eq!(cancelled, r#"Named("office") cancelled 2"#);

    for (leaf, words) in [
        (Some(authority.client("thief", "spiffe://street/thief")), "is not of the shop"),
        (None, "show a certificate, or a token"),
    ] {
        let orders = OrdersClient::new(endpoint(leaf).connect(address).await.unwrap());
        let (code, said) = refused(orders.count().await);
        assert!(code == Code::Unauthenticated && said.contains(words), "{code}: {said}");
    }
    let channel = endpoint(None).token(CHIEF).connect(address).await.unwrap();
    OrdersClient::new(channel).cancel(3).await.unwrap();
    running.shutdown().await;
}
