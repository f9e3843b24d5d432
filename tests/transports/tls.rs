//! Over TLS, by a listener and a connector that are a few lines each.

use std::sync::Arc;

use futures_util::StreamExt as _;
use rpc_core::{
    Address, Connector, DialError, Identity, Incoming, Link, Listener, Peer, Running, Server,
};
use tests::{TourClient, tourist};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        pki_types::{PrivateKeyDer, ServerName},
    },
};

use crate::{adapters::ByteWise, duplex::server};

/// Bytes a poll, below TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    AtOnce,
    ByteWise,
}

struct Guarded {
    socket: TcpListener,
    tls: TlsAcceptor,
    pace: Pace,
}

#[derive(Clone)]
struct Dial {
    address: Address,
    tls: TlsConnector,
    pace: Pace,
}

impl Listener for Guarded {
    async fn accept(&mut self) -> Incoming {
        let (below, tls, pace) =
            (Listener::accept(&mut self.socket).await, self.tls.clone(), self.pace);
        Incoming::new(async move {
            let link = below.await?;
            let peer = link.peer().clone().with_identity(Identity::Named("a guest".into()));
            Ok(match pace {
                Pace::AtOnce => Link::new(tls.accept(link).await?, peer),
                Pace::ByteWise => Link::new(tls.accept(ByteWise::new(link)).await?, peer),
            })
        })
    }

    fn address(&self) -> Address {
        Listener::address(&self.socket)
    }
}

impl Connector for Dial {
    fn address(&self) -> Address {
        self.address.clone()
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let failed = |reason| DialError::new(self.address.clone(), reason);
        let stream = TcpStream::connect(self.address.to_string()).await.map_err(failed)?;
        let peer = Peer::new(stream.peer_addr().map_err(failed)?);
        let name = ServerName::try_from("localhost").unwrap();
        Ok(match self.pace {
            Pace::AtOnce => Link::new(self.tls.connect(name, stream).await.map_err(failed)?, peer),
            Pace::ByteWise => {
                let stream = self.tls.connect(name, ByteWise::new(stream)).await.map_err(failed)?;
                Link::new(stream, peer)
            }
        })
    }
}

async fn serve(server: Server, pace: Pace) -> (Running, Dial) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let accepting = Arc::new(config.with_single_cert(vec![certificate], key).unwrap());
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let running = server.start_on(Guarded { socket, tls: accepting.into(), pace }).unwrap();
    let address = running.address().clone();
    (running, Dial { address, tls: Arc::new(config).into(), pace })
}

#[tokio::test]
async fn tls_is_toured() {
    for server in [server(), server().threads(2)] {
        let (running, dial) = serve(server, Pace::AtOnce).await;
        let client = TourClient::new(tourist().connect_with(dial.clone()).await.unwrap());
        assert!(client.who().await.unwrap().ends_with("Named(\"a guest\")"));
        client.tour(1 << 20).await;
        running.shutdown().await;
    }
}

#[tokio::test]
async fn tls_is_toured_a_byte_at_a_time() {
    let (running, dial) = serve(server(), Pace::ByteWise).await;
    TourClient::new(tourist().connect_with(dial.clone()).await.unwrap()).tour(10_000).await;
    running.shutdown().await;
}

/// The goaway, and TLS's own goodbye, arrive.
#[tokio::test]
async fn a_shutdown_under_tls_is_orderly() {
    let (running, dial) = serve(server(), Pace::AtOnce).await;
    let client = TourClient::new(tourist().connect_with(dial.clone()).await.unwrap());
    let items = client.count(50_000).await.unwrap();
    let (items, ()) = tokio::join!(items.collect::<Vec<_>>(), running.shutdown());
    assert!(items.into_iter().map(Result::ok).eq((0..50_000).map(Some)));
    client.channel().closed().await.unwrap();
}

/// Whoever does not speak TLS does not hold up those who do.
#[tokio::test]
async fn a_handshake_that_does_not_go_on_holds_up_nobody() {
    let (running, dial) = serve(server(), Pace::AtOnce).await;
    let _silent = TcpStream::connect(dial.address.to_string()).await.unwrap();
    let client = TourClient::new(tourist().connect_with(dial.clone()).await.unwrap());
    client.tour(1000).await;
    running.shutdown().await;
}
