//! A client in TypeScript for Node: types, services, and the run-time that both stand on, which is written in
//! TypeScript and the same for all servers.

mod names;
mod services;
mod shapes;
mod text;
mod types;

use std::collections::HashSet;

use super::{
    names::{Callable, Client, Defined, Served},
    target::{File, Literal, Target},
};
use crate::api::is_word;

const ALLOWED: &str = "/* eslint-disable @typescript-eslint/no-deprecated */\n";

const IMPORT: &str = "\nimport * as rpc from \"./runtime/index.js\";\n";

/// The names that programs import beside types and services.
const EXPORTS: &str = "\
export {
  AppError,
  Channel,
  channel,
  connect,
  Connection,
  DecodeError,
  EncodeError,
  ItemStream,
  StatusError,
  type CallContext,
  type Caller,
  type CallOptions,
  type ChannelOptions,
  type Code,
  type ConnectOptions,
  type Items,
} from \"./runtime/index.js\";
export * as rpc from \"./runtime/index.js\";
";

/// A client in TypeScript.
#[derive(Debug)]
pub(super) struct TypeScript<'a> {
    client: Client<'a>,
}

/// The things that are written of a type or service.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// A type and its codec.
    Definition,
    /// How the calls of each method travel.
    Table,
    /// The class of callers.
    Class,
    /// The interface of those who answer.
    Interface,
    /// The function that makes a handler of that interface.
    Function,
}

impl<'a> Target<'a> for TypeScript<'a> {
    type Part = Part;

    const FILES: &'static [File<Part>] = &[
        File { path: "index.ts", services: &[], types: &[] },
        File { path: "types.ts", services: &[], types: &[Part::Definition] },
        File {
            path: "services.ts",
            services: &[Part::Table, Part::Class, Part::Interface, Part::Function],
            types: &[],
        },
    ];

    const RUNTIME: &'static [(&'static str, &'static str)] = runtime!["typescript/src" as "runtime":
        "addresses.ts" "answers.ts" "calls.ts" "channel.ts" "codecs.ts" "composites.ts" "connect.ts" "connection.ts" "dispatch.ts"
        "errors.ts" "frames.ts" "hello.ts" "index.ts" "items.ts" "link.ts" "metadata.ts" "method.ts" "ongoing.ts" "outbox.ts"
        "own.ts" "payloads.ts" "peer.ts" "protocol.ts" "resume.ts" "room.ts" "sending.ts" "session.ts" "socket.ts" "streams.ts" "timers.ts"
        "transport.ts" "websocket.ts" "wire.ts"
    ];

    fn new(client: Client<'a>) -> Self {
        Self { client }
    }

    fn client(&self) -> &Client<'a> {
        &self.client
    }

    fn define(&self, out: &mut String, _part: Part, named: &Defined<'a>) {
        self.definition(out, named);
    }

    fn head(&self, out: &mut String, part: Part, service: &Served<'a>) {
        services::head(out, part, service);
    }

    fn method(&self, out: &mut String, part: Part, service: &Served<'a>, method: &Callable<'a>) {
        match part {
            Part::Class => self.call(out, service, method),
            Part::Interface => self.answer(out, method),
            Part::Function => services::handle(out, service, method),
            _ => self.describe(out, method),
        }
    }

    fn foot(&self, out: &mut String, part: Part, _service: &Served<'a>) {
        out.push_str(match part {
            Part::Table => "};\n",
            Part::Function => "  ]);\n}\n",
            _ => "}\n",
        });
    }

    fn file(&self, path: &str, parts: String) -> String {
        // Types refer to themselves and to others, and methods to types, that linters would warn of.
        let deprecated = |named: &&Defined<'_>| named.of.container.deprecated.is_some();
        let deprecated = self.client.types.iter().filter(deprecated);
        let deprecated: HashSet<&str> = deprecated.map(|named| &*named.name).collect();
        let allowed = |refers: bool| if refers { ALLOWED } else { "" };
        let (types, services) = (!self.client.types.is_empty(), !self.client.services.is_empty());
        match path {
            "types.ts" if types => {
                format!("{}{IMPORT}{parts}", allowed(!deprecated.is_empty()))
            }
            "services.ts" if services => {
                let used = parts.contains("types.");
                let types = if used { "import * as types from \"./types.js\";\n" } else { "" };
                format!("{}{IMPORT}{types}{parts}", allowed(refers_to(&parts, &deprecated)))
            }
            "index.ts" => {
                let export = |module, there| match there {
                    true => format!("export * from \"./{module}.js\";\n"),
                    false => String::new(),
                };
                format!("{}{}{EXPORTS}", export("types", types), export("services", services))
            }
            _ => "export {};\n".to_owned(),
        }
    }

    fn literal(&self, literal: Literal<'_>) -> Option<String> {
        self.plain(&literal)
    }
}

/// True if the module of services mentions one of these types.
fn refers_to(services: &str, names: &HashSet<&str>) -> bool {
    services.split("types.").skip(1).any(|rest| {
        let end = rest.find(|next| !is_word(next)).unwrap_or(rest.len());
        names.contains(&rest[..end])
    })
}
