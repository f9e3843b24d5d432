//! The types in a signature: those with a meaning of their own, and those that cannot travel.

use quote::ToTokens as _;
use syn::{
    GenericArgument, Ident, Lifetime, Path, PathArguments, PathSegment, Type, TypeImplTrait,
    TypeParamBound, TypePath,
    visit::{self, Visit},
};

use crate::diagnostics::Diagnostics;

/// The encoding of a value of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// That of serde.
    Plain,
    /// `Vec<u8>`: in one piece.
    ByteVec,
    /// `Bytes`: in one piece, without a copy.
    SharedBytes,
    /// `Shared<T>`: encoded once, however many receive it.
    SharedValue,
    /// `serde_json::Value`: as its text in bincode.
    Json,
}

impl Form {
    /// The form of a value that is a message by itself: an answer, an error, an item.
    pub(super) fn of_whole(ty: &Type) -> Self {
        if shared_content(ty).is_some() { Self::SharedValue } else { Self::of_argument(ty) }
    }

    /// The form of a value that is one of several in a message.
    pub(super) fn of_argument(ty: &Type) -> Self {
        let Some(last) = last_segment(ty) else { return Self::Plain };
        if is_json(ty) {
            return Self::Json;
        }
        if last.ident == "Bytes" && last.arguments.is_empty() {
            return Self::SharedBytes;
        }
        match arguments(last).as_slice() {
            [content] if last.ident == "Vec" && is_byte(content) => Self::ByteVec,
            _ => Self::Plain,
        }
    }

    /// The module of functions that read and write this form.
    pub(super) const fn module(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::ByteVec => "byte_vec",
            Self::SharedBytes => "shared_bytes",
            Self::SharedValue => "shared_value",
            Self::Json => "json_value",
        }
    }
}

/// The `T` of a `Shared<T>`.
pub(super) fn shared_content(ty: &Type) -> Option<Type> {
    let last = last_segment(ty).filter(|last| last.ident == "Shared")?;
    let [content] = <[Type; 1]>::try_from(arguments(last)).ok()?;
    Some(content)
}

/// True for `serde_json::Value` under that name; a `Value` alone may be anybody's.
pub(super) fn is_json(ty: &Type) -> bool {
    let Type::Path(path) = ungrouped(ty) else { return false };
    let mut last = path.path.segments.iter().rev();
    last.next().is_some_and(|last| last.ident == "Value" && last.arguments.is_none())
        && last.next().is_some_and(|before| before.ident == "serde_json")
}

/// The type that its callers have in the place of `ty`.
pub(super) fn described(ty: &Type) -> Type {
    shared_content(ty).unwrap_or_else(|| ty.clone())
}

/// True if a type may be an alias of any other, as far as its name tells.
pub(super) fn may_be_alias(ty: &Type) -> bool {
    const KNOWN: [&str; 8] =
        ["Arc", "Box", "Bytes", "HashMap", "Option", "Shared", "String", "Vec"];
    let known = |name: &Ident| {
        KNOWN.iter().any(|known| name == known)
            || super::passing::VALUES.iter().any(|known| name == known)
    };
    last_segment(ty).is_some_and(|last| !known(&last.ident))
}

/// True if an error is the framework's `Status`, as far as its name tells.
pub(super) fn is_status(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == "Status" && last.arguments.is_empty())
}

/// True if the type is a call's context; reports one that is not a shared reference.
pub(super) fn is_context(ty: &Type, diagnostics: &mut Diagnostics) -> bool {
    let named = |ty| last_segment(ty).is_some_and(|last| last.ident == "Context");
    let shared = match ungrouped(ty) {
        Type::Reference(reference) if named(&reference.elem) => {
            reference.mutability.is_none() && reference.lifetime.is_none()
        }
        ty if named(ty) => false,
        _ => return false,
    };
    if !shared {
        diagnostics.add(ty, "the context of a call is lent to the method: write `&Context`");
    }
    true
}

