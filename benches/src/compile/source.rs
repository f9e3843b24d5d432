//! The programs that are built: a trait of many methods, what serves it and what calls each of them, written for us and for
//! tarpc. The types and signatures are the same, and so is what the handlers do.

use std::fmt::Write as _;

/// For whom a program is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// This project.
    RpcCore,
    /// Its nearest peer: Rust to Rust, by a macro, over bincode.
    Tarpc,
}

/// A kind of method: arguments, result, what the handler says, and what the caller passes.
struct Kind {
    arguments: &'static [(&'static str, &'static str)],
    result: Option<&'static str>,
    body: &'static str,
    passed: &'static str,
}

/// What services are made of: plain values, texts, records, options, lists and errors.
const KINDS: [Kind; 8] = [
    Kind {
        arguments: &[("a", "i64"), ("b", "i64")],
        result: Some("i64"),
        body: "a + b",
        passed: "1, 2",
    },
    Kind {
        arguments: &[("name", "String"), ("page", "u32")],
        result: Some("Vec<Item>"),
        body: "vec![Item::new(page.into(), name)]",
        passed: "\"lamp\".to_owned(), 3",
    },
    Kind {
        arguments: &[("id", "u64")],
        result: Some("Option<Item>"),
        body: "(id > 0).then(|| Item::new(id, String::new()))",
        passed: "7",
    },
    Kind {
        arguments: &[("item", "Item")],
        result: Some("Result<u64, Refusal>"),
        body: "if item.id == 0 { Err(Refusal::Empty) } else { Ok(item.id) }",
        passed: "Item::new(1, \"lamp\".to_owned())",
    },
    Kind {
        arguments: &[("text", "String"), ("tags", "Vec<String>"), ("urgent", "bool")],
        result: None,
        body: "drop((text, tags, urgent))",
        passed: "\"read\".to_owned(), vec![\"a\".to_owned()], true",
    },
    Kind {
        arguments: &[("from", "u64"), ("to", "u64"), ("filter", "Option<String>")],
        result: Some("Result<Vec<Item>, Refusal>"),
        body: "match filter { Some(filter) => Ok(vec![Item::new(from, filter)]), \
               None => Err(Refusal::Range { from, to }) }",
        passed: "1, 2, Some(\"x\".to_owned())",
    },
    Kind { arguments: &[], result: Some("u64"), body: "42", passed: "" },
    Kind {
        arguments: &[("id", "u64"), ("name", "String")],
        result: Some("bool"),
        body: "id > name.len() as u64",
        passed: "1, \"lamp\".to_owned()",
    },
];

/// How many methods one function of the caller calls.
const CALLED_TOGETHER: usize = 8;

