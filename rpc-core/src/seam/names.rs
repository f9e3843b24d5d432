//! The names of methods, for links at whose other end calls name their methods: what travels elsewhere is a key.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::proto::MethodKey;

/// Names by the half of a key that stands for one.
#[derive(Debug, Default)]
pub(crate) struct Names(
    /// Bounded by: the methods that this program calls.
    Mutex<HashMap<u32, Arc<str>>>,
);

impl Names {
    /// Takes note of the name of a method that is going to be called.
    pub(crate) fn learn(&self, key: MethodKey, path: &str) {
        let mut names = self.0.lock();
        names.entry(key.name_hash()).or_insert_with(|| path.into());
    }

    /// The name of a method, if it was told.
    #[cfg(feature = "http")]
    pub(crate) fn name(&self, key: MethodKey) -> Option<Arc<str>> {
        self.0.lock().get(&key.name_hash()).cloned()
    }
}
