//! What commands that serve have in common: their TLS, and an end in good order.

use std::path::{Path, PathBuf};

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

/// SIGINT and SIGTERM let the calls that run finish; a second one does not wait for them.
pub(super) async fn end_on_signal(running: Running, mut signals: Signals) -> Result<()> {
    let handle = running.shutdown_handle();
    tokio::select! {
        () = running.wait() => return Ok(()),
        () = signals.next() => output::note("finishing the calls that run; once more to end at once"),
    }
    handle.shutdown();
    tokio::select! {
        () = running.wait() => {}
        () = signals.next() => {
            handle.abort();
            running.wait().await;
        }
    }
    Ok(())
}

#[cfg(unix)]
pub(super) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn listen() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
