//! `rpc describe`: services, methods and types, as the Rust that a client would be written against.

use anyhow::Result;
use clap::ValueEnum;
use rpc_core::schema::{Document, Format, ServiceSchema};
use serde_json::Value;

use crate::{
    api::Api,
    connect::{method, path, split},
    documents,
    exit::Failure,
    output,
    patience::Patience,
    source, suggest,
};

const EXAMPLES: &str = "\
Examples:
  rpc describe 127.0.0.1:7000                             every service
  rpc describe 127.0.0.1:7000 Calculator                  one service with its types
  rpc describe 127.0.0.1:7000 Calculator.div              one method with its types
  rpc describe 127.0.0.1:7000 Item                        one type
  rpc describe 127.0.0.1:7000 Calculator --format json    the same for programs
  rpc describe api.json --format html > api.html          a page, from a saved schema";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A server's address, host:port or unix:/path, or a file from `rpc schema save`.
    pub(super) source: String,
    /// A service, a method as Service.method, or a type; everything if left out.
    what: Option<String>,
    /// The output format.
    #[arg(short, long, value_enum, default_value_t = Form::Rust, value_name = "FORM")]
    format: Form,
    /// The same as --format json, for errors too.
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
    let what = args.what.as_deref().map(path);
    if let Some(path) = what.as_deref().filter(|what| what.contains('.')) {
        let (service, name) = split(path)?;
        let schema = source::one(&args.source, service, patience).await?;
        let method = method(&schema, name)?;
        return match form {
            Form::Rust => {
                output::rust(schema.render_method(method).trim_end());
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
        Some(name) => match source::one(&args.source, &name, patience).await {
            Ok(service) => (vec![service], name),
            Err(unknown) => match of_type(&args.source, &name, patience).await {
                Some(found) => return print_type(&found, &name, form),
                None => {
                    return Err(near_type(&args.source, &name, patience).await.unwrap_or(unknown));
                }
            },
        },
        None => {
            let (document, name) = source::named(&args.source, patience).await?;
            (document.services, name.unwrap_or(args.source))
        }
    };
    match form {
        Form::Rust => {
            let texts: Vec<_> = services.iter().map(ServiceSchema::render).collect();
            output::rust(texts.join("\n").trim_end());
        }
        Form::Json => {
            let values = services.iter().map(serde_json::to_value);
            output::json(&Value::Array(values.collect::<Result<_, _>>()?), false);
        }
        form => documents(services, form, &title)?,
    }
    Ok(())
}

/// The service that describes a type of that name, if there is one.
async fn of_type(source: &str, name: &str, patience: Patience) -> Option<ServiceSchema> {
    let document = source::load(source, patience.anew()).await.ok()?;
    let has = |service: &ServiceSchema| service.types.iter().any(|(_, named)| named.name == name);
    document.services.into_iter().find(has)
}

/// What to say of a name that is nearer to a type's than to any service's.
async fn near_type(source: &str, name: &str, patience: Patience) -> Option<anyhow::Error> {
    let services = source::load(source, patience.anew()).await.ok()?.services;
    let types = services.iter().flat_map(|service| service.types.iter());
    let types: Vec<_> = types.map(|(_, named)| named.name.as_str()).collect();
    let names = services.iter().map(|service| service.name.as_str()).chain(types.iter().copied());
    let nearest = suggest::nearest(name, names).filter(|nearest| types.contains(nearest))?;
    let message = format!("no service or type {name} at {source}; did you mean {nearest}?");
    Some(Failure::unknown(message).into())
}

fn print_type(service: &ServiceSchema, name: &str, form: Form) -> Result<()> {
    let types = &service.types;
    let Some((key, container)) = types.iter().find(|(_, named)| named.name == name) else {
        return Ok(());
    };
    match form {
        Form::Rust => {
            let root = Format::Named(key.to_owned());
            let all = types.reachable([&root]);
            let others = all.into_iter().filter(|(other, _)| *other != key);
            let others = others.map(|(_, container)| types.render(container));
            let texts: Vec<_> = std::iter::once(types.render(container)).chain(others).collect();
            output::rust(texts.join("\n").trim_end());
            Ok(())
        }
        Form::Json => {
            output::json(&serde_json::to_value(container)?, false);
            Ok(())
        }
        _ => {
            let message = format!("{name} is a type: --format rust and json show one by itself");
            Err(Failure::usage(message).into())
        }
    }
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
