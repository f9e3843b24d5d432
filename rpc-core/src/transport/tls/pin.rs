//! Keys by their hash, for those who know a server rather than an authority that vouches for it.

use std::{fmt, str::FromStr};

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};
use tokio_rustls::rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;

use super::{Pem, TlsError, certificate};

/// A public key by the SHA-256 of its `SubjectPublicKeyInfo`, as HPKP, curl and OkHttp pin keys. It stays the same when a
/// certificate is renewed for the same key.
///
/// It is read from 64 hexadecimal digits or from curl's `sha256//` with base64, and shown as the latter.
///
/// ```
/// use rpc_core::tls::KeyPin;
/// let pin: KeyPin = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse()?;
/// let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
/// assert_eq!(pin, hex.parse()?);
/// # Ok::<(), rpc_core::tls::TlsError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPin([u8; 32]);

impl KeyPin {
    /// A pin whose bytes are known.
    #[must_use]
    pub const fn from_sha256(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// The pin of the key that the first certificate is for.
    ///
    /// # Errors
    /// There is no certificate, or it cannot be read.
    pub fn of_certificate(certificate: impl Into<Pem>) -> Result<Self, TlsError> {
        let pem = certificate.into();
        let certificates = pem.certificates()?;
        certificate::pin_of(&certificates[0]).ok_or_else(|| TlsError::Certificate {
            from: pem.name(),
            reason: "it is damaged".to_owned(),
        })
    }

    /// The pin of a key in DER.
    pub(super) fn of_key(spki: &[u8]) -> Self {
        let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("the suite is one of TLS 1.3");
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(suite.common.hash_provider.hash(spki).as_ref());
        Self(sha256)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for KeyPin {
    type Err = TlsError;

    fn from_str(text: &str) -> Result<Self, TlsError> {
        let decoded = match text.strip_prefix("sha256//").or_else(|| text.strip_prefix("sha256/")) {
            Some(base64) => BASE64.decode(base64.as_bytes()),
            None => HEXLOWER_PERMISSIVE.decode(text.replace(':', "").as_bytes()),
        };
        let bytes = decoded.ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| TlsError::Pin(text.to_owned()))
    }
}

impl fmt::Display for KeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256//{}", BASE64.encode(&self.0))
    }
}

impl fmt::Debug for KeyPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPin({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read_in_both_forms_and_shown_as_curl_has_them() {
        let of_nothing = KeyPin::of_key(b"");
        let curl = "sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(of_nothing.to_string(), curl);
        let hex = "E3:B0:C44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!((curl.parse().unwrap(), hex.parse().unwrap()), (of_nothing, of_nothing));
    }

    #[test]
    fn what_is_no_pin_says_what_one_is() {
        for text in ["", "sha256//", "sha256//AAAA", "e3b0", "sha1//47DEQpj8HBSa"] {
            let error = text.parse::<KeyPin>().unwrap_err();
            assert!(error.to_string().contains("64 hexadecimal digits"), "{error}");
        }
    }
}