/// The items of an argument `Streaming<T>`, or nothing for any other type; reports one that is lent, or
/// that does not say what its items are.
pub(super) fn streamed_argument(ty: &Type, diagnostics: &mut Diagnostics) -> Option<Type> {
    let (ty, lent) = match ungrouped(ty) {
        Type::Reference(reference) => (ungrouped(&reference.elem), Some(ty)),
        ty => (ty, None),
    };
    let last = last_segment(ty).filter(|last| last.ident == "Streaming")?;
    let contents = arguments(last);
    let item = contents.first().cloned().unwrap_or_else(|| ty.clone());
    if let Some(lent) = lent {
        let message =
            format!("a streamed argument belongs to the method: write `{}` without `&`", text(ty));
        diagnostics.add(lent, message);
    } else if contents.len() == 1 {
        check(&item, "item", diagnostics);
    } else {
        diagnostics
            .add(ty, "a streamed argument has one type, that of its items: write `Streaming<T>`");
    }
    Some(item)
}

/// A type `impl Stream<…>`.
pub(super) fn stream(ty: &Type) -> Option<&TypeImplTrait> {
    match ungrouped(ty) {
        Type::ImplTrait(bounds) => stream_bound(bounds).map(|_| bounds),
        _ => None,
    }
}

/// The `T` of an `impl Stream<Item = T>`.
pub(super) fn stream_item(bounds: &TypeImplTrait) -> Option<Type> {
    let last = stream_bound(bounds)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(bound) if bound.ident == "Item" => Some(bound.ty.clone()),
        _ => None,
    })
}

/// True if `Send` is among the bounds already.
pub(super) fn says_send(bounds: &TypeImplTrait) -> bool {
    traits(bounds).any(|last| last.ident == "Send")
}

/// True if a type holds a stream, in the right place or not.
pub(super) fn mentions_stream(ty: &Type) -> bool {
    let mut search = Streams(false);
    search.visit_type(ty);
    search.0
}

struct Streams(bool);

impl<'ast> Visit<'ast> for Streams {
    fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
        self.0 = true;
    }

    fn visit_path(&mut self, path: &'ast Path) {
        self.0 |= path.segments.last().is_some_and(|last| last.ident == "Streaming");
        visit::visit_path(self, path);
    }
}

fn stream_bound(bounds: &TypeImplTrait) -> Option<&PathSegment> {
    traits(bounds).find(|last| last.ident == "Stream")
}

/// The names of the traits in an `impl …`, with their arguments.
fn traits(bounds: &TypeImplTrait) -> impl Iterator<Item = &PathSegment> {
    bounds.bounds.iter().filter_map(|bound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last(),
        _ => None,
    })
}

/// Reports the parts of a type that cannot travel. `role` names the use of the type in messages.
pub(super) fn check(ty: &Type, role: &'static str, diagnostics: &mut Diagnostics) {
    Checker { role, diagnostics }.visit_type(ty);
}

struct Checker<'a> {
    role: &'static str,
    diagnostics: &'a mut Diagnostics,
}

impl<'ast> Visit<'ast> for Checker<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        if let Some(element) = held_slice(ty) {
            return self.visit_type(&element);
        }
        match wrong_with(ty, self.role) {
            Some(message) => self.diagnostics.add(ty, message),
            None => visit::visit_type(self, ty),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            let message = format!(
                "an {} travels to another process and cannot be borrowed: use an owned type",
                self.role
            );
            self.diagnostics.add(lifetime, message);
        }
    }
}

/// The `T` of a pointer to a slice, `Box<[T]>` or `Arc<[T]>`, which has the size that a slice alone lacks.
fn held_slice(ty: &Type) -> Option<Type> {
    match pointee(ty)? {
        Type::Slice(slice) => Some(*slice.elem),
        _ => None,
    }
}

/// The type that a pointer of the standard library's points to.
pub(super) fn pointee(ty: &Type) -> Option<Type> {
    let last = last_segment(ty)?;
    let [content] = <[Type; 1]>::try_from(arguments(last)).ok()?;
    (last.ident == "Box" || last.ident == "Arc").then_some(content)
}

