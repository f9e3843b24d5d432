//! `rpc kill`: ends calls in flight on a server.

use anyhow::Result;

use super::ps::object;
use crate::{
    inspected::{self, brief},
    output,
    patience::Patience,
};

const EXAMPLES: &str = "\
The caller gets CANCELLED, and the handler is dropped. The numbers are those of `rpc ps`.
The server has to allow it: Server::inspect, with Inspection::kill or kill_requires.

Examples:
  rpc kill 127.0.0.1:7000 17
  rpc kill 127.0.0.1:7000 17 18 23";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    pub(super) address: String,
    /// The numbers of the calls.
    #[arg(required = true, value_name = "CALL")]
    calls: Vec<u64>,
    /// Print one JSON object for each call that was ended, and errors as JSON too.
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let server = inspected::connect(&args.address, patience).await?;
    for call in args.calls {
        let ended = server.kill(call).await?;
        if args.json {
            output::json(&object(&ended), true);
        } else {
            let (method, peer, age) = (&ended.method, &ended.peer, brief(ended.age));
            output::line(&format!("ended call {call}: {method} from {peer}, after {age}"));
        }
    }
    Ok(())
}
