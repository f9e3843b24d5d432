//! `rpc describe`: services, methods and types, as the Rust that a client would be written against.

use anyhow::Result;
use serde_json::Value;

use crate::{
    connect::{connect, method, split},
    output, source,
};

const EXAMPLES: &str = "\
Examples:
  rpc describe 127.0.0.1:7000                       every service
  rpc describe 127.0.0.1:7000 Calculator            one service with its types
  rpc describe 127.0.0.1:7000 Calculator.div        one method with its types
  rpc describe 127.0.0.1:7000 Calculator --json     the same for programs";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    address: String,
    /// A service, or a method as Service.method; everything if left out.
    what: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Result<()> {
    let mut server = connect(&args.address).await?;
    if let Some(path) = args.what.as_deref().filter(|what| what.contains('.')) {
        let (service, name) = split(path)?;
        let schema = server.describe(service).await?;
        let method = method(&schema, name)?;
        if args.json {
            output::json(&serde_json::to_value(method)?, false);
        } else {
            output::line(schema.render_method(method).trim_end());
        }
        return Ok(());
    }
    let schemas = match args.what {
        Some(service) => vec![server.describe(&service).await?],
        None => source::all(&mut server).await?,
    };
    if args.json {
        let values = schemas.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
        output::json(&Value::Array(values), false);
    } else {
        let texts: Vec<_> = schemas.iter().map(|schema| schema.render()).collect();
        output::line(texts.join("\n").trim_end());
    }
    Ok(())
}
