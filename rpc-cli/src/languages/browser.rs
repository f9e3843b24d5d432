//! A client for web pages: what a server with an HTTP face serves as `/client.js`, for all services of a description.

use rpc_core::{
    BrowserClient,
    schema::{Container, ContainerKind, Document, Field, ServiceSchema},
};

use super::GeneratedFile;
use crate::api::{Api, harmless};

/// The module and its declarations. It calls all services, and answers calls of them.
pub(super) fn files(api: &Api<'_>) -> Vec<GeneratedFile> {
    let mut services: Vec<ServiceSchema> = api.schemas().cloned().collect();
    services.iter_mut().for_each(make_harmless);
    let document = Document::new(services);
    let client = BrowserClient::of(&document).answering(&document.services);
    vec![
        GeneratedFile::new("index.js", client.script()),
        GeneratedFile::new("index.d.ts", client.declarations()),
    ]
}

/// Documentation of strangers is shown and run by tools.
fn make_harmless(service: &mut ServiceSchema) {
    service.doc = harmless(&service.doc);
    for method in &mut service.methods {
        method.doc = harmless(&method.doc);
    }
    service.types.each_mut(|container| {
        container.doc = harmless(&container.doc);
        inside(container);
    });
}

fn inside(container: &mut Container) {
    match &mut container.kind {
        ContainerKind::Struct(all) => fields(all),
        ContainerKind::Enum(variants) => {
            for variant in variants {
                variant.doc = harmless(&variant.doc);
                if let ContainerKind::Struct(all) = &mut variant.kind {
                    fields(all);
                }
            }
        }
        _ => {}
    }
}

fn fields(all: &mut [Field]) {
    for field in all {
        field.doc = harmless(&field.doc);
    }
}
