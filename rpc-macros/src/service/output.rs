//! What a method returns: nothing, a value or a stream of items, and which of these may fail.

use quote::ToTokens as _;
use syn::{ReturnType, Type, TypeImplTrait};

use super::types;
use crate::mistakes::Mistakes;

/// What a method returns.
#[derive(Clone, Debug)]
pub(super) enum Output {
    Nothing,
    Value(Box<Type>),
    Fallible { value: Box<Type>, error: Box<Type> },
    Stream(Items),
}

/// A stream of items.
#[derive(Clone, Debug)]
pub(super) struct Items {
    /// `impl Stream<…>` as it is written.
    pub(super) written: TypeImplTrait,
    /// What an item is if it is not an error.
    pub(super) item: Box<Type>,
    /// The method's own error, with which the stream may start or end.
    pub(super) error: Option<Box<Type>>,
    /// Whether there may be an error in place of the stream.
    pub(super) start_fails: bool,
    /// Whether there may be an error in place of an item.
    pub(super) items_fail: bool,
}

impl Output {
    pub(super) fn read(output: &ReturnType, mistakes: &mut Mistakes) -> Self {
        let ReturnType::Type(_, ty) = output else { return Self::Nothing };
        if matches!(types::ungrouped(ty), Type::Tuple(tuple) if tuple.elems.is_empty()) {
            return Self::Nothing;
        }
        let Some((value, error)) = outcome(ty, mistakes) else { return Self::Nothing };
        if let Some(stream) = types::stream(&value) {
            let items = Items::read(stream, error.as_ref(), mistakes);
            return items.map_or(Self::Nothing, Self::Stream);
        }
        types::check(&value, "answer", mistakes);
        let Some(error) = error else { return Self::Value(value.into()) };
        types::check(&error, "answer", mistakes);
        Self::Fallible { value: value.into(), error: error.into() }
    }
}

impl Items {
    fn read(
        written: &TypeImplTrait,
        start: Option<&Type>,
        mistakes: &mut Mistakes,
    ) -> Option<Self> {
        let Some(item) = types::stream_item(written) else {
            let message = "a stream needs the type of its items: write `impl Stream<Item = T>`";
            mistakes.add(written, message);
            return None;
        };
        let (item, end) = outcome(&item, mistakes)?;
        types::check(&item, "item", mistakes);
        match (start, &end) {
            (Some(start), Some(end)) if !same(start, end) => {
                let message = format!(
                    "a stream has one type of error: its items fail with `{}` and its start with \
                    `{}`; write the same type in both places",
                    types::text(end),
                    types::text(start)
                );
                mistakes.add(end, message);
            }
            _ => {}
        }
        let error = start.or(end.as_ref()).cloned();
        if let Some(error) = &error {
            types::check(error, "answer", mistakes);
        }
        Some(Self {
            written: written.clone(),
            item: item.into(),
            error: error.map(Box::new),
            start_fails: start.is_some(),
            items_fail: end.is_some(),
        })
    }
}

/// The two types of a `Result`, or the one of anything else; reports an alias that hides the second.
fn outcome(ty: &Type, mistakes: &mut Mistakes) -> Option<(Type, Option<Type>)> {
    let Some(last) = types::last_segment(ty).filter(|last| last.ident == "Result") else {
        return Some((ty.clone(), None));
    };
    if let Ok([value, error]) = <[Type; 2]>::try_from(types::arguments(last)) {
        return Some((value, Some(error)));
    }
    let message = "write out both types, `Result<T, E>`: callers get the error typed, and an alias \
        hides it";
    mistakes.add(ty, message);
    None
}

/// Whether two types are written the same.
fn same(one: &Type, other: &Type) -> bool {
    one.to_token_stream().to_string() == other.to_token_stream().to_string()
}
