//! Sessions that go on with earlier ones: whoever connects again has less to do.

use rpc_core::{Endpoint, Identity, Running, tls::ServerTls};
use tests::{Authority, TourClient, tourist};
use tokio::{
    io::{AsyncReadExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

use crate::ground::{client, serve, server};

const HYBRID: &str = "X25519MLKEM768";

/// What a client has agreed upon: whether its session goes on with an earlier one, and how keys were exchanged.
async fn session(client: &TourClient) -> (bool, String) {
    // Tickets come behind the handshake.
    client.who().await.unwrap();
    let peer = client.channel().peer();
    let session = peer.tls().unwrap();
    (session.is_resumed(), session.key_exchange().to_owned())
}

async fn is_resumed(client: &TourClient) -> bool {
    session(client).await.0
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

async fn dialled(endpoint: &Endpoint, running: &Running) -> (bool, String) {
    let client = TourClient::new(endpoint.connect(running.address()).await.unwrap());
    let session = session(&client).await;
    client.channel().close().await.unwrap();
    session
}

/// The secret of the first session came of the hybrid exchange, and is in the keys of all that follow.
#[tokio::test]
async fn sessions_that_go_on_are_keyed_by_the_first_one_and_x25519() {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    let endpoint = tourist().tls(authority.client_tls());
    assert_eq!(dialled(&endpoint, &running).await, (false, HYBRID.to_owned()));
    for _ in 0..20 {
        assert_eq!(dialled(&endpoint, &running).await, (true, "X25519".to_owned()));
    }
    running.shutdown().await;
}

/// A server that was started anew knows none of its sessions. X25519 alone is not enough then: the client dials once more.
#[tokio::test]
async fn what_does_not_go_on_is_keyed_by_the_hybrid_exchange() {
    let authority = Authority::default();
    let mut running = serve(authority.server_tls()).await;
    let address = running.address().clone();
    let bare = address.to_string().trim_start_matches("tls:").to_owned();
    let endpoint = tourist().tls(authority.client_tls());
    for round in 0..3 {
        assert_eq!(dialled(&endpoint, &running).await, (false, HYBRID.to_owned()), "{round}");
        // After a refusal the client has seen one go on before it risks another connection.
        if round > 0 {
            assert_eq!(dialled(&endpoint, &running).await, (true, HYBRID.to_owned()), "{round}");
        }
        assert_eq!(dialled(&endpoint, &running).await, (true, "X25519".to_owned()), "{round}");
        running.shutdown().await;
        running = server().tls(authority.server_tls()).start(&*bare).await.unwrap();
        assert_eq!(*running.address(), address);
    }
    running.shutdown().await;
}

/// Tickets are of the server at an address, though all of them have one name.
#[tokio::test]
async fn servers_of_one_name_have_sessions_of_their_own() {
    let authority = Authority::default();
    let (one, other) = (serve(authority.server_tls()).await, serve(authority.server_tls()).await);
    let endpoint = tourist().tls(authority.client_tls());
    for round in 0..3 {
        for running in [&one, &other] {
            assert_eq!(dialled(&endpoint, running).await.0, round > 0);
        }
    }
    one.shutdown().await;
    other.shutdown().await;
}

/// A server that cannot be dialled may be on its way to start anew: the next connection is not risked for its tickets.
#[tokio::test]
async fn after_a_dial_that_failed_a_session_goes_on_by_the_hybrid_exchange() {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    let endpoint = tourist().tls(authority.client_tls());
    dialled(&endpoint, &running).await;
    assert_eq!(dialled(&endpoint, &running).await, (true, "X25519".to_owned()));
    // Port 1 is one that no test is given.
    endpoint.connect("tls:127.0.0.1:1").await.unwrap_err();
    assert_eq!(dialled(&endpoint, &running).await, (true, HYBRID.to_owned()));
    assert_eq!(dialled(&endpoint, &running).await, (true, "X25519".to_owned()));
    running.shutdown().await;
}

/// The attempt to go on by X25519 is cut, which says nothing of the server: it is dialled once more, and whoever connects knows
/// nothing of it.
#[tokio::test]
async fn a_cut_in_the_middle_of_going_on_costs_a_dial_and_no_connection() {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    let relay = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tls:{}", relay.local_addr().unwrap());
    let bare = running.address().to_string().trim_start_matches("tls:").to_owned();
    let relaying = tokio::spawn(async move {
        for number in 0..3 {
            let (mut client, _) = relay.accept().await.unwrap();
            if number == 1 {
                assert!(client.read(&mut [0; 100]).await.unwrap() > 0);
                continue;
            }
            let mut server = TcpStream::connect(&bare).await.unwrap();
            // How a connection ends that is closed is no matter here.
            drop(copy_bidirectional(&mut client, &mut server).await);
        }
    });
    let endpoint = tourist().tls(authority.client_tls());
    for _ in 0..2 {
        let client = TourClient::new(endpoint.connect(&*address).await.unwrap());
        assert_eq!(session(&client).await, (false, HYBRID.to_owned()));
        client.channel().close().await.unwrap();
    }
    relaying.await.unwrap();
    running.shutdown().await;
}