impl Framework {
    /// The name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RpcCore => "rpc-core",
            Self::Tarpc => "tarpc",
        }
    }

    /// A program that serves and calls `methods` methods.
    #[must_use]
    pub fn program(self, methods: usize) -> String {
        let kinds: Vec<&Kind> = KINDS.iter().cycle().take(methods).collect();
        let methods = kinds.iter().enumerate();
        let declared: String = methods.clone().map(|(at, kind)| self.declared(at, kind)).collect();
        let handlers: String = methods.clone().map(|(at, kind)| self.handler(at, kind)).collect();
        let calls: Vec<String> = methods.map(|(at, kind)| self.call(at, kind)).collect();
        let mut text = self.types().to_owned();
        // Writing to a string cannot fail.
        let (attribute, served) = match self {
            Self::RpcCore => ("rpc_core::service", "struct Shop;"),
            Self::Tarpc => ("tarpc::service", "#[derive(Clone)] struct Shop;"),
        };
        let _ = write!(
            text,
            "\n#[{attribute}]\ntrait Api {{\n{declared}}}\n\n{served}\n\nimpl Api for Shop {{\n{handlers}}}\n"
        );
        for (at, calls) in calls.chunks(CALLED_TOGETHER).enumerate() {
            let calls = calls.concat();
            let _ = write!(
                text,
                "\nasync fn calls_{at}(client: &ApiClient) -> Result<(), Failure> {{\n{calls}    Ok(())\n}}\n"
            );
        }
        let all: String = (0..calls.len().div_ceil(CALLED_TOGETHER))
            .map(|at| format!("    calls_{at}(&client).await?;\n"))
            .collect();
        // In a task of its own: what is awaited in `main` is compiled three times, once for each way in which tokio may run that.
        let _ = write!(
            text,
            "\nasync fn calls(client: ApiClient) -> Result<(), Failure> {{\n{all}    Ok(())\n}}\n\n\
             type Failure = Box<dyn Error + Send + Sync>;\n"
        );
        text + self.main()
    }

    fn types(self) -> &'static str {
        match self {
            Self::RpcCore => concat!(
                "#[derive(Debug, Serialize, Deserialize, rpc_core::Schema)]\n",
                "struct Item { id: u64, name: String, price: f64, tags: Vec<String> }\n",
                "#[derive(Debug, Serialize, Deserialize, rpc_core::Schema)]\n",
                "enum Refusal { Empty, Range { from: u64, to: u64 } }\n",
            ),
            Self::Tarpc => concat!(
                "#[derive(Debug, Serialize, Deserialize)]\n",
                "struct Item { id: u64, name: String, price: f64, tags: Vec<String> }\n",
                "#[derive(Debug, Serialize, Deserialize)]\n",
                "enum Refusal { Empty, Range { from: u64, to: u64 } }\n",
            ),
        }
    }

    fn declared(self, at: usize, kind: &Kind) -> String {
        format!("    async fn m{at}({}){};\n", self.parameters(kind, Place::Trait), returned(kind))
    }

    fn handler(self, at: usize, kind: &Kind) -> String {
        let parameters = self.parameters(kind, Place::Handler);
        format!("    async fn m{at}({parameters}){} {{ {} }}\n", returned(kind), kind.body)
    }

    fn parameters(self, kind: &Kind, place: Place) -> String {
        let own = match (self, place) {
            (Self::RpcCore, _) => vec!["&self".to_owned()],
            (Self::Tarpc, Place::Trait) => Vec::new(),
            (Self::Tarpc, Place::Handler) => vec!["self".to_owned(), "_: Context".to_owned()],
        };
        let arguments = kind.arguments.iter().map(|(name, ty)| format!("{name}: {ty}"));
        own.into_iter().chain(arguments).collect::<Vec<_>>().join(", ")
    }

    fn call(self, at: usize, kind: &Kind) -> String {
        let passed = kind.passed;
        let passed = match self {
            Self::RpcCore => passed.to_owned(),
            Self::Tarpc => format!("tarpc::context::current(), {passed}"),
        };
        format!("    println!(\"{{:?}}\", client.m{at}({passed}).await{});\n", self.unwrapped(kind))
    }

    /// What makes the value that is printed the same: an error of the service's own is one here, and part of the reply there.
    fn unwrapped(self, kind: &Kind) -> &'static str {
        let fails = kind.result.is_some_and(|result| result.starts_with("Result"));
        if fails && self == Self::RpcCore { "" } else { "?" }
    }

    fn main(self) -> &'static str {
        match self {
            Self::RpcCore => concat!(
                "\nimpl Item {\n    fn new(id: u64, name: String) -> Self { Self { id, name, price: 1.5, tags: Vec::new() } }\n}\n",
                "\n#[tokio::main]\nasync fn main() -> Result<(), Failure> {\n",
                "    let server = rpc_core::Server::new().with(ApiServer::new(Shop)).start(\"127.0.0.1:0\").await?;\n",
                "    let client = ApiClient::connect(server.address()).await?;\n",
                "    tokio::spawn(calls(client)).await?\n}\n\nuse serde::{Deserialize, Serialize};\nuse std::error::Error;\n",
            ),
            Self::Tarpc => concat!(
                "\nimpl Item {\n    fn new(id: u64, name: String) -> Self { Self { id, name, price: 1.5, tags: Vec::new() } }\n}\n",
                "\n#[tokio::main]\nasync fn main() -> Result<(), Failure> {\n",
                "    let mut listener = tarpc::serde_transport::tcp::listen(\"127.0.0.1:0\", Bincode::default).await?;\n",
                "    let address = listener.local_addr();\n",
                "    tokio::spawn(async move {\n",
                "        while let Some(Ok(transport)) = listener.next().await {\n",
                "            let channel = BaseChannel::with_defaults(transport);\n",
                "            tokio::spawn(channel.execute(Shop.serve()).for_each(|call| async move { tokio::spawn(call); }));\n",
                "        }\n    });\n",
                "    let transport = tarpc::serde_transport::tcp::connect(address, Bincode::default).await?;\n",
                "    let client = ApiClient::new(tarpc::client::Config::default(), transport).spawn();\n",
                "    tokio::spawn(calls(client)).await?\n}\n\nuse serde::{Deserialize, Serialize};\nuse std::error::Error;\n",
                "use futures_util::StreamExt as _;\n",
                "use tarpc::{context::Context, server::{BaseChannel, Channel as _}, tokio_serde::formats::Bincode};\n",
            ),
        }
    }
}

/// Where parameters are written.
#[derive(Clone, Copy)]
enum Place {
    Trait,
    Handler,
}

fn returned(kind: &Kind) -> String {
    kind.result.map(|result| format!(" -> {result}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_programs_have_the_same_methods() {
        for framework in [Framework::RpcCore, Framework::Tarpc] {
            let text = framework.program(20);
            for at in 0..20 {
                assert_eq!(text.matches(&format!("async fn m{at}(")).count(), 2, "{text}");
                assert_eq!(text.matches(&format!("client.m{at}(")).count(), 1, "{text}");
            }
            assert!(!text.contains("m20("));
            assert!(text.contains("calls_2(&client)") && !text.contains("calls_3("));
        }
    }
}
