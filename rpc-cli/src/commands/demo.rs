//! `rpc demo`: a server to play with, in this process, until a signal ends it in good order.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rpc_core::{
    Address, Http, IntoAddress as _, Resume, Running, Server,
    tls::{Pem, ServerTls, TlsError},
};

use crate::{demo, exit::Failure, output};

const EXAMPLES: &str = "\
The first line of stdout is the address that the server got.

Examples:
  rpc demo
  rpc demo --listen 127.0.0.1:0          a free port
  rpc demo --listen unix:/tmp/demo.sock
  rpc demo --tls-cert server.pem --tls-key server.key    see rpc cert dev";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where to listen: host:port, port 0 for a free one, or unix:/path.
    #[arg(long, default_value = "127.0.0.1:7000")]
    listen: String,
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

impl Args {
    fn tls(&self) -> Result<Option<ServerTls>> {
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
}

impl Args {
    /// What clients need to be told of TLS, in front of the address: files of `rpc cert dev`, if they are there.
    fn hints(&self) -> String {
        let Some(folder) = self.tls_cert.as_deref().and_then(Path::parent) else {
            return String::new();
        };
        let file = |name: &str| {
            let path = folder.join(name);
            if path.is_file() { path.display().to_string() } else { name.to_uppercase() }
        };
        let mut hints = format!("--cacert {} ", file("ca.pem"));
        if self.client_ca.is_some() {
            hints += &format!("--cert {} --key {} ", file("client.pem"), file("client.key"));
        }
        hints
    }
}

pub(super) async fn run(args: Args) -> Result<()> {
    let address = args.listen.as_str().into_address();
    let address = address.map_err(|error| Failure::usage(error.to_string()))?;
    // Before anybody can know that it is there: from then on it ends in order.
    let signals = Signals::listen()?;
    let mut server =
        demo::services(Server::new().name("rpc demo").http(Http::new()).resume(Resume::new()));
    let options = args.hints();
    if let Some(tls) = args.tls()? {
        server = server.tls(tls);
    }
    let running = server.start(address).await;
    let running = running.map_err(|error| Failure::unreachable(error.to_string()))?;
    let bound = running.address();
    output::line(&bound.to_string());
    let address = format!("{options}{bound}");
    output::line(&format!("Try, in another terminal:\n  rpc list {address}"));
    output::line(&format!("  rpc describe {address} Inventory"));
    output::line(&format!("  rpc call {address} Calculator.add a=1 b=2"));
    output::line(&format!("  rpc call {address} Calculator.div a=1 b=0"));
    output::line(&format!("  rpc call --timeout 100ms {address} Clock.sleep ms=1000"));
    output::line(&format!("  rpc call {address} Clock.ticks every_ms=500"));
    output::line(&format!("  seq 10 | rpc call {address} Calculator.average"));
    output::line(&format!("  rpc call {address} Chat.join nick=ada room=lobby"));
    if matches!(bound, Address::Tcp { .. }) {
        output::line(&format!("  curl -d '[1,2]' {bound}/Calculator.add"));
    }
    end_on_signal(running, signals).await
}

/// SIGINT and SIGTERM let the calls that run finish; a second one does not wait for them.
async fn end_on_signal(running: Running, mut signals: Signals) -> Result<()> {
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
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self> {
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
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
