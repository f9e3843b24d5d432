//! The clone of a layer's service that a call is made on.

use crate::seam::{HandlerSlot, Leave};

/// A clone of a layer's service. To make one is a locked instruction for each thing that it shares, and to drop it another: calls
/// that are served in a row have one between them.
pub(super) enum LayerClone<S> {
    Shared(Box<SharedClone<S>>),
    Own(S),
}

/// A clone that is left to the next call.
pub(super) struct SharedClone<S> {
    /// The place of the service that it was made from, which is there for as long as calls follow each other.
    of: usize,
    service: Option<S>,
}

impl<S: Send + 'static> Leave for SharedClone<S> {
    fn rest(&mut self) {
        self.service = None;
    }
}

impl<S: Clone + Send + 'static> LayerClone<S> {
    /// That of the call before, if it is of this service.
    pub(super) fn of(service: &S, slot: &mut HandlerSlot) -> Self {
        if !slot.left().is_of_many() {
            return Self::Own(service.clone());
        }
        let of = std::ptr::from_ref(service).addr();
        let left = slot.left().take::<SharedClone<S>>();
        let mut shared = left.unwrap_or_else(|| Box::new(SharedClone { of, service: None }));
        if shared.of != of {
            *shared = SharedClone { of, service: None };
        }
        Self::Shared(shared)
    }

    pub(super) fn get(&mut self, service: &S) -> &mut S {
        match self {
            Self::Shared(shared) => shared.service.get_or_insert_with(|| service.clone()),
            Self::Own(own) => own,
        }
    }

    /// Leaves it to the next call, if one follows.
    pub(super) fn leave(self, slot: &mut HandlerSlot) {
        if let Self::Shared(shared) = self {
            slot.left().put(shared);
        }
    }

    pub(super) fn take(self, service: &S) -> S {
        match self {
            Self::Shared(shared) => shared.service.unwrap_or_else(|| service.clone()),
            Self::Own(own) => own,
        }
    }
}
