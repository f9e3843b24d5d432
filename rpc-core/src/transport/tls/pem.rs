//! Certificates and keys as PEM: text, or a file that can be read again.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
};

use super::TlsError;

/// Certificates, or a private key, as PEM: the text itself, or a file. Text is what `&str` and bytes are taken for; a
/// file is a [`Path`], or [`Pem::file`].
///
/// ```no_run
/// # use std::path::Path;
/// use rpc_core::tls::{Pem, ServerTls};
/// # fn run() -> Result<(), rpc_core::tls::TlsError> {
/// let text: String = "-----BEGIN CERTIFICATE-----…".to_owned();
/// let tls = ServerTls::from_pem(text, Pem::file("/etc/calculator/server.key"))?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Pem(Source);

#[derive(Clone)]
enum Source {
    Text(Arc<[u8]>),
    File(Arc<Path>),
}

impl Pem {
    /// The contents of a file. It is read when it is needed, and again by
    /// [`ServerTls::reload`](super::ServerTls::reload).
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into().into()))
    }

    /// Where it comes from, for messages.
    pub(super) fn name(&self) -> String {
        match &self.0 {
            Source::Text(_) => "the text that was given".to_owned(),
            Source::File(path) => path.display().to_string(),
        }
    }

    fn read(&self) -> Result<Arc<[u8]>, TlsError> {
        match &self.0 {
            Source::Text(text) => Ok(Arc::clone(text)),
            Source::File(path) => std::fs::read(path).map(Into::into).map_err(|reason| {
                TlsError::Read { path: path.to_path_buf(), reason: Arc::new(reason) }
            }),
        }
    }

    /// All certificates, in their order; at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = self.read()?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        match found {
            Ok(found) if found.is_empty() => Err(TlsError::NoCertificate { from: self.name() }),
            Ok(found) => Ok(found),
            Err(error) => Err(self.broken(&error)),
        }
    }

    /// The first private key.
    pub(super) fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let text = self.read()?;
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                let label = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";
                match text.windows(label.len()).any(|window| window == label) {
                    true => TlsError::EncryptedKey { from: self.name() },
                    false => TlsError::NoKey { from: self.name() },
                }
            }
            error => self.broken(&error),
        })
    }

    /// The certificates as authorities that vouch for others.
    pub(super) fn authorities(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in self.certificates()? {
            roots.add(certificate).map_err(|error| TlsError::Certificate {
                from: self.name(),
                reason: error.to_string(),
            })?;
        }
        Ok(roots)
    }

    fn broken(&self, error: &pem::Error) -> TlsError {
        let reason = match error {
            pem::Error::MissingSectionEnd { .. } => "a section has no end".to_owned(),
            pem::Error::IllegalSectionStart { .. } => "a section begins in a wrong way".to_owned(),
            pem::Error::Base64Decode(_) => "a section is not base64".to_owned(),
            pem::Error::Io(error) => error.to_string(),
            error => format!("{error:?}"),
        };
        TlsError::Pem { from: self.name(), reason }
    }
}

/// Never shows what it holds.
impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pem").field(&format_args!("{}", self.name())).finish()
    }
}

impl From<&[u8]> for Pem {
    fn from(text: &[u8]) -> Self {
        Self(Source::Text(text.into()))
    }
}

impl From<Vec<u8>> for Pem {
    fn from(text: Vec<u8>) -> Self {
        Self(Source::Text(text.into()))
    }
}

impl From<&str> for Pem {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl From<String> for Pem {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&String> for Pem {
    fn from(text: &String) -> Self {
        text.as_bytes().into()
    }
}

impl From<&Path> for Pem {
    fn from(path: &Path) -> Self {
        Self::file(path)
    }
}

impl From<PathBuf> for Pem {
    fn from(path: PathBuf) -> Self {
        Self::file(path)
    }
}

impl From<&PathBuf> for Pem {
    fn from(path: &PathBuf) -> Self {
        Self::file(path)
    }
}
