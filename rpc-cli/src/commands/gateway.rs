//! `rpc gateway`: HTTP, JSON-RPC and WebSocket in front of a server that lacks them; and the protocol itself, for who can
//! reach the gateway alone. `rpc ui` is the same on a free port of this machine.

use anyhow::Result;
use rpc_core::{
    Address, Http, IntoAddress as _, Reconnect, Running, Server, schema::ServiceSchema,
};

use super::serving::{Tls, until_signal};
use crate::{
    access, connect::connect, description::Budget, exit::Failure, output, patience::Patience,
};

const EXAMPLES: &str = "\
The first line on stdout is the address that the gateway listens at. Calls are passed on as they come, with their \
deadlines, metadata, tokens and streams; --token is sent upstream for the gateway itself.

Examples:
  rpc gateway --upstream 127.0.0.1:7000 --listen 127.0.0.1:8080
  rpc gateway --upstream unix:/run/orders.sock --listen 127.0.0.1:0
  rpc gateway --upstream tls:orders.example:7000 --cacert ca.pem --listen 127.0.0.1:8080
  rpc gateway --upstream 127.0.0.1:7000 --listen 0.0.0.0:443 --tls-cert server.pem --tls-key server.key";

/// What is served, and where.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The server that has the services: host:port, tls:host:port, ws:host:port, unix:/path.
    #[arg(long, value_name = "ADDR")]
    upstream: String,
    /// Where to listen: host:port, port 0 for a free one, or unix:/path.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Allow web pages of this origin, scheme://host:port as browsers write it, to call; * allows all. May be repeated.
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    allow_origin: Vec<String>,
    /// Answer to this host name at a loopback address: the name of a proxy in front.
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    #[command(flatten)]
    tls: Tls,
}

/// What `rpc ui` shows.
#[derive(Debug, clap::Args)]
#[command(after_help = UI_EXAMPLES)]
pub(crate) struct UiArgs {
    /// The server: host:port, tls:host:port, ws:host:port, unix:/path.
    pub(super) address: String,
    /// The port on this machine that serves the page; 0 for a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

const UI_EXAMPLES: &str = "\
The first line on stdout is the URL of the page. It is served on this machine alone; calls go to the server with \
the rights of this program.

Examples:
  rpc ui 127.0.0.1:7000
  rpc ui unix:/run/orders.sock
  rpc ui tls:orders.example:7000 --cacert ca.pem --token-file token
  rpc ui 127.0.0.1:7000 --port 8080";

impl Args {
    /// What was typed where the address of a server stands.
    pub(super) fn address(&self) -> &str {
        &self.upstream
    }
}

/// Serves until a signal ends it.
pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let listen = args.listen.as_str().into_address();
    let listen = listen.map_err(|error| Failure::usage(error.to_string()))?;
    let mut http = Http::new();
    for origin in args.allow_origin {
        http = http.allow_origin(origin);
    }
    for host in args.host {
        http = http.host(host);
    }
    let tls = args.tls.server()?;
    let mut server = forwarding(&args.upstream, patience).await?.http(http);
    if let Some(tls) = tls {
        server = server.tls(tls);
    }
    let running = start(server, listen).await?;
    let bound = running.address().to_string();
    until_signal(running, || output::line(&bound)).await
}

/// The same at a loopback address.
pub(super) async fn run_ui(args: UiArgs, patience: Patience) -> Result<()> {
    let server = forwarding(&args.address, patience).await?.http(Http::new());
    let listen = Address::Tcp { host: "127.0.0.1".to_owned(), port: args.port };
    let running = start(server, listen).await?;
    let page = format!("http://{}/", running.address());
    let announce = || {
        output::line(&page);
        output::note("open it in a browser; Ctrl-C to quit");
    };
    until_signal(running, announce).await
}

/// A server that hands calls on, once it is known what there is.
async fn forwarding(upstream: &str, patience: Patience) -> Result<Server> {
    let services = services(upstream, patience).await?;
    let address = upstream.into_address().map_err(|error| Failure::usage(error.to_string()))?;
    // What this program says once it says again on every new connection.
    let endpoint = access::endpoint().reconnect(Reconnect::default());
    let address = access::address(address);
    let channel = endpoint.connect(address.clone()).await;
    let channel = channel.map_err(|error| Failure::unreachable(error.to_string()))?;
    let server = Server::new().name("rpc gateway").forward_to(channel, services);
    // Whom the server calls has a connection of its own to it.
    Ok(server.forward_each(move |client| {
        endpoint.clone().hand_back(client).connect_lazy(address.clone())
    }))
}

async fn services(upstream: &str, patience: Patience) -> Result<Vec<ServiceSchema>> {
    let mut connected = connect(upstream, patience).await?;
    let mut budget = Budget::default();
    let mut services = Vec::new();
    for name in connected.services().await? {
        services.push(connected.describe_within(&name, &mut budget).await?);
    }
    Ok(services)
}

async fn start(server: Server, listen: Address) -> Result<Running> {
    let running = server.start(listen).await;
    Ok(running.map_err(|error| Failure::unreachable(error.to_string()))?)
}

/// Reads an origin, for what is none would let nobody in.
fn origin(text: &str) -> Result<String, String> {
    let behind = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let fine = text == "*"
        || behind.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' ']));
    match fine {
        true => Ok(text.to_owned()),
        false => Err("an origin is scheme://host or scheme://host:port, without a path".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn origins_are_what_browsers_send() {
        for fine in ["*", "https://app.example", "http://localhost:3000"] {
            assert!(origin(fine).is_ok(), "{fine}");
        }
        for wrong in ["app.example", "https://", "https://app.example/", "ftp://x", "https://a b"] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
