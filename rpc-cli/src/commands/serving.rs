//! What commands that serve have in common: their TLS, and an end in good order.

use std::{
    path::{Path, PathBuf},
    pin::pin,
};

use anyhow::{Context as _, Result};
use rpc_core::{
    Running,
    tls::{Pem, ServerTls, TlsError},
};

use crate::{exit::Failure, output};

/// The options of TLS with clients.
#[derive(Debug, clap::Args)]
pub(super) struct Tls {
    /// Serve TLS with this certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The key of that certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Serve clients alone whose certificate an authority in this file (PEM) vouches for.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
}

impl Tls {
    /// TLS as the options say, if they ask for it.
    pub(super) fn server(&self) -> Result<Option<ServerTls>> {
        let wrong = |error: TlsError| Failure::usage(error.to_string());
        let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Ok(None);
        };
        let tls = ServerTls::from_files(certificate, key).map_err(wrong)?;
        Ok(Some(match &self.client_ca {
            Some(authorities) => tls.client_certificates(Pem::file(authorities)).map_err(wrong)?,
            None => tls,
        }))
    }

    /// The file of the certificate.
    pub(super) fn certificate(&self) -> Option<&Path> {
        self.tls_cert.as_deref()
    }

    /// Whether clients are to show a certificate.
    pub(super) const fn asks_clients(&self) -> bool {
        self.client_ca.is_some()
    }
}

/// Has SIGINT and SIGTERM let the calls that run finish, and a second one end them; `announce` is said once that holds, before
/// anybody can know that the server is there.
pub(super) async fn until_signal(running: Running, announce: impl FnOnce()) -> Result<()> {
    let handle = running.shutdown_handle();
    let mut ended = pin!(running.until_signal().context("cannot listen for signals")?);
    announce();
    tokio::select! {
        () = &mut ended => return Ok(()),
        () = handle.begun() => output::note("finishing running calls; once more to quit now"),
    }
    ended.await;
    Ok(())
}
