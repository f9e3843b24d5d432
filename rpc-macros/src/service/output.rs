//! The results of a method: none, a value or a stream of items, and which of these may fail.

use quote::ToTokens as _;
use syn::{ReturnType, Type, TypeImplTrait};

use super::types;
use crate::diagnostics::Diagnostics;

/// The result of a method.
#[derive(Clone, Debug)]
pub(super) enum Output {
    Nothing,
    Value(Box<Type>),
    Fallible { value: Box<Type>, error: Failure },
    Stream(Items),
}

/// The error of a method.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// An error of its own, which is part of its signature.
    Own(Box<Type>),
    /// A status, with which any call may fail.
    Status(Box<Type>),
}

impl Failure {
    fn read(ty: &Type, diagnostics: &mut Diagnostics) -> Self {
        if types::is_status(ty) {
            return Self::Status(ty.clone().into());
        }
        types::check(ty, "answer", diagnostics);
        Self::Own(ty.clone().into())
    }

    /// The error as it is written.
    pub(super) const fn written(&self) -> &Type {
        match self {
            Self::Own(ty) | Self::Status(ty) => ty,
        }
    }

    /// The error if it is the method's own.
    pub(super) const fn own(&self) -> Option<&Type> {
        match self {
            Self::Own(ty) => Some(ty),
            Self::Status(_) => None,
        }
    }
}

/// A stream of items.
#[derive(Clone, Debug)]
pub(super) struct Items {
    /// `impl Stream<…>` as it is written.
    pub(super) written: TypeImplTrait,
    /// The type of an item that is not an error.
    pub(super) item: Box<Type>,
    /// The error that may come in place of the stream, or in place of an item.
    pub(super) error: Option<Failure>,
    /// True if an error may come in place of the stream.
    pub(super) start_fails: bool,
    /// True if an error may come in place of an item.
    pub(super) items_fail: bool,
}

impl Output {
    pub(super) fn read(output: &ReturnType, diagnostics: &mut Diagnostics) -> Self {
        let ReturnType::Type(_, ty) = output else { return Self::Nothing };
        if matches!(types::ungrouped(ty), Type::Tuple(tuple) if tuple.elems.is_empty()) {
            return Self::Nothing;
        }
        let Some((value, error)) = split_result(ty, diagnostics) else { return Self::Nothing };
        if let Some(stream) = types::stream(&value) {
            let items = Items::read(stream, error.as_ref(), diagnostics);
            return items.map_or(Self::Nothing, Self::Stream);
        }
        types::check(&value, "answer", diagnostics);
        let Some(error) = error else { return Self::Value(value.into()) };
        Self::Fallible { value: value.into(), error: Failure::read(&error, diagnostics) }
    }

    /// The value or item of a method that has no error.
    pub(super) fn bare(&self) -> Option<&Type> {
        match self {
            Self::Value(value) => Some(value),
            Self::Stream(items) if !items.items_fail => Some(&items.item),
            Self::Stream(_) | Self::Nothing | Self::Fallible { .. } => None,
        }
    }

    /// The error, if the signature has one.
    pub(super) const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Fallible { error, .. } => Some(error),
            Self::Stream(items) => items.error.as_ref(),
            Self::Nothing | Self::Value(_) => None,
        }
    }
}

impl Items {
    fn read(
        written: &TypeImplTrait,
        start: Option<&Type>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let Some(item) = types::stream_item(written) else {
            let message = "a stream needs the type of its items: write `impl Stream<Item = T>`";
            diagnostics.add(written, message);
            return None;
        };
        let (item, end) = split_result(&item, diagnostics)?;
        types::check(&item, "item", diagnostics);
        match (start, &end) {
            (Some(start), Some(end)) if !same(start, end) => {
                let message = format!(
                    "a stream has one type of error: its items fail with `{}` and its start with \
                    `{}`; write the same type in both places",
                    types::text(end),
                    types::text(start)
                );
                diagnostics.add(end, message);
            }
            _ => {}
        }
        let error = start.or(end.as_ref()).map(|error| Failure::read(error, diagnostics));
        Some(Self {
            written: written.clone(),
            item: item.into(),
            error,
            start_fails: start.is_some(),
            items_fail: end.is_some(),
        })
    }
}

/// The two types of a `Result`, or the one of anything else; reports an alias that hides the second.
fn split_result(ty: &Type, diagnostics: &mut Diagnostics) -> Option<(Type, Option<Type>)> {
    let Some(last) = types::last_segment(ty).filter(|last| last.ident == "Result") else {
        return Some((ty.clone(), None));
    };
    if let Ok([value, error]) = <[Type; 2]>::try_from(types::arguments(last)) {
        return Some((value, Some(error)));
    }
    let message = "write out both types, `Result<T, E>`: callers get the error typed, and an alias \
        hides it";
    diagnostics.add(ty, message);
    None
}

/// True if two types are written the same.
fn same(one: &Type, other: &Type) -> bool {
    one.to_token_stream().to_string() == other.to_token_stream().to_string()
}
