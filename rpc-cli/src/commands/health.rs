//! `rpc health`: whether a server serves, for probes and for whoever waits for it.

use anyhow::{Result, anyhow};
use rpc_core::{
    CallError, Code, Status,
    health::{HealthClient, ServingStatus},
};
use serde_json::json;

use crate::{
    access,
    connect::{Connected, connect},
    exit::Failure,
    output,
    patience::Patience,
};

const EXAMPLES: &str = "\
Exit codes:
  0    SERVING
  1    NOT_SERVING, or UNKNOWN
  69   SERVICE_UNKNOWN: the server has no such service
  76   the server has no health service: its program adds one by Server::health
  78   nothing answers
With --watch, that of the last status: 130 after Ctrl-C, 78 if the connection is lost.

Examples:
  rpc health 127.0.0.1:7000                       the server as a whole
  rpc health 127.0.0.1:7000 Orders                one of its services
  rpc health --max-time 2s 127.0.0.1:7000         for a probe
  rpc health --watch 127.0.0.1:7000               now, and whenever it changes";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    pub(super) address: String,
    /// The service to ask about; by default, the server as a whole.
    #[arg(default_value = "", hide_default_value = true)]
    service: String,
    /// Print the status now and whenever it changes, until the server ends.
    #[arg(short, long)]
    watch: bool,
    /// Send a PROXY header first, as proxies do on connections of their own (LOCAL): for servers that expect one from this machine.
    #[arg(long)]
    proxy_header: bool,
    /// Print one JSON object for each status, and errors as JSON too.
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    if args.proxy_header {
        access::say_proxy_header();
    }
    let server = connect(&args.address, patience).await?;
    let health = HealthClient::new(server.channel.clone());
    let what = format!("{} to say whether it serves", server.address);
    if !args.watch {
        let asked = patience.asking(&what, health.check(&args.service)).await?;
        let status = asked.map_err(|CallError::Status(status)| refused(&server, status))?;
        args.print(status);
        return args.end(&server, status);
    }
    let asked = patience.asking(&what, health.watch(&args.service)).await?;
    let mut statuses = asked.map_err(|CallError::Status(status)| refused(&server, status))?;
    let mut last = ServingStatus::Unknown;
    loop {
        let next = tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => return Err(Failure::Interrupted.into()),
            next = statuses.next() => next,
        };
        let Some(next) = next else { return args.end(&server, last) };
        last = next.map_err(|CallError::Status(status)| refused(&server, status))?;
        args.print(last);
    }
}

impl Args {
    fn print(&self, status: ServingStatus) {
        if self.json {
            let object = json!({ "service": self.service, "status": status.name() });
            output::json(&object, true);
        } else {
            output::line(status.name());
        }
    }

    /// The end of the command, which has printed this status.
    fn end(&self, server: &Connected, status: ServingStatus) -> Result<()> {
        Err(match status {
            ServingStatus::Serving => return Ok(()),
            // The status was printed, and says it all.
            ServingStatus::NotServing | ServingStatus::Unknown => Failure::told(anyhow!(status)),
            ServingStatus::ServiceUnknown => {
                let message = format!("{} has no service {}", server.address, self.service);
                Failure::Refused { code: Code::NotFound, message }
            }
        }
        .into())
    }
}

/// The refusal of a server that does not tell says how that is changed.
fn refused(server: &Connected, status: Status) -> anyhow::Error {
    if status.code() == Code::Unimplemented {
        let message = format!(
            "{} does not say whether it serves: its program adds that by Server::health",
            server.address
        );
        return Failure::unknown(message).into();
    }
    server.failed(status).into()
}
