//! `rpc describe`: services, methods and types, as the Rust that a client would be written against.

use anyhow::Result;
use clap::ValueEnum;
use rpc_core::schema::{Document, ServiceSchema};
use serde_json::Value;

use crate::{
    api::Api,
    connect::{method, split},
    documents, output,
    patience::Patience,
    source,
};

const EXAMPLES: &str = "\
Examples:
  rpc describe 127.0.0.1:7000                             every service
  rpc describe 127.0.0.1:7000 Calculator                  one service with its types
  rpc describe 127.0.0.1:7000 Calculator.div              one method with its types
  rpc describe 127.0.0.1:7000 Calculator --format json    the same for programs
  rpc describe api.json --format html > api.html          a page, from a saved schema";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A server's address, host:port or unix:/path, or a file from `rpc schema save`.
    source: String,
    /// A service, or a method as Service.method; everything if left out.
    what: Option<String>,
    /// The form to print it in.
    #[arg(short, long, value_enum, default_value_t = Form::Rust, value_name = "FORM")]
    format: Form,
    /// The same as --format json; errors are JSON too.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Traits and types, for people.
    Rust,
    /// The schema itself.
    Json,
    /// An OpenRPC 1.4 document.
    Openrpc,
    /// A page for repositories and wikis.
    Markdown,
    /// A page that needs nothing else.
    Html,
}

impl Args {
    const fn form(&self) -> Form {
        if self.json { Form::Json } else { self.format }
    }

    pub(super) fn json(&self) -> bool {
        self.form() == Form::Json
    }
}

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    let form = args.form();
    if let Some(path) = args.what.as_deref().filter(|what| what.contains('.')) {
        let (service, name) = split(path)?;
        let schema = source::one(&args.source, service, patience).await?;
        let method = method(&schema, name)?;
        return match form {
            Form::Rust => {
                output::line(schema.render_method(method).trim_end());
                Ok(())
            }
            Form::Json => {
                output::json(&serde_json::to_value(method)?, false);
                Ok(())
            }
            _ => {
                let only = ServiceSchema { methods: vec![method.clone()], ..schema };
                documents(vec![only], form, path)
            }
        };
    }
    let (services, title) = match args.what {
        Some(service) => (vec![source::one(&args.source, &service, patience).await?], service),
        None => {
            let (document, name) = source::named(&args.source, patience).await?;
            (document.services, name.unwrap_or(args.source))
        }
    };
    match form {
        Form::Rust => {
            let texts: Vec<_> = services.iter().map(ServiceSchema::render).collect();
            output::line(texts.join("\n").trim_end());
        }
        Form::Json => {
            let values = services.iter().map(serde_json::to_value);
            output::json(&Value::Array(values.collect::<Result<_, _>>()?), false);
        }
        form => documents(services, form, &title)?,
    }
    Ok(())
}

fn documents(services: Vec<ServiceSchema>, form: Form, title: &str) -> Result<()> {
    let document = Document::new(services);
    let api = Api::new(&document);
    match form {
        Form::Openrpc => output::json(&documents::openrpc(&api, title), false),
        Form::Markdown => output::line(documents::markdown(&api, title).trim_end()),
        _ => output::line(documents::page(&api, title).trim_end()),
    }
    Ok(())
}
