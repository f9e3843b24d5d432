//! Values by their types, for what layers and origins leave with a call.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
};

type Values = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// One value of each type. Nothing is allocated before the first.
#[derive(Default)]
pub(super) struct Extensions(Option<Box<Values>>);

impl Extensions {
    /// Puts a value in the place of the one of its type.
    pub(super) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.get_or_insert_default().insert(TypeId::of::<T>(), Box::new(value));
    }

    /// The value of this type.
    pub(super) fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.as_ref()?.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.as_ref().map_or(0, |values| values.len());
        f.debug_struct("Extensions").field("count", &count).finish()
    }
}
