//! The declarations: what is the same for all clients, then classes, handlers and types.

use super::{
    names::{Method, Names, Service},
    shapes::Shapes,
    text::doc,
};
use crate::schema::{Format, MethodKind};

/// The declarations of the run-time.
const RUNTIME: &str = include_str!("runtime/runtime.d.ts");

/// The side of a call that a function is written for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Caller,
    Handler,
}

pub(super) fn write(names: &Names<'_>) -> String {
    let mut out = RUNTIME.to_owned();
    if !names.streams() {
        without(&mut out, "ItemStream");
    }
    for service in &names.services {
        let shapes = Shapes { names, service: service.schema };
        if service.role.calls() {
            class(&mut out, shapes, service);
        }
        if service.role.answers() {
            handler(&mut out, shapes, service);
        }
    }
    for named in &names.types {
        let service = names.services[named.service].schema;
        Shapes { names, service }.define(&mut out, &named.name, named.container);
    }
    out
}

/// Takes out a class that the module does not have.
fn without(out: &mut String, class: &str) {
    let Some(start) = out.find(&format!("export declare class {class}<")) else { return };
    let start = out[..start].rfind("\n\n").unwrap_or(start);
    let end = out[start..].find("\n}\n").map_or(out.len(), |end| start + end + 3);
    out.replace_range(start..end, "\n");
}

fn class(out: &mut String, shapes: Shapes<'_, '_>, service: &Service<'_>) {
    let schema = service.schema;
    out.push('\n');
    out.push_str(&doc(&schema.doc, schema.deprecated.as_deref(), 0));
    out.push_str(&format!("export declare class {} {{\n", service.class));
    out.push_str(
        "  /** Calls by a connection or channel; without one by a channel that all share. */\n",
    );
    out.push_str("  constructor(caller?: Caller);\n");
    for method in &service.methods {
        let of = method.schema;
        out.push_str(&doc(&of.doc, of.deprecated.as_deref(), 2));
        let value = shapes.type_of(&of.returns);
        let returns = match of.kind {
            MethodKind::ServerStream | MethodKind::Duplex => format!("ItemStream<{value}>"),
            _ if of.returns == Format::Unit => "Promise<void>".to_owned(),
            _ => format!("Promise<{value}>"),
        };
        let mut parameters = parameters(shapes, method, Side::Caller);
        parameters.push("options?: CallOptions".to_owned());
        out.push_str(&format!("  {}({}): {returns};\n", method.name, parameters.join(", ")));
    }
    out.push_str("}\n");
}

fn handler(out: &mut String, shapes: Shapes<'_, '_>, service: &Service<'_>) {
    let name = &service.schema.name;
    out.push('\n');
    out.push_str(&doc(&format!("Answers calls of `{name}`."), None, 0));
    out.push_str(&format!("export interface {} {{\n", service.handler));
    for method in &service.methods {
        let of = method.schema;
        out.push_str(&doc(&of.doc, None, 2));
        let value = shapes.given(&of.returns);
        let returns = match of.kind {
            MethodKind::ServerStream | MethodKind::Duplex => format!("Items<{value}>"),
            _ if of.returns == Format::Unit => "void | Promise<void>".to_owned(),
            _ => format!("{value} | Promise<{value}>"),
        };
        let mut parameters = parameters(shapes, method, Side::Handler);
        parameters.push("context: CallContext".to_owned());
        out.push_str(&format!("  {}({}): {returns};\n", method.name, parameters.join(", ")));
    }
    out.push_str("}\n");
    out.push_str(&doc(
        &format!("What a connection registers, for the calls of `{name}`."),
        None,
        0,
    ));
    out.push_str(&format!(
        "export declare function {}(handler: {}): ServiceHandler;\n",
        service.function, service.handler
    ));
}

fn parameters(shapes: Shapes<'_, '_>, method: &Method<'_>, side: Side) -> Vec<String> {
    let of = method.schema;
    let given = if side == Side::Caller { method.given() } else { usize::MAX };
    let with = method.arguments.iter().zip(&of.arguments).enumerate();
    let parameter = |(place, (name, argument)): (usize, (&String, &crate::schema::Argument))| {
        let optional = if place < given { "" } else { "?" };
        let shape = match side {
            Side::Caller => shapes.given(&argument.format),
            Side::Handler => shapes.type_of(&argument.format),
        };
        format!("{name}{optional}: {shape}")
    };
    let mut parameters: Vec<String> = with.map(parameter).collect();
    if let (Some(name), Some(upload)) = (&method.upload, &of.upload) {
        parameters.push(match side {
            Side::Caller => format!("{name}: Items<{}>", shapes.given(&upload.format)),
            Side::Handler => {
                format!("{name}: AsyncIterableIterator<{}>", shapes.type_of(&upload.format))
            }
        });
    }
    parameters
}
