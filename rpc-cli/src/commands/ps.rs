//! `rpc ps`: the calls in flight on a server, or the last ones that took long or failed.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use rpc_core::inspect::{CallInFlight, CallList, CallQuery, EndedCall};
use serde_json::{Value, json};

use crate::{
    inspected::{self, brief, grouped},
    output::{self, BOLD},
    patience::{Patience, span},
};

const EXAMPLES: &str = "\
A call that waits for `handler` waits inside its own handler: for a timer, a lock, other I/O.
The server has to allow it: Server::inspect.

Examples:
  rpc ps 127.0.0.1:7000
  rpc ps 127.0.0.1:7000 Clock.sleep --older-than 5s
  rpc ps 127.0.0.1:7000 --slow                     calls that were slow or failed lately
  rpc kill 127.0.0.1:7000 17                       end the call with that number";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    pub(super) address: String,
    /// List only calls of this service or method: Service or Service.method.
    method: Option<String>,
    /// List the latest calls that were slow or failed.
    #[arg(long, conflicts_with = "older_than")]
    slow: bool,
    /// List only calls that have run at least this long.
    #[arg(long, value_name = "TIME", value_parser = span)]
    older_than: Option<Duration>,
    /// List at most this many: the oldest, or with --slow the newest.
    #[arg(long, value_name = "CALLS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print one JSON object for each call, and errors as JSON too.
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let server = inspected::connect(&args.address, patience).await?;
    if args.slow {
        let mut calls = server.recent().await?;
        calls.retain(|call| is_meant(args.method.as_deref(), &call.method));
        calls.truncate(args.limit as usize);
        slow(&calls, args.json);
        return Ok(());
    }
    let query =
        CallQuery { method: args.method, older_than: args.older_than, limit: Some(args.limit) };
    in_flight(&server.calls(query).await?, args.json);
    Ok(())
}

/// Whether a method is the one that is wanted, or of that service.
fn is_meant(wanted: Option<&str>, method: &str) -> bool {
    wanted.is_none_or(|wanted| {
        method.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

fn in_flight(list: &CallList, json: bool) {
    if json {
        list.calls.iter().for_each(|call| output::json(&object(call), true));
        return;
    }
    let head = ["CALL", "METHOD", "PEER", "AGE", "LEFT", "WAITS FOR"];
    let rows = list.calls.iter().map(|call| {
        let left = call.remaining.map_or_else(|| "-".to_owned(), brief);
        let CallInFlight { method, peer, .. } = call;
        [
            call.call.to_string(),
            method.clone(),
            peer.clone(),
            brief(call.age),
            left,
            call.waiting.to_string(),
        ]
    });
    table(head, &rows.collect::<Vec<_>>(), &[0, 3, 4]);
    let shown = list.calls.len() as u64;
    let calls = if list.total == 1 { "call" } else { "calls" };
    output::note(&match list.total {
        total if total == shown => format!("{} {calls} in flight", grouped(total)),
        total => format!(
            "{} {calls} in flight, of which {} are listed: --limit",
            grouped(total),
            grouped(shown)
        ),
    });
}

/// A call in flight for programs: times in seconds.
pub(super) fn object(call: &CallInFlight) -> Value {
    json!({
        "call": call.call,
        "method": call.method,
        "peer": call.peer,
        "age": call.age.as_secs_f64(),
        "left": call.remaining.map(|left| left.as_secs_f64()),
        "waits_for": call.waiting.to_string(),
    })
}

fn slow(calls: &[EndedCall], json: bool) {
    let now = SystemTime::now();
    let ago = |at: SystemTime| now.duration_since(at).unwrap_or_default();
    if json {
        for call in calls {
            let object = json!({
                "call": call.call,
                "method": call.method,
                "peer": call.peer,
                "ago": ago(call.at).as_secs_f64(),
                "took": call.took.as_secs_f64(),
                "end": call.end,
                "message": call.message,
            });
            output::json(&object, true);
        }
        return;
    }
    let rows = calls.iter().map(|call| {
        let end = match call.message.as_str() {
            "" => call.end.clone(),
            message => format!("{}: {message}", call.end),
        };
        let (ago, took) = (brief(ago(call.at)), brief(call.took));
        [ago, took, call.method.clone(), call.peer.clone(), end]
    });
    table(["AGO", "TOOK", "METHOD", "PEER", "END"], &rows.collect::<Vec<_>>(), &[0, 1]);
    if calls.is_empty() {
        output::note("no call was slow or failed lately");
    }
}

/// Prints rows below their heads, all cells of a column as wide as its widest; those of the columns `right` to the right.
fn table<const N: usize>(head: [&str; N], rows: &[[String; N]], right: &[usize]) {
    if rows.is_empty() {
        return;
    }
    let width = |text: &str| text.chars().count();
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter().map(|row| width(&row[column])).max().unwrap_or(0).max(width(head[column]))
    });
    let line = |cells: [&str; N]| {
        let cells = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| match right
            .contains(&column)
        {
            true => format!("{cell:>width$}"),
            false => format!("{cell:width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    output::line(&format!("{BOLD}{}{BOLD:#}", line(head)));
    for row in rows {
        output::line(&line(row.each_ref().map(String::as_str)));
    }
}
