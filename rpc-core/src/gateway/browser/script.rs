//! The module: as much of the run-time as it needs, and behind it the types, classes and functions of the services.

use std::{cell::RefCell, collections::HashSet, fmt::Write as _};

use super::{
    Home,
    codecs::{Codecs, Used},
    names::{Names, Service},
    pieces::Pieces,
    shapes::Shapes,
    text::string,
};
use crate::schema::{Container, Format, MethodKind};

/// What every module exports of the run-time.
const EXPORTED: [&str; 9] = [
    "AppError",
    "Channel",
    "Connection",
    "DecodeError",
    "EncodeError",
    "Metadata",
    "StatusError",
    "decode",
    "encode",
];

/// Where to connect to, and the channel that all callers share who have none of their own.
fn common(used: &Used) -> String {
    let (connect, channel) = (used.name("connect"), used.name("channel"));
    format!(
        "const $at=(a,o)=>typeof a===\"string\"?[a,o]:[$home(),a];let $c;export const \
         connect=(a,o)=>{connect}(...$at(a,o)),channel=(a,o)=>{channel}(...$at(a,o));const $own=()=>$c??=channel();\n"
    )
}

/// What a client is made of that does no more than this one.
fn pieces(names: &Names<'_>) -> &'static Pieces {
    if names.answers_items() {
        Pieces::whole()
    } else if names.answers() {
        Pieces::answering()
    } else if names.is_plain() {
        Pieces::plain()
    } else {
        Pieces::calling()
    }
}

pub(super) fn write(names: &Names<'_>, home: Home) -> String {
    let used = Used::of(pieces(names));
    let mut exported = EXPORTED.to_vec();
    if names.streams() {
        exported.push("ItemStream");
    }
    for name in &exported {
        used.name(name);
    }
    let (common, pieces) = (common(&used), used.pieces);
    let types = types(names, &used);
    let services = services(names, &used);
    let home = match home {
        Home::Module => "new URL(\".\",import.meta.url).href",
        Home::Page => "new URL(\"/\",location.href).href",
    };
    format!(
        "// Made by rpc-core {}: make it anew rather than edit it.\n{}const \
         $home=()=>{home};\n{common}{types}{services}{}",
        env!("CARGO_PKG_VERSION"),
        pieces.script(used.into_names()),
        pieces.exports(exported),
    )
}

/// The types, each behind those that it holds; one that holds itself names what comes later.
fn types(names: &Names<'_>, used: &Used) -> String {
    let defined = RefCell::new(HashSet::new());
    let is_defined = |place: usize| defined.borrow().contains(&place);
    let (mut script, mut exported) = (String::new(), Vec::new());
    for place in ordered(names) {
        let named = &names.types[place];
        let shapes = Shapes { names, service: names.services[named.service].schema };
        let codecs = Codecs { shapes, used, defined: &is_defined };
        let _ = write!(script, "const $t{place}={};", codecs.define(named.container));
        exported.push(format!("$t{place} as {}", named.name));
        defined.borrow_mut().insert(place);
    }
    script + &format!("export{{{}}};\n", exported.join(","))
}

/// The places of types, each behind those that it holds, as far as that can be.
fn ordered(names: &Names<'_>) -> Vec<usize> {
    let mut ordered = Vec::new();
    let mut seen = vec![false; names.types.len()];
    // Not by recursion: descriptions may be as long as their authors like.
    let mut left: Vec<_> = (0..names.types.len()).rev().map(|place| (place, false)).collect();
    while let Some((place, are_there)) = left.pop() {
        if are_there {
            ordered.push(place);
        } else if !std::mem::replace(&mut seen[place], true) {
            left.push((place, true));
            let named = &names.types[place];
            let schema = names.services[named.service].schema;
            let mut keys = Vec::new();
            keys_of(named.container, &mut keys);
            let places = keys.into_iter().filter_map(|key| names.place(schema, key));
            left.extend(places.filter(|place| !seen[*place]).map(|place| (place, false)));
        }
    }
    ordered
}

/// The keys of types in a type.
fn keys_of<'c>(container: &'c Container, keys: &mut Vec<&'c str>) {
    let mut formats = container.kind.formats();
    while let Some(format) = formats.pop() {
        match format {
            Format::Named(key) => keys.push(key),
            Format::Option(content) | Format::Seq(content) | Format::Array { content, .. } => {
                formats.push(content);
            }
            Format::Text { wire, .. } => formats.push(wire),
            Format::Map { key, value } => formats.extend([&**key, &**value]),
            Format::Tuple(parts) => formats.extend(parts),
            _ => {}
        }
    }
}

