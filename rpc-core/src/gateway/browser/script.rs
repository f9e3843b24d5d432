//! The module: the run-time, and behind it the classes and functions that it makes of the description.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{
    Home,
    names::{Names, Service},
    shapes::Shapes,
    text::string,
};
use crate::schema::{Container, ContainerKind, Field, Variant};

/// The run-time of clients that answer calls, and the smaller one of those that do not.
pub(super) const WHOLE: &str = include_str!("runtime/whole.js");
const CALLING: &str = include_str!("runtime/calling.js");

/// What stands behind it: where to connect to, and the channel that all callers share who have none of their own.
const COMMON: &str = "\
const $at=(a,o)=>typeof a===\"string\"?[a,o]:[$home(),a];let $c;
export const connect=(a,o)=>$rpc.connect(...$at(a,o)),channel=(a,o)=>$rpc.channel(...$at(a,o));
const $own=()=>$c??=channel();
export const{AppError,Channel,Connection,DecodeError,EncodeError,ItemStream,Metadata,StatusError,decode,encode}=$rpc;
";

pub(super) fn write(names: &Names<'_>, home: Home) -> String {
    let runtime = if names.answers() { WHOLE } else { CALLING };
    let home = match home {
        Home::Module => "new URL(\".\",import.meta.url).href",
        Home::Page => "new URL(\"/\",location.href).href",
    };
    let services = names.services.iter().enumerate();
    let services: Vec<Value> =
        services.map(|(place, service)| describe(names, place, service)).collect();
    let mut script = format!(
        "// Made by rpc-core {} of a description of services: make it anew rather than edit it.\n{runtime}const \
         $home=()=>{home};\n{COMMON}const $s=JSON.parse({}).map(s=>new $rpc.Description(s,k=>$s[k]));\n",
        env!("CARGO_PKG_VERSION"),
        string(&Value::from(services).to_string()),
    );
    for (place, service) in names.services.iter().enumerate() {
        if service.role.calls() {
            let class = &service.class;
            let _ = writeln!(script, "export class {class} extends $s[{place}].client($own){{}}");
        }
        if service.role.answers() {
            let _ = writeln!(script, "export const {}=$s[{place}].handler();", service.function);
        }
    }
    for named in &names.types {
        let (name, key) = (&named.name, string(named.key));
        let _ = writeln!(script, "export const {name}=$s[{}].type({key});", named.service);
    }
    script
}

/// What the run-time has to know of a service.
fn describe(names: &Names<'_>, place: usize, service: &Service<'_>) -> Value {
    let schema = service.schema;
    let methods = service.methods.iter().map(|method| {
        let of = method.schema;
        let formats = of.arguments.iter().map(|argument| json!({ "format": argument.format }));
        let mut value = json!({
            "name": method.name,
            "path": of.path,
            "kind": of.kind,
            "arguments": formats.collect::<Vec<_>>(),
            "returns": of.returns,
            "key": of.key,
        });
        if let Some(upload) = &of.upload {
            value["upload"] = json!({ "format": upload.format });
        }
        if let Some(fails) = &of.fails {
            value["fails"] = json!(fails);
        }
        value
    });
    let shapes = Shapes { names, service: schema };
    let formats = schema.methods.iter().flat_map(crate::schema::MethodSchema::formats);
    let types: Map<String, Value> = schema
        .types
        .reachable(formats)
        .into_iter()
        .map(|(key, container)| {
            let owner = names.get(schema, key).map_or(place, |named| named.service);
            let value = match owner == place {
                true => inside(shapes, container),
                false => json!({ "of": owner }),
            };
            (key.to_owned(), value)
        })
        .collect();
    json!({ "name": schema.name, "methods": methods.collect::<Vec<_>>(), "types": types })
}

fn inside(shapes: Shapes<'_, '_>, container: &Container) -> Value {
    // Of names only that of a result means something.
    let name = if container.name.starts_with("Result<") { "Result<" } else { "" };
    json!({ "name": name, "kind": kind(shapes, &container.kind) })
}

fn kind(shapes: Shapes<'_, '_>, kind: &ContainerKind) -> Value {
    match kind {
        ContainerKind::Struct(fields) => {
            let fields = fields.iter().map(|field| self::field(shapes, field));
            json!({ "Struct": fields.collect::<Vec<_>>() })
        }
        ContainerKind::Enum(variants) => {
            let variant = |variant: &Variant| json!({ "name": variant.name, "kind": self::kind(shapes, &variant.kind) });
            json!({ "Enum": variants.iter().map(variant).collect::<Vec<_>>() })
        }
        plain => json!(plain),
    }
}

fn field(shapes: Shapes<'_, '_>, field: &Field) -> Value {
    let mut value = json!({ "name": field.name, "format": field.format });
    if let Some(default) = shapes.default_of(field) {
        value["default"] = default.into();
    }
    value
}
