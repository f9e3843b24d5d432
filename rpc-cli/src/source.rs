//! Where a description comes from: a live server, or a document that was saved from one.

use std::{
    collections::HashSet,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use rpc_core::schema::{Document, ServiceSchema};

use crate::{
    connect::{Connected, connect},
    description::Budget,
    exit::Failure,
    generate::{self, Source},
    patience::Patience,
};

/// The name of the service that describes the others, which is on nearly every server.
pub(crate) const REFLECTION: &str = "Reflection";

/// Reads the descriptions of all services but reflection from `source`: a file, or the address of a server.
pub(crate) async fn load(source: &str, patience: Patience) -> Result<Document> {
    named(source, patience).await.map(|(document, _)| document)
}

/// The same with the name that the server has for itself, if it has one; a file has none.
pub(crate) async fn named(source: &str, patience: Patience) -> Result<(Document, Option<String>)> {
    let kept = match source.strip_prefix(GIT) {
        Some(object) => Some(Source::Json(committed(object)?)),
        None => is_file(source).then(|| Source::File(source.into())),
    };
    if let Some(kept) = kept {
        let named = |error: generate::GenerateError| match error {
            // What is in a repository has no path of its own to be named by.
            generate::GenerateError::Description { why, .. } => format!("{source}: {why}"),
            error => error.to_string(),
        };
        let document = kept.document().map_err(|error| Failure::usage(named(error)))?;
        return Ok((document, None));
    }
    let mut server = connect(source, patience).await?;
    let document = Document::new(all(&mut server).await?);
    let name = server.channel.peer_name();
    Ok((document, (!name.is_empty()).then_some(name)))
}

/// The descriptions of all services of a server but reflection.
pub(crate) async fn all(server: &mut Connected) -> Result<Vec<ServiceSchema>> {
    let mut names = server.services().await?;
    names.retain(|name| name != REFLECTION);
    described(server, names).await
}

/// The descriptions of these services of a server, within one budget.
pub(crate) async fn described(
    server: &mut Connected,
    names: Vec<String>,
) -> Result<Vec<ServiceSchema>> {
    let (mut services, mut budget) = (Vec::new(), Budget::default());
    let mut known = HashSet::new();
    for name in names {
        let schema = server.describe_within(&name, &mut budget).await?;
        services.push(schema);
        if !known.insert(name.clone()) {
            let message = format!("{} has two services called {name}", server.address);
            return Err(Failure::misdescribed(message).into());
        }
    }
    Ok(services)
}

/// The description of one service from a file or a server, reflection too.
pub(crate) async fn one(source: &str, service: &str, patience: Patience) -> Result<ServiceSchema> {
    if is_kept(source) {
        let document = keep(load(source, patience).await?, &[service.to_owned()])?;
        return document.services.into_iter().next().context("the schema has no services");
    }
    connect(source, patience).await?.describe(service).await
}

/// Keeps the named services only, all if none is named.
pub(crate) fn keep(document: Document, names: &[String]) -> Result<Document> {
    Ok(generate::keep(document, names).map_err(|error| Failure::unknown(error.to_string()))?)
}

/// The beginning of a source that is a file in a revision of a repository: `git:HEAD~1:api.json`.
const GIT: &str = "git:";

/// The text of a file in a revision, `REV:path` as git has it.
fn committed(object: &str) -> Result<String, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{GIT}{object}: {why}"));
    if object.starts_with('-') || !object.contains(':') {
        return Err(wrong(&"write git:REVISION:PATH, such as git:HEAD~1:api.json"));
    }
    let mut git = Command::new("git");
    let shown = git.args(["show", "--no-textconv", object]).stdin(Stdio::null()).output();
    let shown = shown.map_err(|error| wrong(&format_args!("git cannot be run: {error}")))?;
    if !shown.status.success() {
        let why = String::from_utf8_lossy(&shown.stderr);
        let why = why.lines().next().unwrap_or("git found nothing");
        return Err(wrong(&why.trim_start_matches("fatal: ")));
    }
    String::from_utf8(shown.stdout).map_err(|_| wrong(&"it is not text"))
}

/// Whether a source is a document that was saved, in a file or a repository.
pub(crate) fn is_kept(source: &str) -> bool {
    source.starts_with(GIT) || is_file(source)
}

/// Whether a source is a file rather than an address.
pub(crate) fn is_file(source: &str) -> bool {
    if source.starts_with(GIT) {
        return false;
    }
    let ends_as_file = Path::new(source).extension().is_some_and(|extension| extension == "json");
    ends_as_file || (!source.starts_with("unix:") && Path::new(source).is_file())
}