/// Classes and functions: like types, they have names of their own here, and are exported by those that they are known by.
fn services(names: &Names<'_>, used: &Used) -> String {
    let (mut script, mut exported) = (String::new(), Vec::new());
    for (place, service) in names.services.iter().enumerate() {
        let _ = writeln!(script, "const $m{place}=[{}];", methods(names, used, service).join(","));
        if service.role.calls() {
            let each = service.methods.iter().enumerate().map(|(index, method)| {
                let (count, kind) = (method.arguments.len(), used.name(kind(method.schema.kind)));
                format!("[{},{count},{kind},$m{place}[{index}]]", string(&method.name))
            });
            let each = each.collect::<Vec<_>>().join(",");
            let (class, client) = (&service.class, used.name("client"));
            let _ = writeln!(script, "class $s{place} extends {client}($own,[{each}]){{}}");
            exported.push(format!("$s{place} as {class}"));
        }
        if service.role.answers() {
            let each = service.methods.iter().enumerate().map(|(index, method)| {
                let answer = used.name(answer(method.schema.kind));
                format!("[{},{answer},$m{place}[{index}]]", string(&method.name))
            });
            let each = each.collect::<Vec<_>>().join(",");
            let (function, handler) = (&service.function, used.name("handler"));
            let name = string(&service.schema.name);
            let _ = writeln!(script, "const $h{place}={handler}({name},[{each}]);");
            exported.push(format!("$h{place} as {function}"));
        }
    }
    script + &format!("export{{{}}};\n", exported.join(","))
}

/// How calls of the methods of a service travel.
fn methods(names: &Names<'_>, used: &Used, service: &Service<'_>) -> Vec<String> {
    let shapes = Shapes { names, service: service.schema };
    let codecs = Codecs { shapes, used, defined: &|_| true };
    let method = |method: &super::names::Method<'_>| {
        let of = method.schema;
        let streams = matches!(of.kind, MethodKind::ServerStream | MethodKind::Duplex);
        let returns = match &of.returns {
            Format::Unit if !streams => used.name("nothing"),
            format => codecs.of(format),
        };
        let mut parts = vec![
            string(&of.path),
            string(&of.key.to_string()),
            codecs.tuple(of.arguments.iter().map(|argument| &argument.format)),
            returns,
        ];
        let upload = of.upload.as_ref().map(|upload| codecs.of(&upload.format));
        let fails = of.fails.as_ref().map(|fails| codecs.of(fails));
        if upload.is_some() || fails.is_some() {
            parts.push(upload.unwrap_or_else(|| "void 0".to_owned()));
        }
        parts.extend(fails);
        format!("{}({})", used.name("method"), parts.join(","))
    };
    service.methods.iter().map(method).collect()
}

/// How calls of a kind are made.
const fn kind(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Unary => "unary",
        MethodKind::Oneway => "oneway",
        MethodKind::ServerStream => "stream",
        MethodKind::ClientStream => "upload",
        MethodKind::Duplex => "duplex",
    }
}

/// How they are answered.
const fn answer(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Unary | MethodKind::Oneway => "answer",
        MethodKind::ServerStream => "answerStream",
        MethodKind::ClientStream => "answerUpload",
        MethodKind::Duplex => "answerDuplex",
    }
}
