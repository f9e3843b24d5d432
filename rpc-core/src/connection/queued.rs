//! Calls that get a task of their own before their arguments are read. Those of methods whose handlers compute for long wait
//! there for their turn among all calls of their server, and what there is no time for is refused where it comes in. Those with
//! long arguments start at once: reading them may take as long as many short calls.

use std::{
    future::{Future as _, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::Poll,
};

use super::{
    Driver,
    handlers::{Polled, Running},
    live::Live,
    scratch::Scratch,
    served::{End, Served},
};
use crate::{
    overload::{Queued, Shedder},
    proto::{CallId, Failure, Status, connection::Request},
    seam::{HandlerSlot, IncomingCall, Schedule, Serve, SlowGuard, panicked},
    time::now,
};

/// Arguments that are read apart if reading them takes long: below, a task costs about as much as they do.
pub(super) const LONG_ARGUMENTS: usize = 128 << 10;

impl Driver {
    /// Has calls wait for their turn where `shedder` says so.
    pub(crate) fn shed(&mut self, shedder: Arc<Shedder>) {
        self.shedder = Some(shedder);
    }

    /// Whether a call gets a task of its own before its arguments are read. Ordered ones do not: they start in the order in
    /// which they came.
    #[inline]
    pub(super) fn goes_apart(&self, request: &Request) -> bool {
        let is_slow = |shedder: &Arc<Shedder>| shedder.looks() && self.is_slow(shedder, request);
        self.shedder.as_ref().is_some_and(is_slow)
            || (request.arguments.len() >= LONG_ARGUMENTS && self.may_go_apart(request))
    }

    #[cold]
    fn may_go_apart(&self, request: &Request) -> bool {
        let schedule = self.serve.as_ref().and_then(|serve| serve.schedule(&request.opening));
        schedule.is_some_and(|Schedule { guard, order }| {
            order.is_none() && guard.reads_long(request.arguments.len())
        })
    }

    // Apart, so that calls of short methods need no room for it.
    #[cold]
    fn is_slow(&self, shedder: &Shedder, request: &Request) -> bool {
        let schedule = self.serve.as_ref().and_then(|serve| serve.schedule(&request.opening));
        let slow =
            schedule.is_some_and(|Schedule { guard, order }| order.is_none() && guard.is_slow());
        match slow {
            true => shedder.look_on(),
            false => shedder.looked_in_vain(),
        }
        slow
    }

    /// Gives a call a task of its own, in which it waits for its turn if it has to, or refuses it. Gives the bytes of the
    /// reply that it is likely to bring.
    #[cold]
    pub(super) fn start_apart(&mut self, request: Request, scratch: &mut Scratch) -> usize {
        let Some(serve) = &self.serve else { return 0 };
        let Some(Schedule { guard, .. }) = serve.schedule(&request.opening) else { return 0 };
        let shedder = self.shedder.as_ref().filter(|_| guard.is_slow());
        match shedder.map(|shedder| shedder.offer(&request.opening, guard)).transpose() {
            Ok(queued) => {
                let (live, serve, guard) =
                    (Arc::clone(&self.live), Arc::clone(serve), Arc::clone(guard));
                let running = self.handlers.waiting(&live, &request, &guard);
                let likely = expect_reply(&live, request.id, &guard);
                let waiting = Waiting { running, queued, request, live, serve, guard };
                self.handlers.launch(waiting.run());
                likely
            }
            Err(status) => {
                let outcome = Err(Failure::Status(status));
                guard.count(scratch.thread, request.arguments.len(), 0, &outcome, None);
                scratch.done.push(Served::of(&request).ended(outcome));
                0
            }
        }
    }
}

/// A call in a task of its own, whose arguments are not read.
struct Waiting {
    /// Its handler, which is not there yet.
    running: Running,
    /// Its place among those that wait for their turn, if it is one of them.
    queued: Option<Queued>,
    request: Request,
    live: Arc<Live>,
    serve: Arc<dyn Serve>,
    guard: Arc<SlowGuard>,
}

impl Waiting {
    /// Waits, runs the handler, and tells its end.
    async fn run(mut self) {
        let live = Arc::clone(&self.live);
        let end = match self.turn().await {
            Ok(()) => self.serve().await,
            Err(end) => end,
        };
        live.finish(&end);
    }

    /// Resolves when it is the call's turn, or with its end.
    async fn turn(&mut self) -> Result<(), End> {
        let Self { running, queued: Some(queued), .. } = self else {
            let stopped = self.running.stopped();
            return stopped.map_or(Ok(()), |status| Err(not_started(self.running.refuse(status))));
        };
        poll_fn(|cx| {
            if let Poll::Ready(Polled::Ended(end, _)) = Pin::new(&mut *running).poll(cx) {
                return Poll::Ready(Err(not_started(end)));
            }
            let turn = std::task::ready!(queued.poll_turn(cx));
            Poll::Ready(turn.map_err(|status| running.refuse(status)))
        })
        .await?;
        if queued.rests() {
            // Other connections are to read what has come, so that it is refused in time.
            tokio::task::yield_now().await;
            if let Some(status) = running.stopped() {
                return Err(not_started(running.refuse(status)));
            }
        }
        queued.begin();
        Ok(())
    }

    /// Runs the handler to its end.
    async fn serve(self) -> End {
        let Self { mut running, queued, request, live, serve, guard } = self;
        let (began, mut slot) = (now(), HandlerSlot::default());
        let length = request.arguments.len();
        let call = IncomingCall { request, origin: live };
        // Arguments are read by code of the user's.
        let serve = || serve.serve(call, &mut slot).is_some();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(serve)) {
            return running.refuse(panicked(&*panic));
        }
        if length >= LONG_ARGUMENTS {
            guard.read(length, now().saturating_duration_since(began));
        }
        running.begin(slot.take());
        let waited = queued.is_some();
        let mut computes = queued;
        let polled = poll_fn(|cx| {
            let polled = Pin::new(&mut running).poll(cx);
            // What it waits for from here on is no load.
            computes = None;
            polled
        });
        let end = match polled.await {
            Polled::Ended(end, _) => end,
            // It is a task of its own already.
            Polled::Slow(mut running) => running.refuse(panicked(&"a handler that moves")),
        };
        if waited {
            guard.took(now().saturating_duration_since(began));
        }
        end
    }
}

/// The end of a call that was stopped before its handler was started.
fn not_started(end: End) -> End {
    let outcome = end.outcome.map_err(|failure| match failure {
        Failure::Status(status) => {
            let message = format!("{}; the handler was not started", status.message());
            Failure::Status(Status::not_started(status.code(), message))
        }
        failure => failure,
    });
    End { outcome, ..end }
}

/// Has a reply counted that is likely to be long, while its handler runs.
pub(super) fn expect_reply(live: &Live, id: CallId, guard: &SlowGuard) -> usize {
    let likely = guard.likely_reply();
    if likely > 0 && id.expects_reply() {
        live.with(|state| state.machine.expect_reply(id, guard.name_hash(), likely));
    }
    likely
}
