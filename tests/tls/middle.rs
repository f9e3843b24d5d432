//! Somebody between a client and its server, who has a certificate as well, reads what goes through, and hands it on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use rpc_core::{
    Address, DialError,
    tls::{ClientTls, HandshakeError, KeyPin, Party},
};
use tests::{Authority, Leaf, TourClient, tourist};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};

use crate::ground::{client, plain, reason, serve};

/// One in the middle; it counts the bytes that it has read of clients.
struct Middle {
    address: Address,
    read: Arc<AtomicUsize>,
}

/// Stands in front of the server at `behind`, and shows `leaf`.
async fn stand_between(leaf: &Leaf, behind: Address, authority: &Authority) -> Middle {
    let chain = CertificateDer::pem_slice_iter(leaf.certificates.as_bytes());
    let chain: Vec<_> = chain.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).unwrap();
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"rpc/1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut roots = tokio_rustls::rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().into();
    let read = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&read);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(mut near) = acceptor.accept(near).await else { continue };
            let far = TcpStream::connect(behind.to_string()).await.unwrap();
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let mut far = connector.connect(name, far).await.unwrap();
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                if let Ok((sent, _)) = tokio::io::copy_bidirectional(&mut near, &mut far).await {
                    count.fetch_add(usize::try_from(sent).unwrap(), Ordering::Relaxed);
                }
            });
        }
    });
    Middle { address, read }
}

async fn dial(middle: &Middle, tls: ClientTls) -> Result<TourClient, DialError> {
    tourist().tls(tls).connect(&middle.address).await.map(TourClient::new)
}

#[tokio::test]
async fn an_authority_of_ones_own_and_a_pinned_key_keep_it_out() {
    let (authority, stranger) = (Authority::default(), Authority::new("a stranger"));
    let leaf = authority.server(&["127.0.0.1"]);
    let pin = KeyPin::of_certificate(&*leaf.certificates).unwrap();
    let running = serve(leaf.server_tls()).await;
    let pinned = ClientTls::pinned([pin]).unwrap();

    // By its own authority.
    let show = stranger.server(&["127.0.0.1"]);
    let middle = stand_between(&show, plain(&running), &authority).await;
    let error = dial(&middle, authority.client_tls()).await.unwrap_err();
    let words = "the server's certificate is of an authority that the client does not know";
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(reason(error), HandshakeError::UnknownIssuer { whose: Party::Server });
    let error = dial(&middle, pinned.clone()).await.unwrap_err();
    let words = "the server has another key than the one that is pinned";
    assert!(error.to_string().contains(words), "{error}");
    assert_eq!(middle.read.load(Ordering::Relaxed), 0);

    // By an authority that the client trusts: a pin holds even then.
    let show = authority.server(&["127.0.0.1"]);
    let middle = stand_between(&show, plain(&running), &authority).await;
    let error = dial(&middle, pinned.clone()).await.unwrap_err();
    let other = KeyPin::of_certificate(&*show.certificates).unwrap();
    assert_eq!(reason(error), HandshakeError::OtherKey(other));
    // Whoever trusts that authority, or anybody, is listened to: it does stand in between.
    for tls in [authority.client_tls(), ClientTls::dangerous_without_verification().unwrap()] {
        dial(&middle, tls).await.unwrap().tour(1000).await;
    }
    client(&running, pinned).await.tour(1000).await;
    running.shutdown().await;
}
