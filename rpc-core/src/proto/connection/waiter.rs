//! Who waits for something of the machine. Wakers are code of others: they are cloned and dropped where no lock is held.

use std::task::Waker;

/// The wakers that the machine is done with, until the lock around it is released.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    /// Those of tasks that are to be woken.
    pub(super) due: Vec<Waker>,
    /// Those of tasks that wait no longer, to be dropped.
    pub(super) retired: Vec<Waker>,
}

impl Wakers {
    /// Has a task woken, if one waits.
    #[inline]
    pub(super) fn wake(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.due.push(waker);
        }
    }

    /// Has the waker of a task dropped that waits no longer.
    pub(super) fn retire(&mut self, waker: Option<Waker>) {
        self.retired.extend(waker);
    }
}

/// A task that waits, on its way to where its waker is kept: in two places at most.
///
/// Made before the lock around the machine is taken and dropped after it was released. Where `lacks_waker` says so
/// after a call that had to wait, [`Self::supply`] is to be called without the lock, and the call made once more.
#[derive(Debug)]
pub struct Waiter<'a> {
    waker: &'a Waker,
    owned: [Option<Waker>; 2],
    /// What was kept before, to be dropped with this.
    retired: [Option<Waker>; 2],
    lacks: bool,
}

impl<'a> Waiter<'a> {
    /// A task that may have to wait.
    #[must_use]
    pub const fn new(waker: &'a Waker) -> Self {
        Self { waker, owned: [None, None], retired: [None, None], lacks: false }
    }

    /// A task that will have to wait, in one place.
    #[must_use]
    pub fn supplied(waker: &'a Waker) -> Self {
        Self { owned: [Some(waker.clone()), None], ..Self::new(waker) }
    }

    /// Whether a waker was to be kept and there was none to give away.
    #[must_use]
    pub const fn lacks_waker(&self) -> bool {
        self.lacks
    }

    /// Makes the wakers that are to be kept. Nothing is lacked after that, whatever the wakers say of each other.
    pub fn supply(&mut self) {
        self.owned = [Some(self.waker.clone()), Some(self.waker.clone())];
        self.retired = [None, None];
        self.lacks = false;
    }

    /// Sees to it that `slot` holds the waker of this task.
    pub(crate) fn wait_in(&mut self, slot: &mut Option<Waker>) {
        if slot.as_ref().is_some_and(|kept| kept.will_wake(self.waker)) {
            return;
        }
        let [first, second] = &mut self.owned;
        let Some(waker) = first.take().or_else(|| second.take()) else {
            self.lacks = true;
            return;
        };
        let [first, second] = &mut self.retired;
        let retired = if first.is_none() { first } else { second };
        *retired = slot.replace(waker);
    }
}
