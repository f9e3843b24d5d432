//! Sessions that go on with earlier ones: whoever connects again has less to do.

use rpc_core::{Identity, tls::ServerTls};
use tests::{Authority, TourClient, tourist};

use crate::ground::{client, serve};

async fn is_resumed(client: &TourClient) -> bool {
    // Tickets come behind the handshake.
    client.who().await.unwrap();
    client.channel().peer().tls().unwrap().is_resumed()
}

#[tokio::test]
async fn clones_of_an_endpoint_go_on_with_each_others_sessions() {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    let endpoint = tourist().tls(authority.client_tls());
    for round in 0..5 {
        let channel = endpoint.clone().connect(running.address()).await.unwrap();
        let client = TourClient::new(channel);
        assert_eq!(is_resumed(&client).await, round > 0);
        client.tour(1000).await;
    }
    // One of another is a stranger.
    assert!(!is_resumed(&client(&running, authority.client_tls()).await).await);
    running.shutdown().await;
}

/// Who a client is, is known though it shows its certificate once; and the server's is known to it.
#[tokio::test]
async fn a_session_that_goes_on_knows_both_sides() {
    let authority = Authority::default();
    let tls: ServerTls = authority.server_tls().client_certificates(&*authority.pem).unwrap();
    let running = serve(tls).await;
    let alice = authority.client("alice", "spiffe://home/alice");
    let tls = authority.client_tls().identity_pem(alice.certificates, alice.key).unwrap();
    for round in 0..3 {
        let client = client(&running, tls.clone()).await;
        assert_eq!(is_resumed(&client).await, round > 0);
        assert!(client.who().await.unwrap().contains("CN=alice"));
        let peer = client.channel().peer();
        let Identity::Certificate(certificate) = peer.identity() else { panic!("{peer:?}") };
        assert_eq!(certificate.dns_names(), ["localhost"]);
    }
    running.shutdown().await;
}
