//! `rpc list`: what a server offers.

use anyhow::Result;
use serde_json::json;

use crate::{
    connect::connect,
    output::{self, BOLD, DIM},
};

const EXAMPLES: &str = "\
Examples:
  rpc list 127.0.0.1:7000
  rpc list --long unix:/run/calculator.sock";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    address: String,
    /// List the methods too.
    #[arg(short, long)]
    long: bool,
    /// Print JSON, errors too.
    #[arg(long)]
    pub(super) json: bool,
}

pub(super) async fn run(args: Args) -> Result<()> {
    let mut server = connect(&args.address).await?;
    let mut schemas = Vec::new();
    for service in server.services().await? {
        schemas.push(server.describe(&service).await?);
    }
    if args.json {
        let services: Vec<_> = schemas
            .iter()
            .map(|schema| {
                let methods: Vec<_> = schema.methods.iter().map(|method| &method.name).collect();
                json!({ "name": schema.name, "doc": schema.doc, "methods": methods })
            })
            .collect();
        output::json(&services.into(), false);
        return Ok(());
    }
    let width = schemas.iter().map(|schema| schema.name.len()).max().unwrap_or_default();
    for schema in &schemas {
        let doc = schema.doc.lines().next().unwrap_or_default();
        let style = if schema.name == "Reflection" { DIM } else { BOLD };
        output::line(
            format!("{style}{:width$}{style:#}  {DIM}{doc}{DIM:#}", schema.name).trim_end(),
        );
        if args.long {
            for method in &schema.methods {
                output::line(&format!("  {}", schema.signature(method)));
            }
        }
    }
    Ok(())
}
