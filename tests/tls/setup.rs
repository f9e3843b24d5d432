//! Certificates, keys and names that cannot be used: the error says what is wrong with which.

use std::path::Path;

use rpc_core::{
    Server,
    tls::{ClientTls, KeyPin, Pem, ServerTls, TlsError},
};
use tempfile::TempDir;
use tests::Authority;

use crate::log::Log;

#[track_caller]
fn says(error: TlsError, words: &str) {
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn what_is_wrong_with_a_certificate_or_key_is_said() {
    let authority = Authority::default();
    let (one, other) = (authority.server(&["a"]), authority.server(&["b"]));
    let server =
        |certificates: &str, key: &str| ServerTls::from_pem(certificates, key).unwrap_err();
    says(server("", &one.key), "the text that was given has no certificate");
    says(server(&one.key, &one.key), "has no certificate");
    says(server(&one.certificates, ""), "has no private key");
    says(server(&one.certificates, &one.certificates), "has no private key");
    says(server(&one.certificates, &other.key), "does not belong to the first certificate");
    let encrypted = one.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    says(server(&one.certificates, &encrypted), "openssl pkey");
    let half = &one.certificates[..one.certificates.len() / 2];
    says(server(half, &one.key), "is not valid PEM: a section has no end");
    let odd = one.certificates.replacen("MII", "M!I", 1);
    says(server(&odd, &one.key), "is not base64");
    let nonsense = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    says(server(&one.certificates, nonsense), "cannot be used");
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    says(server(nonsense, &one.key), "a certificate in the text that was given cannot be used");
    let client = authority.client_tls();
    says(client.clone().identity_pem(&*one.certificates, &*other.key).unwrap_err(), "belong to");
    says(ClientTls::roots_pem(nonsense).unwrap_err(), "cannot be used");
    says(ClientTls::roots_pem("").unwrap_err(), "has no certificate");
    says(one.server_tls().client_certificates("").unwrap_err(), "has no certificate");
    says(client.server_name("not a name").unwrap_err(), "not the name of a server");
    says(ClientTls::pinned([]).unwrap_err(), "no pin");
    says(KeyPin::of_certificate(nonsense).unwrap_err(), "damaged");
}

#[test]
fn files_are_named() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("absent.pem");
    let error = ServerTls::from_files(&path, &path).unwrap_err();
    assert!(matches!(&error, TlsError::Read { path: read, .. } if *read == path), "{error:?}");
    says(error, "absent.pem: No such file");
    std::fs::write(&path, "nothing").unwrap();
    let one = Authority::default().server(&["a"]);
    says(ServerTls::from_pem(one.certificates, &*path).unwrap_err(), "absent.pem has no private");
}

/// Nothing of a key is shown, whoever prints what.
#[test]
fn keys_are_not_shown() {
    let one = Authority::default().server(&["a"]);
    let secret = one.key.lines().nth(1).unwrap();
    let tls = ServerTls::from_pem(&*one.certificates, &*one.key).unwrap();
    let client = Authority::default().client_tls().identity_pem(one.certificates, &*one.key);
    let shown = format!(
        "{tls:?} {:?} {:?} {:?}",
        client.unwrap(),
        Pem::from(&*one.key),
        Server::new().tls(tls.clone())
    );
    assert!(!shown.contains(secret), "{shown}");
    assert!(format!("{:?}", Pem::from(Path::new("/x/y.key"))).contains("/x/y.key"));
}

#[tokio::test]
async fn a_plain_server_that_others_reach_says_so_once() {
    let (log, _listening) = Log::listen();
    for (address, tls, lines) in
        [("127.0.0.1:0", false, 0), ("0.0.0.0:0", true, 0), ("0.0.0.0:0", false, 1)]
    {
        let mut server = Server::new();
        if tls {
            server = server.tls(Authority::default().server_tls());
        }
        let running = server.start(address).await.unwrap();
        let said = log.lines("WITHOUT TLS");
        assert_eq!(said.len(), lines, "{said:?}");
        assert!(said.iter().all(|line| line.starts_with("WARN")), "{said:?}");
        running.shutdown().await;
    }
}
