//! The types in a signature: what they mean to us, and which cannot travel.

use quote::ToTokens as _;
use syn::{
    GenericArgument, Lifetime, PathArguments, PathSegment, ReturnType, Type, TypeImplTrait,
    TypeParamBound, TypePath,
    visit::{self, Visit},
};

use crate::mistakes::Mistakes;

/// How a value of a type is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As serde has it.
    Plain,
    /// `Vec<u8>`: in one piece.
    ByteVec,
    /// `Bytes`: in one piece, without a copy.
    SharedBytes,
}

impl Form {
    pub(super) fn of(ty: &Type) -> Self {
        let Some(last) = last_segment(ty) else { return Self::Plain };
        if last.ident == "Bytes" && last.arguments.is_empty() {
            return Self::SharedBytes;
        }
        match arguments(last).as_slice() {
            [content] if last.ident == "Vec" && is_byte(content) => Self::ByteVec,
            _ => Self::Plain,
        }
    }

    /// The module of functions that read and write it.
    pub(super) const fn module(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::ByteVec => "byte_vec",
            Self::SharedBytes => "shared_bytes",
        }
    }
}

/// What a method returns.
#[derive(Clone, Debug)]
pub(super) enum Output {
    Nothing,
    Value(Box<Type>),
    Fallible { value: Box<Type>, error: Box<Type> },
}

impl Output {
    pub(super) fn read(output: &ReturnType, mistakes: &mut Mistakes) -> Self {
        let ReturnType::Type(_, ty) = output else { return Self::Nothing };
        if matches!(ungrouped(ty), Type::Tuple(tuple) if tuple.elems.is_empty()) {
            return Self::Nothing;
        }
        check(ty, "answer", mistakes);
        let Some(last) = last_segment(ty).filter(|last| last.ident == "Result") else {
            return Self::Value(ty.clone());
        };
        match <[Type; 2]>::try_from(arguments(last)) {
            Ok([value, error]) => Self::Fallible { value: value.into(), error: error.into() },
            Err(_) => {
                let message = "write out both types, `Result<T, E>`: callers get the error typed, \
                    and an alias hides it";
                mistakes.add(ty, message);
                Self::Value(ty.clone())
            }
        }
    }
}

/// Whether the type is a shared reference to a call's context; reports one that is not shared.
pub(super) fn is_context(ty: &Type, mistakes: &mut Mistakes) -> bool {
    let named = |ty| last_segment(ty).is_some_and(|last| last.ident == "Context");
    let shared = match ungrouped(ty) {
        Type::Reference(reference) if named(&reference.elem) => {
            reference.mutability.is_none() && reference.lifetime.is_none()
        }
        ty if named(ty) => false,
        _ => return false,
    };
    if !shared {
        mistakes.add(ty, "the context of a call is lent to the method: write `&Context`");
    }
    true
}

/// Whether `impl …` is a stream of values.
pub(super) fn is_stream(bounds: &TypeImplTrait) -> bool {
    bounds.bounds.iter().any(|bound| match bound {
        TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident.to_string().ends_with("Stream")),
        _ => false,
    })
}

/// Reports what in a type cannot travel. `role` says what the type is for.
pub(super) fn check(ty: &Type, role: &'static str, mistakes: &mut Mistakes) {
    Checker { role, mistakes }.visit_type(ty);
}

struct Checker<'a> {
    role: &'static str,
    mistakes: &'a mut Mistakes,
}

impl<'ast> Visit<'ast> for Checker<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        match wrong_with(ty, self.role) {
            Some(message) => self.mistakes.add(ty, message),
            None => visit::visit_type(self, ty),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            let message = format!(
                "an {} travels to another process and cannot be borrowed: use an owned type",
                self.role
            );
            self.mistakes.add(lifetime, message);
        }
    }
}

/// Why this type cannot travel, leaving aside the types inside it.
fn wrong_with(ty: &Type, role: &str) -> Option<String> {
    Some(match ty {
        Type::Reference(reference) => {
            let owned = owned(&reference.elem);
            format!("an {role} travels to another process and cannot be borrowed: use `{owned}`")
        }
        Type::ImplTrait(bounds) if is_stream(bounds) => STREAMS.to_owned(),
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
        Type::Path(path)
            if path.path.segments.last().is_some_and(|last| last.ident == "Streaming") =>
        {
            STREAMS.to_owned()
        }
        _ => return None,
    })
}

const STREAMS: &str = "streams are not supported: use a `Vec`, or one call for each item";

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
fn text(ty: &Type) -> String {
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
fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        ty => ty,
    }
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ungrouped(ty) {
        Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        _ => None,
    }
}

/// The type arguments of a path segment.
fn arguments(segment: &PathSegment) -> Vec<Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    });
    types.collect()
}
