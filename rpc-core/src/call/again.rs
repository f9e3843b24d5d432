//! Calls that wait for a caller, and calls that go again because they were not started: the slow path of a channel that
//! comes back. What is here costs a call nothing until then.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use parking_lot::Mutex;

use super::{Call, future::State, outgoing::Outgoing, target::Way};
use crate::{
    proto::{CallId, Code, Status},
    seam::{Caller, Patience, Phase, Supply, Waiting},
    time::now,
};

/// A caller, or why there is none.
type Given = Result<Arc<dyn Caller>, Status>;

/// What a call needs that waits for a caller, or goes again.
#[derive(Default)]
pub(super) struct Again {
    /// What gives the caller.
    pub(super) supply: Option<Arc<dyn Supply>>,
    /// Resolves to a caller. The lock is never taken: it makes `Sync` what need not be.
    waiting: Option<Mutex<Waiting<'static, Given>>>,
    /// When the call first had to wait.
    since: Option<Instant>,
}

impl Outgoing {
    /// The caller that `way` gives for this call.
    pub(super) fn poll_caller(&mut self, way: &Way, cx: &mut Context<'_>) -> Poll<Given> {
        let supply = match way {
            Way::Caller(caller) => return Poll::Ready(Ok(Arc::clone(caller))),
            Way::Supply(supply) => supply,
        };
        if self.options.as_ref().is_none_or(|options| options.again.waiting.is_none())
            && let Some(caller) = supply.present()
        {
            return Poll::Ready(Ok(caller));
        }
        self.poll_next(supply, cx)
    }

    /// Waits for the caller that a call without one needs.
    #[cold]
    pub(super) fn poll_supplied(&mut self, cx: &mut Context<'_>) -> Poll<Given> {
        match self.options().again.supply.clone() {
            Some(supply) => self.poll_next(&supply, cx),
            None => Poll::Pending,
        }
    }

    #[cold]
    fn poll_next(&mut self, supply: &Arc<dyn Supply>, cx: &mut Context<'_>) -> Poll<Given> {
        if let Err(status) = &self.arguments {
            // A call that cannot be made waits for nothing.
            return Poll::Ready(Err(status.clone()));
        }
        let options = self.options();
        let deadline = options.deadline();
        let Again { waiting, since, .. } = &mut options.again;
        let since = *since.get_or_insert_with(now);
        let next = waiting.get_or_insert_with(|| {
            Mutex::new(Arc::clone(supply).next(Patience { deadline, since }))
        });
        let given = ready!(next.get_mut().as_mut().poll(cx));
        *waiting = None;
        Poll::Ready(given.map_err(|status| {
            let message = format!("{}; the call was not started", status.message());
            status.with_message(message)
        }))
    }
}

impl<T, E> Call<T, E> {
    /// Sends the call, opened as `id` if it was, to the caller that follows, if it was not started because its own takes
    /// no more calls.
    #[cold]
    pub(super) fn comes_back(&mut self, id: Option<CallId>, status: &Status) -> bool {
        if status.code() != Code::Unavailable || status.may_have_run() {
            return false;
        }
        let Some(caller) = self.caller.take_if(|caller| caller.phase() >= Phase::Draining) else {
            return false;
        };
        let Some(supply) = caller.supply().filter(|_| self.request.may_go_again(id)) else {
            self.caller = Some(caller);
            return false;
        };
        supply.retire(&caller);
        self.request.options().again.supply = Some(supply);
        self.state = State::Unsent;
        true
    }
}
