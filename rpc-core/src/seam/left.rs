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
        match self {
            Self::Something(_) => match mem::replace(self, Self::Nothing) {
                Self::Something(left) => (left as Box<dyn Any>).downcast().ok(),
                Self::Nothing | Self::Never => None,
            },
            Self::Nothing | Self::Never => None,
        }
    }

    /// Leaves something to the next call.
    pub(crate) fn put(&mut self, what: Box<dyn Leave>) {
        *self = Self::Something(what);
    }
}
