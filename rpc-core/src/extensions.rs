//! Values of any type beside what is known: what a transport or a program wants to have at hand later.

use std::{any::Any, fmt, sync::Arc};

/// One value of each type at most. Clones share the values.
#[derive(Clone, Default)]
pub struct Extensions {
    /// Bounded by: the types that the program puts in.
    values: Vec<Arc<dyn Any + Send + Sync>>,
}

impl Extensions {
    /// Puts a value in; one of the same type that is there already goes.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: T) {
        self.values.retain(|known| !(**known).is::<T>());
        self.values.push(Arc::new(value));
    }

    /// Puts a value in that others hold too, where none of its type is.
    pub(crate) fn insert_shared<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        self.values.push(value);
    }

    /// Whether there are none.
    #[cfg(feature = "cache")]
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A share of the value of this type, if there is one.
    pub(crate) fn shared<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let known = self.values.iter().find(|known| (***known).is::<T>())?;
        Arc::clone(known).downcast().ok()
    }

    /// Takes the value of this type out, if there is one.
    pub(crate) fn remove<T: Any + Send + Sync>(&mut self) -> Option<Arc<T>> {
        let at = self.values.iter().position(|known| (**known).is::<T>())?;
        self.values.swap_remove(at).downcast().ok()
    }

    /// The value of this type, if there is one.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.values.iter().find_map(|known| known.downcast_ref())
    }
}

impl fmt::Debug for Extensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").field("values", &self.values.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_value_of_each_type() {
        let mut extensions = Extensions::default();
        extensions.insert(1_u32);
        extensions.insert("text");
        let before = extensions.clone();
        extensions.insert(2_u32);
        assert_eq!((extensions.get(), extensions.get()), (Some(&2_u32), Some(&"text")));
        assert_eq!((before.get(), before.get::<u64>()), (Some(&1_u32), None));
    }
}
