//! Mutual TLS: who calls, as handlers see it.

use rpc_core::{Channel, Context, Endpoint, Identity, Running, Server, service, tls::ServerTls};
use tests::{Authority, Leaf};

use crate::ground::{client, refused, serve};

/// Says who calls.
#[service]
trait Door {
    /// Subject, SPIFFE ID and number of URIs of the caller's certificate; nothing of callers without.
    async fn caller(&self, cx: &Context) -> Option<(String, Option<String>, u32)>;
}

struct Wood;

impl Door for Wood {
    async fn caller(&self, cx: &Context) -> Option<(String, Option<String>, u32)> {
        let peer = cx.peer::<Channel>().peer();
        let Identity::Certificate(certificate) = peer.identity() else { return None };
        assert_eq!(peer.tls().unwrap().peer_certificate(), Some(certificate));
        let spiffe = certificate.spiffe_id().map(str::to_owned);
        let uris = u32::try_from(certificate.uris().len()).unwrap();
        Some((certificate.subject().to_owned(), spiffe, uris))
    }
}

async fn open(tls: ServerTls) -> Running {
    Server::new().tls(tls).with(DoorServer::new(Wood)).start("127.0.0.1:0").await.unwrap()
}

async fn knock(
    running: &Running,
    authority: &Authority,
    leaf: Option<&Leaf>,
) -> Option<(String, Option<String>, u32)> {
    let mut tls = authority.client_tls();
    if let Some(leaf) = leaf {
        tls = tls.identity_pem(&leaf.certificates, &leaf.key).unwrap();
    }
    let channel = Endpoint::new().tls(tls).connect(running.address()).await.unwrap();
    DoorClient::new(channel).caller().await.unwrap()
}

#[tokio::test]
async fn handlers_see_the_certificate_of_the_caller() {
    let authority = Authority::default();
    let tls = authority.server_tls().client_certificates(&authority.pem).unwrap();
    let running = open(tls).await;
    let alice = authority.client("alice", "spiffe://home/alice");
    let said = knock(&running, &authority, Some(&alice)).await;
    assert_eq!(said, Some(("CN=alice".to_owned(), Some("spiffe://home/alice".to_owned()), 1)));
    // An authority may lie between.
    let below = authority.below("between").below("closer");
    let said = knock(&running, &authority, Some(&below.client("bob", "https://bob"))).await;
    assert_eq!(said, Some(("CN=bob".to_owned(), None, 1)));
    // A SPIFFE ID is the only URI.
    let mut params = Authority::client_params("eve", "spiffe://home/eve");
    params.subject_alt_names.extend(Authority::client_params("", "spiffe://x").subject_alt_names);
    let said = knock(&running, &authority, Some(&authority.issue(params))).await;
    assert_eq!(said, Some(("CN=eve".to_owned(), None, 2)));
    running.shutdown().await;
}

#[tokio::test]
async fn a_certificate_may_be_left_to_the_client() {
    let (authority, other) = (Authority::default(), Authority::new("another"));
    let tls = authority.server_tls().optional_client_certificates(&authority.pem).unwrap();
    let running = open(tls).await;
    assert_eq!(knock(&running, &authority, None).await, None);
    let alice = authority.client("alice", "spiffe://home/alice");
    assert!(knock(&running, &authority, Some(&alice)).await.is_some());
    // One that nobody vouches for is no better than none, and worse.
    let leaf = other.client("mallory", "spiffe://home/alice");
    let tls = authority.client_tls().identity_pem(&leaf.certificates, &leaf.key).unwrap();
    let words = refused(&running, tls).await;
    assert!(words.contains("client's certificate is of an authority that the server"), "{words}");
    running.shutdown().await;
}

/// What the Unix socket knows of a process stays, where the client shows no certificate.
#[tokio::test]
async fn who_shows_none_is_known_by_what_is_below() {
    let authority = Authority::default();
    let running = serve(authority.server_tls()).await;
    let client = client(&running, authority.client_tls()).await;
    assert!(client.who().await.unwrap().ends_with(" Unknown"));
    running.shutdown().await;
    let directory = tempfile::TempDir::new().unwrap();
    let address = rpc_core::Address::Unix(directory.path().join("socket"));
    let server = crate::ground::server().tls(authority.server_tls());
    let running = server.start(address).await.unwrap();
    let tls = authority.client_tls().server_name("localhost").unwrap();
    let client = crate::ground::client(&running, tls).await;
    assert!(client.who().await.unwrap().contains("Process"));
    running.shutdown().await;
}
