//! What one connection has learned of the peer's methods: whether it has them with the signatures that this program
//! was compiled with.

use std::{collections::HashMap, fmt};

use parking_lot::Mutex;

use crate::proto::MethodKey;

/// The signatures of which something is known; empty for connections whose calls do not evolve.
#[derive(Default)]
pub(crate) struct Signatures {
    /// Whether the peer has that signature. Bounded by: the methods that this program calls.
    known: Mutex<HashMap<MethodKey, bool>>,
}

impl Signatures {
    /// Whether the peer has the signature, if that is known.
    pub(crate) fn matches(&self, key: MethodKey) -> Option<bool> {
        self.known.lock().get(&key).copied()
    }

    /// Remembers what the peer has proved.
    pub(crate) fn learn(&self, key: MethodKey, matches: bool) {
        self.known.lock().insert(key, matches);
    }
}

impl fmt::Debug for Signatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signatures").finish_non_exhaustive()
    }
}
