//! Clients for web pages: an ES module with the run-time and what a description says of the services, and its
//! declarations for TypeScript. The run-time is that of generated clients in TypeScript (`rpc-cli/runtimes/typescript`),
//! cut into pieces by its `build.mjs`; CI checks that `runtime/` is what that makes.

mod codecs;
mod declarations;
mod names;
mod pieces;
mod script;
mod shapes;
mod text;

use std::borrow::Cow;

use crate::schema::{Document, ServiceSchema};
use names::Names;
use pieces::Pieces;

/// A client for web pages and workers: the module that a server with an HTTP face serves as `/client.js`, and its
/// declarations, `/client.d.ts`. It needs no other file, no build and no `eval`.
///
/// ```
/// use rpc_core::schema::{Document, MethodKind, ServiceBuilder};
///
/// let mut clock = ServiceBuilder::new("Clock", "Tells the time.");
/// clock.method("unix_time", "", MethodKind::Unary).returns::<u64>();
/// let document = Document::new(vec![clock.build()]);
/// let client = rpc_core::BrowserClient::of(&document);
///
/// assert!(client.script().contains(" as Clock}"));
/// assert!(client.declarations().contains("unixTime(options?: CallOptions): Promise<bigint>;"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct BrowserClient<'d> {
    services: Vec<(Cow<'d, ServiceSchema>, Role)>,
    home: Home,
}

/// What a client has to do with a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Calls,
    Answers,
    Both,
}

/// Where a client connects to if it is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    /// To the server that served the module.
    Module,
    /// To the server that served the page.
    Page,
}

impl<'d> BrowserClient<'d> {
    /// A client that calls these services. If it is not told where, it connects to the server that the page is from.
    pub fn of(document: &'d Document) -> Self {
        let services = document.services.iter();
        let services = services.map(|service| (Cow::Borrowed(service), Role::Calls)).collect();
        Self { services, home: Home::Page }
    }

    /// Has it answer calls of these services as well, which its server makes.
    pub fn answering(mut self, services: impl IntoIterator<Item = &'d ServiceSchema>) -> Self {
        for service in services {
            match self.services.iter_mut().find(|(known, _)| known.name == service.name) {
                Some((known, role)) if **known == *service => *role = Role::Both,
                // Of two of one name, the one that is called has it.
                Some(_) => {}
                None => self.services.push((Cow::Borrowed(service), Role::Answers)),
            }
        }
        self
    }

    /// Has it connect to the server that the module is from.
    pub(super) const fn of_port(mut self) -> Self {
        self.home = Home::Module;
        self
    }

    /// The module, in JavaScript.
    #[must_use]
    pub fn script(&self) -> String {
        script::write(&self.names(), self.home)
    }

    /// What TypeScript has to know of it, `.d.ts`.
    #[must_use]
    pub fn declarations(&self) -> String {
        declarations::write(&self.names())
    }

    fn names(&self) -> Names<'_> {
        Names::of(&self.services)
    }
}

/// The run-time as a module of its own, for pages that read descriptions themselves.
pub(super) fn runtime() -> String {
    let names = "AppError,Channel,Connection,DecodeError,Description,EncodeError,ItemStream,Metadata,StatusError,channel,\
                 connect,decode,encode";
    let pieces = Pieces::whole();
    pieces.script(names.split(',')) + &pieces.exports(names.split(','))
}

impl Role {
    const fn calls(self) -> bool {
        matches!(self, Self::Calls | Self::Both)
    }

    const fn answers(self) -> bool {
        matches!(self, Self::Answers | Self::Both)
    }
}

#[cfg(test)]
mod tests;
