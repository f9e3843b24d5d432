//! Servers that mean harm by what they say of themselves.

use rpc_core::{
    Running, Server,
    reflect::ReflectError,
    schema::{
        Argument, ContainerKind, Format, MethodKind, Registry, ServiceBuilder, ServiceSchema,
    },
};
use tempfile::TempDir;

use crate::run;

/// Describes this, whatever it is asked for.
struct Says(ServiceSchema);

#[rpc_core::service]
trait Reflection {
    async fn services(&self) -> Vec<String>;
    async fn describe(&self, service: String) -> Result<ServiceSchema, ReflectError>;
}

impl Reflection for Says {
    async fn services(&self) -> Vec<String> {
        vec![self.0.name.clone()]
    }

    async fn describe(&self, _service: String) -> Result<ServiceSchema, ReflectError> {
        Ok(self.0.clone())
    }
}

/// A server that describes a service, while the runtime is there.
struct Stranger {
    running: Running,
    _runtime: tokio::runtime::Runtime,
}

impl Stranger {
    fn saying(schema: ServiceSchema) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = Server::new().without_reflection().with(ReflectionServer::new(Says(schema)));
        let running = runtime.block_on(server.start("127.0.0.1:0")).unwrap();
        Self { running, _runtime: runtime }
    }

    fn address(&self) -> String {
        self.running.address().to_string()
    }

    /// Every command that asks for a description refuses it with these words, and writes nothing.
    #[track_caller]
    fn is_refused(&self, asked: &str, words: &str) {
        let (address, folder) = (&*self.address(), TempDir::new().unwrap());
        let out = folder.path().join("out");
        let out = out.to_str().unwrap();
        let method = &*format!("{asked}.m");
        for arguments in [
            &["list", address][..],
            &["describe", address],
            &["schema", "save", address],
            &["codegen", address, "--lang", "rust", "--out", out],
            &["codegen", address, "--lang", "typescript", "--out", out],
            &["codegen", address, "--lang", "python", "--out", out],
            &["codegen", address, "--lang", "markdown", "--out", out],
            &["call", address, method],
        ] {
            let ran = run(arguments);
            assert_eq!((ran.code, ran.stdout.as_str()), (77, ""), "{arguments:?}: {ran:?}");
            let error = format!("error: {address} describes {asked} wrongly: {words}\n");
            assert_eq!(ran.stderr, error, "{arguments:?}");
        }
        assert!(!std::path::Path::new(out).exists());
    }
}

fn service(name: &str, method: &str) -> ServiceSchema {
    let mut builder = ServiceBuilder::new(name, "");
    builder.method(method, "", MethodKind::Unary);
    builder.build()
}

/// A service S whose method m takes what this says; its key is right.
fn taking(types: Registry, format: Format) -> ServiceSchema {
    let mut schema = ServiceSchema { types, ..service("S", "m") };
    schema.methods[0].arguments.push(Argument { name: "a".to_owned(), format });
    let signature = schema.methods[0].canonical_signature(&schema.types);
    schema.methods[0].key = rpc_core::MethodKey::new("S.m", &signature);
    schema
}

#[test]
fn a_methods_name_is_not_written_as_code() {
    let name = "go(&self); } mod evil { pub const STOLEN: &str = include_str!(\"/etc/hostname\"); } \
                #[rpc_core::service] pub trait Other { async fn x";
    let shown = format!("{}…", &name[..80]);
    Stranger::saying(service("S", name)).is_refused(
        "S",
        &format!("the name of a method, {shown:?} is not a name of Rust of 256 bytes at most"),
    );
}

#[test]
fn a_services_name_does_not_end_a_comment() {
    let words =
        "the name of a service, \"*/CODE;/*\" is not letters, digits and `_`, 256 bytes at most";
    Stranger::saying(service("*/CODE;/*", "m")).is_refused("*/CODE;/*", words);
}

#[test]
fn what_files_are_checked_for_is_checked() {
    let missing = taking(Registry::new(), Format::Named("x::Y".to_owned()));
    let words = "S uses the type \"x::Y\", which is not among its types";
    Stranger::saying(missing).is_refused("S", words);
    let stranger = Stranger::saying(service("T", "m"));
    let ran = run(&["describe", &stranger.address(), "S"]);
    let words = format!("error: {} describes S wrongly: it describes T\n", stranger.address());
    assert_eq!((ran.code, ran.stderr), (77, words));
}

#[test]
fn bombs_are_defused() {
    let array = |content, size| Format::Array { content: Box::new(content), size };
    let named = |key: &str| Format::Named(key.to_owned());
    let mut circle = Registry::new();
    circle.define("T", "T", "", |_| ContainerKind::Tuple(vec![named("T"), named("T")]));
    let mut doubling = Registry::new();
    for place in 0..60 {
        let next = if place == 59 { Format::U8 } else { named(&format!("T{}", place + 1)) };
        doubling.define(&format!("T{place}"), "T", "", |_| {
            ContainerKind::Tuple(vec![next.clone(), next])
        });
    }
    let hundreds = (0..20).fold(Format::U8, |content, _| array(content, 100));
    for (schema, template, random) in [
        (
            taking(circle, named("T")),
            "which holds itself without end",
            "contains itself without end",
        ),
        (
            taking(Registry::new(), array(Format::U8, u32::MAX)),
            "over the budget of 100000 values",
            "over the budget of 100000",
        ),
        (
            taking(doubling, named("T0")),
            "over the budget of 100000 values",
            "over the budget of 40",
        ),
        (
            taking(Registry::new(), hundreds),
            "over the budget of 100000 values",
            "over the budget of 100000",
        ),
    ] {
        let stranger = Stranger::saying(schema);
        let address = &*stranger.address();
        for (arguments, code, words) in [
            (&["call", address, "S.m", "--template"][..], 76, template),
            (&["bench", address, "S.m", "--random", "--count", "1"], 67, random),
        ] {
            let ran = run(arguments);
            assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{arguments:?}: {ran:?}");
            assert!(ran.stderr.contains(words), "{arguments:?}: {ran:?}");
        }
        assert_eq!(run(&["describe", address]).code, 0);
    }
}