/// The reason why this type cannot travel, if there is one beside those of the types inside it.
fn wrong_with(ty: &Type, role: &str) -> Option<String> {
    Some(match ty {
        Type::Reference(reference) => {
            let owned = owned(&reference.elem);
            format!("an {role} travels to another process and cannot be borrowed: use `{owned}`")
        }
        Type::ImplTrait(bounds) if stream_bound(bounds).is_some() => {
            misplaced_stream(role, stream_item(bounds).as_ref())
        }
        Type::ImplTrait(_) => format!(
            "an {role} needs a type that client and server agree on: write it out instead of `impl`"
        ),
        Type::TraitObject(_) => {
            format!(
                "an {role} needs a type that client and server agree on: use an enum instead of \
                    `dyn`"
            )
        }
        Type::Macro(_) => format!("the type of an {role} has to be written out: a macro hides it"),
        Type::Slice(slice) => {
            let element = text(&slice.elem);
            format!("an {role} needs a size: use `Vec<{element}>`")
        }
        Type::Infer(_) => format!("the type of an {role} has to be written out"),
        Type::Never(_) => format!("an {role} needs a value: remove the type"),
        Type::Ptr(_) | Type::FnPtr(_) => {
            format!("an {role} travels to another process, where a pointer means nothing")
        }
        Type::Path(path) if is_self(path) => {
            "`Self` is a different type for client and server: write the type out".to_owned()
        }
        Type::Path(path) => {
            let last = path.path.segments.last().filter(|last| last.ident == "Streaming")?;
            misplaced_streaming(role, arguments(last).first())
        }
        _ => return None,
    })
}

/// The reason why `impl Stream` cannot stand here.
fn misplaced_stream(role: &str, item: Option<&Type>) -> String {
    let item = item.map_or_else(|| "T".to_owned(), text);
    match role {
        "argument" => {
            format!("an argument is streamed as `Streaming`: write `name: Streaming<{item}>`")
        }
        "item" => STREAM_OF_STREAMS.to_owned(),
        _ => format!(
            "a stream cannot be inside another type: return `impl Stream<Item = {item}>`, or \
            `Result<impl Stream<Item = {item}>, E>` if it may fail at the start"
        ),
    }
}

/// The reason why `Streaming` cannot stand here.
fn misplaced_streaming(role: &str, item: Option<&Type>) -> String {
    let item = item.map_or_else(|| "T".to_owned(), text);
    match role {
        "argument" => format!(
            "a streamed argument cannot be inside another type: make it an argument of its own, \
            `name: Streaming<{item}>`"
        ),
        "item" => STREAM_OF_STREAMS.to_owned(),
        _ => format!("`Streaming` is for arguments: return `impl Stream<Item = {item}>`"),
    }
}

const STREAM_OF_STREAMS: &str =
    "an item of a stream cannot be a stream itself: send all items in one";

/// The owned type to use in place of a borrowed one.
fn owned(ty: &Type) -> String {
    match ungrouped(ty) {
        Type::Path(path) if path.path.is_ident("str") => "String".to_owned(),
        Type::Path(path) if path.path.is_ident("Path") => "PathBuf".to_owned(),
        Type::Slice(slice) => format!("Vec<{}>", text(&slice.elem)),
        ty => text(ty),
    }
}

/// A type as people write it.
pub(super) fn text(ty: &Type) -> String {
    let spaced = ty.to_token_stream().to_string();
    spaced.replace(" :: ", "::").replace(" < ", "<").replace(" >", ">").replace(" ,", ",")
}

fn is_self(path: &TypePath) -> bool {
    path.qself.is_none() && path.path.segments.first().is_some_and(|first| first.ident == "Self")
}

fn is_byte(ty: &Type) -> bool {
    matches!(ungrouped(ty), Type::Path(path) if path.path.is_ident("u8"))
}

/// The type without the invisible brackets that a macro puts around it, and without visible ones.
pub(super) fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        ty => ty,
    }
}

pub(super) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ungrouped(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// True if a type may be the standard library's, going by its path: one name, or a path into `std` or `alloc`.
pub(super) fn may_be_std(ty: &Type) -> bool {
    let Type::Path(path) = ungrouped(ty) else { return false };
    let segments = &path.path.segments;
    segments.len() == 1
        || segments.first().is_some_and(|first| first.ident == "std" || first.ident == "alloc")
}

/// The type arguments of a path segment.
pub(super) fn arguments(segment: &PathSegment) -> Vec<Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    types.collect()
}
