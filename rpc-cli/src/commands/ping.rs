//! `rpc ping`: the way to a server and back, as the protocol's own pings measure it.

use std::{
    pin::pin,
    time::{Duration, SystemTime},
};

use anyhow::Result;
use rpc_core::tls::TlsSession;

use crate::{
    connect::{connect, short},
    exit::Failure,
    output,
    patience::{Patience, span},
};

const EXAMPLES: &str = "\
Examples:
  rpc ping 127.0.0.1:7000
  rpc ping -n 100 --interval 10ms 127.0.0.1:7000
  rpc ping -v tls:example.org:7000                    with the session of TLS";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    pub(super) address: String,
    /// How many pings.
    #[arg(short = 'n', short_alias = 'c', long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// The pause between pings.
    #[arg(long, default_value = "200ms", value_parser = span)]
    interval: Duration,
    /// Show the TLS session: version, cipher, key exchange, the server's certificate and when it expires.
    #[arg(short, long)]
    verbose: bool,
    /// Print one JSON object for each ping and one for all, and errors as JSON too.
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let server = connect(&args.address, patience).await?;
    if !args.json {
        server.phases.print();
    }
    if args.verbose {
        session(server.channel.peer().tls());
    }
    let mut times = Vec::new();
    // One for all pings: a signal between two of them is not to get lost.
    let mut interrupted = pin!(tokio::signal::ctrl_c());
    for number in 1..=args.count {
        let what = format!("{} to answer ping {number}", server.address);
        let pinged = async {
            if number > 1 {
                tokio::time::sleep(args.interval).await;
            }
            patience.anew().asking(&what, server.channel.ping()).await
        };
        let answer = tokio::select! {
            biased;
            _ = &mut interrupted => {
                // The terminal shows ^C, behind which the summary would stand.
                output::note("");
                summary(&times, args.json);
                return Err(Failure::Interrupted.into());
            }
            answer = pinged => answer?,
        };
        let took = answer.map_err(|status| server.failed(status))?;
        times.push(took);
        if args.json {
            output::json(&serde_json::json!({ "ping": number, "micros": micros(took) }), true);
        } else {
            output::line(&format!("{number}: {}", short(took)));
        }
    }
    summary(&times, args.json);
    Ok(())
}

/// Microseconds, to the nanosecond.
fn micros(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

/// Sums up what was measured, if anything was.
fn summary(times: &[Duration], json: bool) {
    let (Some(&least), Some(&most)) = (times.iter().min(), times.iter().max()) else { return };
    let sum: Duration = times.iter().sum();
    let mean = sum / u32::try_from(times.len()).unwrap_or(u32::MAX);
    if json {
        let (min, mean, max) = (micros(least), micros(mean), micros(most));
        let figures = serde_json::json!({ "min": min, "mean": mean, "max": max });
        output::json(&serde_json::json!({ "pings": times.len(), "micros": figures }), true);
    } else {
        let (least, mean, most) = (short(least), short(mean), short(most));
        output::line(&format!("min {least}  avg {mean}  max {most}"));
    }
}

/// Says how a connection is protected.
fn session(session: Option<&TlsSession>) {
    let Some(session) = session else {
        output::note("no TLS: anyone in between can read and change everything");
        return;
    };
    output::note(&format!("TLS: {session}"));
    if let Some(protocol) = session.alpn() {
        output::note(&format!("protocol: {protocol}"));
    }
    let Some(certificate) = session.peer_certificate() else { return };
    output::note(&format!("certificate: {}", certificate.subject()));
    let addresses = certificate.ip_addresses().iter().map(ToString::to_string);
    let names: Vec<_> = certificate
        .dns_names()
        .iter()
        .cloned()
        .chain(addresses)
        .chain(certificate.uris().to_vec())
        .collect();
    if !names.is_empty() {
        output::note(&format!("for: {}", names.join(", ")));
    }
    output::note(&format!("issued by: {}", certificate.issuer()));
    if let Some(end) = certificate.not_after() {
        let when = humantime::format_rfc3339_seconds(end);
        let left = match end.duration_since(SystemTime::now()) {
            Ok(left) => format!("in {} days", left.as_secs() / 86_400),
            Err(_) => "it has expired".to_owned(),
        };
        output::note(&format!("expires: {when}, {left}"));
    }
    if let Some(pin) = certificate.key_pin() {
        output::note(&format!("key: {pin}"));
    }
}
