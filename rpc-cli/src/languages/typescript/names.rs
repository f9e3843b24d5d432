//! Names of what is generated: unique, and none that the language or the run-time has for itself.

use super::{
    super::names::{Kind, Naming, Role},
    TypeScript,
};
use crate::api::{Unique, capitals, is_word, starts_word};

/// Names that modules import or the language defines, as far as generated code could use it or hide it.
const TAKEN: &str = "AppError AsyncIterableIterator CallContext Caller CallOptions Channel ChannelOptions Code ConnectOptions Connection DecodeError \
    EncodeError Extract ItemStream Items Map Object Promise StatusError Symbol Uint8Array channel connect globalThis rpc types";

/// Words that cannot be names of variables in modules.
const RESERVED: &str = "any arguments as async await break case catch class const continue debugger default delete do \
    else enum eval export extends false finally for function if implements import in instanceof interface let never \
    new null object package private protected public return static super switch this throw true try typeof undefined \
    var void while with yield";

impl Naming for TypeScript<'_> {
    fn taken(kind: Kind) -> &'static str {
        match kind {
            Kind::Service => TAKEN,
            // Members that every instance of the class has.
            Kind::Method => "constructor toString valueOf hasOwnProperty then",
            // The parameter behind them, and names that the code around uses.
            Kind::Argument(Role::Caller) => "_ rpc types handler options",
            Kind::Argument(Role::Handler) => "_ rpc types handler context",
            _ => "",
        }
    }

    fn spelt(kind: Kind, name: &str) -> String {
        match kind {
            Kind::Method => camel(name),
            Kind::Argument(_) => {
                let name = camel(name);
                let reserved = RESERVED.split(' ').any(|word| word == name);
                format!("{name}{}", if reserved { "_" } else { "" })
            }
            Kind::Service | Kind::Type => identifier(name),
            // Properties and literals are as they are on the wire.
            Kind::Field | Kind::Member | Kind::Variant => name.to_owned(),
        }
    }

    /// The name with an underscore behind it if something else has it, and a number too if that is not enough.
    fn take(kind: Kind, name: &str, scope: &mut Unique) -> String {
        free(&Self::spelt(kind, name), scope)
    }

    /// The class of callers, the interface of those who answer, the function that makes a handler of it, and the
    /// constant with its methods.
    fn service(name: &str, scope: &mut Unique) -> Vec<String> {
        let name = identifier(name);
        let mut initial = name.chars();
        let first: String = initial.next().into_iter().flat_map(char::to_lowercase).collect();
        let lower = format!("{first}{}", initial.as_str());
        let handler = format!("{name}Handler");
        let others = [handler, format!("{lower}Handler"), format!("{lower}Methods")];
        [name].iter().chain(&others).map(|name| free(name, scope)).collect()
    }
}

fn free(name: &str, scope: &mut Unique) -> String {
    if scope.is_free(name) { scope.take(name) } else { scope.take(&format!("{name}_")) }
}

/// `showRecord` for `show_record`.
fn camel(name: &str) -> String {
    let name = name.trim_start_matches('_');
    let (first, rest) = name.split_once('_').unwrap_or((name, ""));
    identifier(&format!("{first}{}", capitals(rest.split('_'))))
}

/// The name without what identifiers cannot have.
fn identifier(name: &str) -> String {
    let plain = |character| if is_word(character) { character } else { '_' };
    let identifier: String = name.chars().map(plain).collect();
    let starts = identifier.starts_with(|first| starts_word(first) || first == '_');
    format!("{}{identifier}", if starts { "" } else { "_" })
}
