//! `rpc demo`: a server to play with, in this process, until a signal ends it in good order.

use std::path::Path;

use anyhow::Result;
use rpc_core::{
    Address, IntoAddress as _, Limits, Resume, Server, health::HealthReporter, inspect::Inspection,
};

use super::serving;
use crate::{demo, exit::Failure, output};

const EXAMPLES: &str = "\
The first line on stdout is the address that the server listens at.

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
    #[command(flatten)]
    tls: serving::Tls,
}

impl Args {
    /// What clients need to be told of TLS, in front of the address: files of `rpc cert dev`, if they are there.
    fn hints(&self) -> String {
        let Some(folder) = self.tls.certificate().and_then(Path::parent) else {
            return String::new();
        };
        let file = |name: &str| {
            let path = folder.join(name);
            if path.is_file() { path.display().to_string() } else { name.to_uppercase() }
        };
        let mut hints = format!("--cacert {} ", file("ca.pem"));
        if self.tls.asks_clients() {
            hints += &format!("--cert {} --key {} ", file("client.pem"), file("client.key"));
        }
        hints
    }
}

/// What the demo is beside its services. Whoever reaches it may look at it, and end its calls.
fn demonstrated() -> Server {
    let server = Server::new().name("rpc demo").http(demo::http()).resume(Resume::new());
    // Files are sent to it as pictures.
    let server = server.limits(Limits::default().max_message(64 << 20));
    server.inspect(Inspection::new().kill()).health(&HealthReporter::new())
}

pub(super) async fn run(args: Args) -> Result<()> {
    let address = args.listen.as_str().into_address();
    let address = address.map_err(|error| Failure::usage(error.to_string()))?;
    let mut server = demo::services(demonstrated());
    let options = args.hints();
    if let Some(tls) = args.tls.server()? {
        server = server.tls(tls);
    }
    let running = server.start(address).await;
    let running = running.map_err(|error| Failure::unreachable(error.to_string()))?;
    let bound = running.address().clone();
    serving::until_signal(running, || announce(&bound, &options)).await
}

/// Says where it is, and what can be tried.
fn announce(bound: &Address, options: &str) {
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
    output::line(&format!("  rpc top {address}"));
    if matches!(bound, Address::Tcp { .. }) {
        output::line(&format!("  curl -d '[1,2]' {bound}/Calculator.add"));
        output::line(&format!("or open http://{bound}/ in a browser"));
    }
}
