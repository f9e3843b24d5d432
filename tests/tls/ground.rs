//! A server with TLS on loopback, and clients of it.

use rpc_core::{
    Address, DialError, Running, Server,
    tls::{ClientTls, HandshakeError, ServerTls},
};
use tests::{Sights, TourClient, TourServer, tourist};

pub(crate) fn server() -> Server {
    Server::new().with(TourServer::new(Sights))
}

pub(crate) async fn serve(tls: ServerTls) -> Running {
    server().tls(tls).start("127.0.0.1:0").await.unwrap()
}

pub(crate) async fn client(running: &Running, tls: ClientTls) -> TourClient {
    TourClient::new(tourist().tls(tls).connect(running.address()).await.unwrap())
}

/// Why a client does not get in: when it dials, or when it calls.
pub(crate) async fn refused(running: &Running, tls: ClientTls) -> String {
    match tourist().tls(tls).connect(running.address()).await {
        Err(error) => error.to_string(),
        Ok(channel) => {
            let status = TourClient::new(channel).who().await.unwrap_err();
            let status = status.status().unwrap();
            assert!(!status.may_have_run(), "{status}");
            status.to_string()
        }
    }
}

/// The reason of a handshake that failed on the side of the client.
#[track_caller]
pub(crate) fn reason(error: DialError) -> HandshakeError {
    match error {
        DialError::Handshake { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

/// The address of a server with TLS, without.
pub(crate) fn plain(running: &Running) -> Address {
    running.address().to_string().trim_start_matches("tls:").parse().unwrap()
}
