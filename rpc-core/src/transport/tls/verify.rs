//! Who passes for the server: a key that is known, or anybody.

use std::{fmt, sync::Arc};

use thiserror::Error;
use tokio_rustls::rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{KeyPin, certificate::pin_of};

/// Accepts servers by their keys, or whatever they show; that they have the key is checked in either case.
pub(super) struct Keys {
    /// Nobody's in particular: everybody is accepted.
    pub(super) pins: Option<Vec<KeyPin>>,
    pub(super) provider: Arc<CryptoProvider>,
}

/// The server has another key than those that are pinned.
#[derive(Clone, Copy, Debug, Error)]
#[error("the server's key is {0}")]
pub(super) struct OtherKey(pub(super) KeyPin);

impl ServerCertVerifier for Keys {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(pins) = &self.pins else { return Ok(ServerCertVerified::assertion()) };
        let pin = pin_of(end_entity)
            .ok_or_else(|| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        if pins.contains(&pin) {
            return Ok(ServerCertVerified::assertion());
        }
        let other = OtherError(Arc::new(OtherKey(pin)));
        Err(Error::InvalidCertificate(CertificateError::Other(other)))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("pins", &self.pins).finish_non_exhaustive()
    }
}
