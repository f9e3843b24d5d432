//! TLS with servers: whom to believe, and what to show them.

use std::path::PathBuf;

use anyhow::Result;
use rpc_core::tls::{ClientTls, KeyPin, TlsError};

use crate::exit::Failure;

/// The options of TLS. Any of them turns it on.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Use TLS, as for an address tls:host:port; the other TLS options imply it.
    #[arg(long, global = true, help_heading = "TLS")]
    tls: bool,
    /// Trust the authorities in this file (PEM) and no others; by default, those of the operating system.
    #[arg(long, global = true, value_name = "FILE", help_heading = "TLS")]
    cacert: Option<PathBuf>,
    /// Present this certificate (PEM) to servers that ask for one.
    #[arg(long, global = true, value_name = "FILE", requires = "key", help_heading = "TLS")]
    cert: Option<PathBuf>,
    /// The key of that certificate (PEM).
    #[arg(long, global = true, value_name = "FILE", requires = "cert", help_heading = "TLS")]
    key: Option<PathBuf>,
    /// The name that the server's certificate must have; by default, the host of the address.
    #[arg(long, global = true, value_name = "NAME", help_heading = "TLS")]
    server_name: Option<String>,
    /// Trust the server whose key has this SHA-256, in hexadecimal or as sha256//BASE64, whoever signed its certificate.
    #[arg(
        long,
        global = true,
        value_name = "SHA256",
        conflicts_with = "cacert",
        help_heading = "TLS"
    )]
    pin: Vec<KeyPin>,
    /// Trust whoever answers: anyone in between can read and change everything.
    #[arg(long, global = true, conflicts_with_all = ["cacert", "pin"], help_heading = "TLS")]
    insecure: bool,
}

impl Options {
    /// TLS as the options say, if any of them asks for it.
    ///
    /// # Errors
    /// A file cannot be read, or holds something else.
    pub(super) fn client(&self) -> Result<Option<ClientTls>> {
        let wrong = |error: TlsError| Failure::usage(error.to_string());
        if !self.is_wanted() {
            return Ok(None);
        }
        let mut tls = match &self.cacert {
            Some(file) => ClientTls::roots_file(file),
            None if self.insecure => ClientTls::dangerous_without_verification(),
            None if !self.pin.is_empty() => ClientTls::pinned(self.pin.iter().copied()),
            None => ClientTls::platform(),
        }
        .map_err(wrong)?;
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            tls = tls.identity_files(cert, key).map_err(wrong)?;
        }
        if let Some(name) = &self.server_name {
            tls = tls.server_name(name).map_err(wrong)?;
        }
        Ok(Some(tls))
    }

    fn is_wanted(&self) -> bool {
        let Self { tls, cacert, cert, key, server_name, pin, insecure } = self;
        *tls || *insecure
            || [cacert, cert, key].iter().any(|file| file.is_some())
            || server_name.is_some()
            || !pin.is_empty()
    }
}
