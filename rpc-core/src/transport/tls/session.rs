//! What two sides have agreed upon.

use std::{fmt, sync::Arc};

use tokio_rustls::rustls::{CommonState, HandshakeKind, ProtocolVersion};

use super::Certificate;

/// The TLS session of a connection: `peer.get::<TlsSession>()`, or [`Peer::tls`](crate::Peer::tls).
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let channel = rpc_core::Channel::connect("tls:calculator.example:7000").await?;
/// if let Some(session) = channel.peer().tls() {
///     println!("{session}");
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TlsSession {
    version: String,
    cipher: String,
    key_exchange: String,
    alpn: Option<String>,
    resumed: bool,
    certificate: Option<Arc<Certificate>>,
}

impl TlsSession {
    /// That of a connection whose handshake is over.
    pub(super) fn of(state: &CommonState) -> Self {
        let version = state.protocol_version().map(|version| match version {
            ProtocolVersion::TLSv1_3 => "TLS 1.3".to_owned(),
            version => format!("{version:?}"),
        });
        let cipher = state.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite()));
        let group = state.negotiated_key_exchange_group();
        let alpn = state.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        let certificate = state.peer_certificates().and_then(<[_]>::first);
        Self {
            version: version.unwrap_or_default(),
            cipher: cipher.unwrap_or_default(),
            key_exchange: group.map(|group| format!("{:?}", group.name())).unwrap_or_default(),
            alpn,
            resumed: state.handshake_kind() == Some(HandshakeKind::Resumed),
            certificate: certificate.map(|der| Arc::new(Certificate::new(der.clone()))),
        }
    }

    /// The version of the protocol: `TLS 1.3`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The cipher suite, such as `TLS13_AES_128_GCM_SHA256`.
    #[must_use]
    pub fn cipher(&self) -> &str {
        &self.cipher
    }

    /// How the keys were agreed upon: `X25519MLKEM768`, which holds against quantum computers too, between two sides
    /// of this crate. `X25519` where a session goes on: the secret of the first one is in its keys as well.
    #[must_use]
    pub fn key_exchange(&self) -> &str {
        &self.key_exchange
    }

    /// The protocol that was agreed upon for what is inside: `rpc/1`, unless the other side named none.
    #[must_use]
    pub fn alpn(&self) -> Option<&str> {
        self.alpn.as_deref()
    }

    /// Whether the session goes on with an earlier one, which takes less work than a new one.
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// The certificate of the other end, if it has shown one.
    #[must_use]
    pub const fn peer_certificate(&self) -> Option<&Arc<Certificate>> {
        self.certificate.as_ref()
    }
}

/// `TLS 1.3, TLS13_AES_128_GCM_SHA256, X25519MLKEM768`.
impl fmt::Display for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, cipher, key_exchange, resumed, .. } = self;
        write!(f, "{version}, {cipher}, {key_exchange}")?;
        if *resumed { f.write_str(", resumed") } else { Ok(()) }
    }
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TlsSession({self}, {:?}, {:?})", self.alpn, self.certificate)
    }
}
