//! The explorer: a page on which every method can be called. Its files stand beside this one as they are served.

use std::sync::OnceLock;

use bytes::Bytes;
use serde_json::json;

use crate::gateway::{Face, browser};

/// What the page reads of the server.
pub(super) const SERVICES: &str = "/explorer/services.json";

const HTML: &str = "text/html";
const SCRIPT: &str = "text/javascript";
const STYLE: &str = "text/css";

/// The files by their paths.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("explorer/index.html")),
    ("/explorer/style.css", STYLE, include_str!("explorer/style.css")),
    ("/explorer/calls.js", SCRIPT, include_str!("explorer/calls.js")),
    ("/explorer/commands.js", SCRIPT, include_str!("explorer/commands.js")),
    ("/explorer/form.js", SCRIPT, include_str!("explorer/form.js")),
    ("/explorer/incoming.js", SCRIPT, include_str!("explorer/incoming.js")),
    ("/explorer/json.js", SCRIPT, include_str!("explorer/json.js")),
    ("/explorer/main.js", SCRIPT, include_str!("explorer/main.js")),
    ("/explorer/page.js", SCRIPT, include_str!("explorer/page.js")),
    ("/explorer/shapes.js", SCRIPT, include_str!("explorer/shapes.js")),
    ("/explorer/view.js", SCRIPT, include_str!("explorer/view.js")),
];

/// A file with its media type.
pub(super) fn file(path: &str) -> Option<(&'static str, Bytes)> {
    if path == "/explorer/rpc.js" {
        static RUNTIME: OnceLock<Bytes> = OnceLock::new();
        return Some((SCRIPT, RUNTIME.get_or_init(|| browser::runtime().into()).clone()));
    }
    let (_, media_type, content) = FILES.iter().find(|(known, ..)| *known == path)?;
    Some((media_type, Bytes::from_static(content.as_bytes())))
}

impl Face {
    /// The services, those that the server calls of its clients, and what it is called.
    pub(super) fn described(&self) -> Bytes {
        let described = self.pages.described.get_or_init(|| {
            let (services, calls) = (&self.services, &self.options.calls);
            json!({ "title": self.title, "services": services, "calls": calls }).to_string().into()
        });
        described.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_small_and_whole() {
        let own: usize = FILES.iter().map(|(_, _, content)| content.len()).sum();
        let (_, runtime) = file("/explorer/rpc.js").unwrap();
        assert!(own + runtime.len() <= 150_000, "{own} and {} bytes", runtime.len());
        for (_, _, content) in FILES {
            for line in content.lines().filter(|line| line.starts_with("import ")) {
                let path = line.split('"').nth(1).unwrap().replace("./", "/explorer/");
                assert!(file(&path).is_some(), "{path}");
            }
        }
        assert!(file("/explorer/none.js").is_none());
    }
}
