//! The types in a signature: what they mean to us, and which cannot travel.

use syn::{
    GenericArgument, PathArguments, PathSegment, ReturnType, Type, TypePath,
    visit::{self, Visit},
};

use super::mistakes::Mistakes;

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
            [Type::Path(content)] if last.ident == "Vec" && content.path.is_ident("u8") => {
                Self::ByteVec
            }
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
        if matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty()) {
            return Self::Nothing;
        }
        check(ty, "result", mistakes);
        let Some(last) = last_segment(ty).filter(|last| last.ident == "Result") else {
            return Self::Value(ty.clone());
        };
        match <[Type; 2]>::try_from(arguments(last)) {
            Ok([value, error]) => Self::Fallible { value: value.into(), error: error.into() },
            Err(_) => {
                let message = "write both types out, as in Result<T, MyError>: callers get the error \
                    typed, and an alias hides it";
                mistakes.at(ty, message);
                Self::Value(ty.clone())
            }
        }
    }
}

/// Whether the type is a shared reference to a call's context; reports one that is not shared.
pub(super) fn is_context(ty: &Type, mistakes: &mut Mistakes) -> bool {
    let named = |ty: &Type| last_segment(ty).is_some_and(|last| last.ident == "Context");
    match ty {
        Type::Reference(reference) if named(&reference.elem) => {
            if reference.mutability.is_some() {
                mistakes.at(ty, "take the context as `&Context`");
            }
            true
        }
        ty if named(ty) => {
            mistakes.at(ty, "take the context as `&Context`");
            true
        }
        _ => false,
    }
}

/// Reports what in a type cannot travel.
pub(super) fn check(ty: &Type, role: &'static str, mistakes: &mut Mistakes) {
    if let Some(last) = last_segment(ty)
        && last.ident == "Streaming"
    {
        mistakes.at(ty, "streams are not supported");
        return;
    }
    Checker { role, mistakes }.visit_type(ty);
}

struct Checker<'a> {
    role: &'static str,
    mistakes: &'a mut Mistakes,
}

impl<'ast> Visit<'ast> for Checker<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        let role = self.role;
        let message = match ty {
            Type::Reference(reference) => {
                let instead = match &*reference.elem {
                    Type::Path(path) if path.path.is_ident("str") => "use String",
                    Type::Slice(_) => "use a Vec",
                    _ => "use the type without `&`",
                };
                format!("the {role} travels to another process and cannot be borrowed: {instead}")
            }
            Type::ImplTrait(bound) => {
                let tokens = quote::quote!(#bound).to_string();
                if tokens.contains("Stream") {
                    "streams are not supported".to_owned()
                } else {
                    format!("write the type of the {role} out: both sides must know it")
                }
            }
            Type::TraitObject(_) => {
                format!("a trait object cannot be the {role}: use an enum, or a concrete type")
            }
            Type::Macro(_) => format!("write the type of the {role} out"),
            Type::Ptr(_) | Type::FnPtr(_) | Type::Never(_) | Type::Infer(_) | Type::Slice(_) => {
                format!("this type cannot travel as the {role}")
            }
            Type::Path(path) if mentions_self(path) => {
                "`Self` is another type on each side: write the type out".to_owned()
            }
            ty => return visit::visit_type(self, ty),
        };
        self.mistakes.at(ty, message);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        if lifetime.ident != "static" {
            let role = self.role;
            let message =
                format!("the {role} travels to another process and cannot be borrowed: own it");
            self.mistakes.at(lifetime, message);
        }
    }
}

fn mentions_self(path: &TypePath) -> bool {
    path.qself.is_none() && path.path.segments.first().is_some_and(|first| first.ident == "Self")
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
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
