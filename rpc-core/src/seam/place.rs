//! What a program keeps with a link: values that live as long as it does.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::extensions::Extensions;

/// One value of each type at most, until the link is over.
///
/// ```text
/// Empty ──insert──▶ Holding ──close──▶ Closed, which drops what there was and what is put in later
///   └──────────────close──────────────────▲
/// ```
#[derive(Debug, Default)]
pub(crate) struct Place(Mutex<Held>);

#[derive(Debug, Default)]
enum Held {
    /// Most links stay here, and so hold nothing.
    #[default]
    Empty,
    Holding(Box<Extensions>),
    Closed,
}

impl Place {
    /// Puts a value in; gives the one of its type that was there. What is dropped is dropped without the lock: it is the
    /// program's own.
    pub(crate) fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<Arc<T>> {
        let value = Arc::new(value);
        let mut held = self.0.lock();
        match &mut *held {
            Held::Empty => {
                let mut values = Box::<Extensions>::default();
                values.insert_shared(value);
                *held = Held::Holding(values);
                None
            }
            Held::Holding(values) => {
                let before = values.remove();
                values.insert_shared(value);
                before
            }
            Held::Closed => {
                drop(held);
                None
            }
        }
    }

    /// The value of a type.
    pub(crate) fn shared<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        match &*self.0.lock() {
            Held::Holding(values) => values.shared(),
            Held::Empty | Held::Closed => None,
        }
    }

    /// Takes the value of a type out.
    pub(crate) fn remove<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        match &mut *self.0.lock() {
            Held::Holding(values) => values.remove(),
            Held::Empty | Held::Closed => None,
        }
    }

    /// The link is over; what this gives is to be dropped without any lock.
    #[must_use]
    pub(crate) fn close(&self) -> impl Sized + use<> {
        std::mem::replace(&mut *self.0.lock(), Held::Closed)
    }
}
