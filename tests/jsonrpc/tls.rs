//! The same port with TLS: `https`, and HTTP/2 where the client offers that.

use rpc_core::{Endpoint, Http, Server};
use tests::{Authority, PlaygroundClient};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, pem::PemObject as _},
    },
};

use tests::http::request;

use crate::ground::serve_with;

#[tokio::test]
async fn https_is_the_same_port() {
    let authority = Authority::default();
    let server = Server::new().tls(authority.server_tls());
    let (running, _) = serve_with(server, Http::new()).await;
    let raw = Endpoint::new().tls(authority.client_tls()).connect(running.address()).await;
    assert_eq!(PlaygroundClient::new(raw.unwrap()).add(1, 2).await, Ok(3));

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let address = running.address().to_string().replace("tls:", "");
    for (offered, spoken) in [
        (&[b"http/1.1".to_vec()][..], Some(&b"http/1.1"[..])),
        (&[b"h2".to_vec(), b"http/1.1".to_vec()], Some(b"h2")),
        (&[], None),
    ] {
        let mut config =
            ClientConfig::builder().with_root_certificates(roots.clone()).with_no_client_auth();
        config.alpn_protocols = offered.to_vec();
        let socket = TcpStream::connect(&address).await.unwrap();
        let connector = TlsConnector::from(std::sync::Arc::new(config));
        let mut stream = connector.connect("localhost".try_into().unwrap(), socket).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), spoken);
        if spoken == Some(b"h2") {
            // The server's settings come first.
            stream
                .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
                .await
                .unwrap();
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.unwrap();
            assert_eq!(head[3], 4, "it is a frame of settings");
            continue;
        }
        // A name of another server, which the certificate does not vouch for, would not be asked by a browser.
        let headers = [("host", "api.example"), ("connection", "close")];
        stream
            .write_all(request("POST", "/Playground.add", &headers, "[1,2]").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n3\n"), "{answer}");
    }
    let mut plain = TcpStream::connect(&address).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("speaks TLS"), "{answer}");
}
