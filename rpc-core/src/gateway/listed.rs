//! A call over HTTP on the list of calls, where a server keeps one.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use futures_util::task::AtomicWaker;

use crate::{
    proto::{Code, Failure, Outcome, Status},
    seam::{
        Reply, SlowGuard,
        ledger::{Called, Facts, Kill},
    },
};

/// A call's place on the list, and whether it was ended from there.
pub(super) struct Listed {
    called: Called,
    killed: Arc<Killed>,
}

#[derive(Default)]
struct Killed {
    is: AtomicBool,
    waker: AtomicWaker,
}

impl Kill for Killed {
    fn kill(&self) {
        self.is.store(true, Ordering::Release);
        self.waker.wake();
    }
}

impl Listed {
    /// Lists a call, if its server keeps a list.
    pub(super) fn enter(guard: &SlowGuard, facts: Facts) -> Option<Self> {
        let figures = guard.figures()?;
        let killed = Arc::<Killed>::default();
        let called = figures.ledger()?.enter(figures, facts, Arc::clone(&killed) as _);
        Some(Self { called, killed })
    }

    /// Polls the handler of the call.
    pub(super) fn poll(&mut self, reply: &mut Reply, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.killed.waker.register(cx.waker());
        let outcome = if self.killed.is.load(Ordering::Acquire) {
            let status = Status::new(Code::Cancelled, "an operator of the server ended the call");
            Err(Failure::Status(status))
        } else {
            self.called.runs();
            let polled = Pin::new(reply).poll(cx);
            if polled.is_pending() {
                self.called.pends();
            }
            ready!(polled)
        };
        self.ends(&outcome);
        Poll::Ready(outcome)
    }

    /// The handler has ended.
    pub(super) fn ends(&mut self, outcome: &Outcome) {
        self.called.ends(outcome);
    }
}
