//! TLS 1.3 around a link, by rustls. What goes in and what comes out is a [`Link`](crate::Link), so that nothing above
//! learns of it but the peer's identity.
//!
//! ```text
//! Link ──▶ ServerTls::accept, ClientTls::connect ──┬──▶ Link, whose peer has an Identity and a TlsSession
//!                                                  └──▶ HandshakeError: what is wrong, and with whose
//! ```
//!
//! On the server it runs in the connection's own task, under the handshake timeout; see `docs/guide/tls.md`.

mod certificate;
mod client;
mod error;
mod handshake;
mod pem;
mod pin;
mod server;
mod session;
mod sessions;
mod stream;
mod verify;

pub use certificate::Certificate;
pub(crate) use client::Attempt;
pub use client::ClientTls;
pub use error::TlsError;
pub use handshake::{HandshakeError, Party};
pub use pem::Pem;
pub use pin::KeyPin;
pub(crate) use server::Offer;
pub use server::ServerTls;
pub use session::TlsSession;

use std::sync::{Arc, LazyLock};

use tokio_rustls::rustls::crypto::{
    CryptoProvider,
    aws_lc_rs::{self, cipher_suite},
};

/// The protocol's name within TLS (PROTOCOL §2).
const ALPN: &[u8] = b"rpc/1";

/// The cryptography, whatever else the program has chosen for itself. AES-128 with SHA-256 comes first: processors have
/// instructions for both, and few for the SHA-384 of the other, which every handshake computes dozens of times.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        let cipher_suites = vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ];
        Arc::new(CryptoProvider { cipher_suites, ..aws_lc_rs::default_provider() })
    });
    Arc::clone(&PROVIDER)
}
