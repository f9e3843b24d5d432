//! `rpc ping`: the way to a server and back, as the protocol's own pings measure it.

use std::time::Duration;

use anyhow::Result;

use crate::{
    connect::{connect, short},
    output,
    patience::Patience,
};

const EXAMPLES: &str = "\
Examples:
  rpc ping 127.0.0.1:7000
  rpc ping -n 100 --interval 10ms 127.0.0.1:7000";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    address: String,
    /// How many pings.
    #[arg(short = 'n', long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// The pause between two.
    #[arg(long, default_value = "200ms", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// Print one JSON object for each ping, and errors as JSON too.
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let server = connect(&args.address, patience).await?;
    if !args.json {
        server.phases.print();
    }
    let mut times = Vec::new();
    for number in 1..=args.count {
        if number > 1 {
            tokio::time::sleep(args.interval).await;
        }
        let what = format!("{} to answer ping {number}", server.address);
        let answer = patience.anew().asking(&what, server.channel.ping()).await?;
        let took = answer.map_err(|status| server.failed(status))?;
        times.push(took);
        if args.json {
            let micros = took.as_secs_f64() * 1e6;
            output::json(&serde_json::json!({ "ping": number, "micros": micros }), true);
        } else {
            output::line(&format!("{number}: {}", short(took)));
        }
    }
    if !args.json {
        let sum: Duration = times.iter().sum();
        let (least, most) = (times.iter().min(), times.iter().max());
        output::line(&format!(
            "min {}  avg {}  max {}",
            short(least.copied().unwrap_or_default()),
            short(sum / args.count),
            short(most.copied().unwrap_or_default()),
        ));
    }
    Ok(())
}
