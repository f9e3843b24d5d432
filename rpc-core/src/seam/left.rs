//! What a call leaves in its slot for the one that follows it at once.

use std::{any::Any, mem};

/// What is left in a slot.
#[derive(Default)]
pub(crate) enum Left {
    /// No call follows.
    #[default]
    Never,
    Nothing,
    Something(Box<dyn Leave>),
}

/// What can be left.
pub(crate) trait Leave: Any + Send {
    /// Other things come before the next call: nothing is to be kept but a place in memory.
    fn rest(&mut self);
}

impl Left {
    /// Whether calls may follow.
    pub(crate) const fn is_of_many(&self) -> bool {
        !matches!(self, Self::Never)
    }

    /// Takes it if it is of this type.
    pub(crate) fn take<T: Leave>(&mut self) -> Option<Box<T>> {
        if !self.is_of_many() {
            return None;
        }
        let Self::Something(left) = mem::replace(self, Self::Nothing) else { return None };
        (left as Box<dyn Any>).downcast().ok()
    }

    /// Leaves something to the next call.
    pub(crate) fn put(&mut self, what: Box<dyn Leave>) {
        *self = Self::Something(what);
    }
}
