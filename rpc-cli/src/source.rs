//! Where a description comes from: a live server, or a document that was saved from one.

use std::path::Path;

use anyhow::{Context as _, Result};
use rpc_core::schema::{Document, ServiceSchema};

use crate::{
    connect::{Connected, connect},
    exit::Failure,
    suggest,
};

/// The name of the service that describes the others, which is on nearly every server.
pub(crate) const REFLECTION: &str = "Reflection";

/// Reads the descriptions of all services but reflection from `source`: a file, or the address of a server.
pub(crate) async fn load(source: &str) -> Result<Document> {
    named(source).await.map(|(document, _)| document)
}

/// The same with the name that the server has for itself, if it has one; a file has none.
pub(crate) async fn named(source: &str) -> Result<(Document, Option<String>)> {
    if is_file(source) {
        let text = std::fs::read_to_string(source).map_err(|error| {
            Failure::usage(format!("cannot read the schema from {source}: {error}"))
        })?;
        let document = Document::from_json(&text)
            .map_err(|error| Failure::usage(format!("{source}: {error}")))?;
        return Ok((document, None));
    }
    let mut server = connect(source).await?;
    let document = Document::new(all(&mut server).await?);
    let name = server.channel.peer_name();
    Ok((document, (!name.is_empty()).then_some(name)))
}

/// The descriptions of all services of a server but reflection.
pub(crate) async fn all(server: &mut Connected) -> Result<Vec<ServiceSchema>> {
    let mut services = Vec::new();
    for name in server.services().await? {
        if name != REFLECTION {
            services.push(server.describe(&name).await?);
        }
    }
    Ok(services)
}

/// The description of one service from a file or a server, reflection too.
pub(crate) async fn one(source: &str, service: &str) -> Result<ServiceSchema> {
    if is_file(source) {
        let document = keep(load(source).await?, &[service.to_owned()])?;
        return document.services.into_iter().next().context("the schema has no services");
    }
    connect(source).await?.describe(service).await
}

/// Keeps the named services only, all if none is named.
pub(crate) fn keep(document: Document, names: &[String]) -> Result<Document> {
    if names.is_empty() {
        return Ok(document);
    }
    let all: Vec<&str> = document.services.iter().map(|service| service.name.as_str()).collect();
    if let Some(name) = names.iter().find(|name| !all.contains(&name.as_str())) {
        let message = format!("no service {name}; {}", suggest::instead(name, &all));
        return Err(Failure::unknown(message).into());
    }
    let kept = document.services.into_iter().filter(|service| names.contains(&service.name));
    Ok(Document::new(kept.collect()))
}

/// Whether a source is a file rather than an address.
pub(crate) fn is_file(source: &str) -> bool {
    let ends_as_file = Path::new(source).extension().is_some_and(|extension| extension == "json");
    ends_as_file || (!source.starts_with("unix:") && Path::new(source).is_file())
}
