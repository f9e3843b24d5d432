//! What may be wrong with certificates, keys, pins and names before anybody is called.

use std::{io, path::PathBuf, sync::Arc};

use thiserror::Error;

/// Why TLS cannot be set up as it was asked for.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        reason: Arc<io::Error>,
    },
    /// The text begins a section of PEM and does not go on as one.
    #[error("{from} is not valid PEM: {reason}")]
    Pem {
        /// Where it comes from.
        from: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no certificate.
    #[error("{from} has no certificate: one begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate {
        /// Where it should be.
        from: String,
    },
    /// There is no private key.
    #[error("{from} has no private key: one begins with -----BEGIN PRIVATE KEY-----")]
    NoKey {
        /// Where it should be.
        from: String,
    },
    /// The private key is encrypted, and nobody can be asked for its passphrase.
    #[error(
        "the private key in {from} is encrypted: take the passphrase off, by `openssl pkey -in OLD -out NEW`"
    )]
    EncryptedKey {
        /// Where it is.
        from: String,
    },
    /// The private key is of a kind that cannot be used, or is damaged.
    #[error("the private key in {from} cannot be used: {reason}")]
    Key {
        /// Where it is.
        from: String,
        /// Why.
        reason: String,
    },
    /// The private key belongs to another certificate.
    #[error("the private key in {key} does not belong to the first certificate in {certificates}")]
    KeyMismatch {
        /// Where the key is.
        key: String,
        /// Where the certificate is.
        certificates: String,
    },
    /// A certificate is damaged, or cannot be used as what it is given for.
    #[error("a certificate in {from} cannot be used: {reason}")]
    Certificate {
        /// Where it is.
        from: String,
        /// Why.
        reason: String,
    },
    /// The certificate authorities of the platform cannot be used.
    #[error("cannot use the certificate authorities of this machine: {0}")]
    Platform(String),
    /// There is no pin, so that no server would be accepted.
    #[error("no pin was given: no server would be accepted")]
    NoPin,
    /// Text that is not a pin.
    #[error(
        "{0:?} is not the pin of a key: write its SHA-256 as 64 hexadecimal digits, or as sha256// and base64"
    )]
    Pin(String),
    /// Text that is neither a DNS name nor an IP address.
    #[error("{0:?} is not the name of a server: write a DNS name or an IP address")]
    ServerName(String),
    /// Nothing says whom the server's certificate has to name.
    #[error("{0} has no host name to be checked: say which by ClientTls::server_name")]
    NoServerName(String),
    /// A byte stream of the program's own is to be used as it is, by an endpoint that uses TLS.
    #[error(
        "this endpoint uses TLS, which takes a handshake: give the stream to Endpoint::connect_with"
    )]
    NotDialled,
    /// The cryptography of this program does not do what is needed.
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}

impl TlsError {
    pub(super) fn setup(error: impl std::fmt::Display) -> Self {
        Self::Setup(error.to_string())
    }
}
