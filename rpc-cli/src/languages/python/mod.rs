//! Python: a package with the types and services of a description, beside a run-time that is the same for all.
//!
//! ```text
//! __init__.py    what users import
//! types.py       dataclasses, enums and exceptions            types.rs
//! _codecs.py     how each of them travels                     codecs.rs, formats.rs
//! services.py    a client and a handler for each service      services.rs
//! _runtime/      the protocol and asyncio                     runtime/, as they are
//! ```

mod codecs;
mod defaults;
mod formats;
mod names;
mod services;
mod shapes;
mod text;
mod types;

use super::GeneratedFile;
use crate::api::Api;
use shapes::Package;

/// The run-time, file by file.
const RUNTIME: [(&str, &str); 16] = [
    ("__init__.py", include_str!("../../../runtimes/python/rpc_runtime/__init__.py")),
    ("answers.py", include_str!("../../../runtimes/python/rpc_runtime/answers.py")),
    ("blocking.py", include_str!("../../../runtimes/python/rpc_runtime/blocking.py")),
    ("calls.py", include_str!("../../../runtimes/python/rpc_runtime/calls.py")),
    ("connection.py", include_str!("../../../runtimes/python/rpc_runtime/connection.py")),
    ("errors.py", include_str!("../../../runtimes/python/rpc_runtime/errors.py")),
    ("frames.py", include_str!("../../../runtimes/python/rpc_runtime/frames.py")),
    ("metadata.py", include_str!("../../../runtimes/python/rpc_runtime/metadata.py")),
    ("outgoing.py", include_str!("../../../runtimes/python/rpc_runtime/outgoing.py")),
    ("protocol.py", include_str!("../../../runtimes/python/rpc_runtime/protocol.py")),
    ("requests.py", include_str!("../../../runtimes/python/rpc_runtime/requests.py")),
    ("room.py", include_str!("../../../runtimes/python/rpc_runtime/room.py")),
    ("shapes.py", include_str!("../../../runtimes/python/rpc_runtime/shapes.py")),
    ("streams.py", include_str!("../../../runtimes/python/rpc_runtime/streams.py")),
    ("transport.py", include_str!("../../../runtimes/python/rpc_runtime/transport.py")),
    ("wire.py", include_str!("../../../runtimes/python/rpc_runtime/wire.py")),
];

/// Names that every package exports beside its services.
const EXPORTS: [&str; 19] = [
    "ApplicationError",
    "BlockingConnection",
    "Code",
    "ConnectError",
    "Connection",
    "Context",
    "DecodeError",
    "Detail",
    "EncodeError",
    "Failed",
    "Limits",
    "ProtocolError",
    "RpcError",
    "Some",
    "StatusError",
    "context",
    "received",
    "services",
    "types",
];

/// All files of the package.
pub(super) fn generate(api: &Api<'_>) -> Vec<GeneratedFile> {
    let package = Package::new(api);
    let mut files = vec![
        file("__init__.py", package_text(&package)),
        file("_codecs.py", codecs::module(&package)),
        file("py.typed", String::new()),
        file("services.py", services::module(&package)),
        file("types.py", types::module(&package)),
    ];
    files.extend(RUNTIME.map(|(path, text)| file(&format!("_runtime/{path}"), text.to_owned())));
    files
}

fn file(path: &str, text: String) -> GeneratedFile {
    GeneratedFile { path: path.to_owned(), text }
}

/// `__init__.py`: what users import.
fn package_text(package: &Package<'_>) -> String {
    let (own, modules): (Vec<&str>, Vec<&str>) =
        EXPORTS.iter().partition(|name| !["services", "types"].contains(name));
    let mut served: Vec<&str> = Vec::new();
    for service in &package.services {
        served.extend([service.client.as_str(), service.handler.as_str()]);
    }
    served.sort_unstable();
    let names: Vec<_> = package.services.iter().map(|service| &*service.schema.name).collect();
    let doc = format!(
        "A client for {}.",
        if names.is_empty() { "no service".to_owned() } else { names.join(", ") }
    );
    let mut out = text::Lines::new();
    out.doc("", &doc);
    out.blank();
    out.line(&format!("from . import {}", modules.join(", ")));
    out.names("from ._runtime import ", &own);
    if !served.is_empty() {
        out.names("from .services import ", &served);
    }
    out.blank();
    let mut all: Vec<&str> = EXPORTS.iter().copied().chain(served).collect();
    all.sort_unstable();
    out.line("__all__ = [");
    for name in all {
        out.line(&format!("    \"{name}\","));
    }
    out.line("]");
    out.finish()
}
