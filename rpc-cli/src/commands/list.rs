//! `rpc list`: what a server offers.

use anyhow::Result;
use rpc_core::schema::ServiceSchema;
use serde_json::json;

use crate::{
    connect::connect,
    output::{self, BOLD, DIM},
    patience::Patience,
    source,
};

const EXAMPLES: &str = "\
Examples:
  rpc list 127.0.0.1:7000
  rpc list 127.0.0.1:7000 Calculator                      with its methods
  rpc list --long unix:/run/calculator.sock";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A server's address, host:port or unix:/path, or a file from `rpc schema save`.
    pub(super) source: String,
    /// List the methods of this service.
    service: Option<String>,
    /// List the methods too.
    #[arg(short, long)]
    long: bool,
    /// Print JSON, for errors too.
    #[arg(long)]
    pub(super) json: bool,
}

/// All services, reflection too where it is a server that is asked.
async fn services(source: &str, patience: Patience) -> Result<Vec<ServiceSchema>> {
    if source::is_kept(source) {
        return Ok(source::load(source, patience).await?.services);
    }
    let mut server = connect(source, patience).await?;
    let names = server.services().await?;
    source::described(&mut server, names).await
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let schemas = match &args.service {
        Some(service) => vec![source::one(&args.source, service, patience).await?],
        None => services(&args.source, patience).await?,
    };
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
        if args.long || args.service.is_some() {
            for method in &schema.methods {
                output::line(&format!("  {}", schema.signature(method)));
            }
        }
    }
    Ok(())
}
