//! Calls that are made a second time, elsewhere, when the first takes longer than usual: the first answer counts, and the
//! other call is cancelled (Dean and Barroso, The Tail at Scale, 2013).
//!
//! ```text
//! sent ──after a while──▶ a second one, on another server ──┬─ one has an answer ──▶ the other is cancelled
//!                                                           └─ one fails, as if nobody were there ──▶ the other goes on
//! ```

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::time::Sleep;

use super::{Call, future::State, outgoing::Outgoing};
use crate::{
    proto::{CallId, Code, Ended, Failure, Outcome, Status, Streams},
    schema::Repetition,
    seam::{Caller, Supply},
    time::now,
};

/// When a call is made a second time, on another server: see [`Call::hedge`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Hedge(When);

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    After(Duration),
    /// A part of 1.
    Quantile(f32),
}

impl Hedge {
    /// After this time.
    pub const fn after(time: Duration) -> Self {
        Self(When::After(time))
    }

    /// After the time within which so many percent of the channel's latest calls of the same method were answered: about
    /// 2,000 of those that are hedged, and never before 100 of them were. 95 has a twentieth of all calls made twice, 99 a
    /// hundredth; what is not between 50 and 99.99 counts as the nearer of the two.
    pub const fn percentile(percent: f32) -> Self {
        Self(When::Quantile(percent.clamp(50.0, 99.99) / 100.0))
    }
}

/// What a call needs that may be made a second time.
pub(super) struct Hedged {
    when: Hedge,
    demand: Demand,
    began: Option<Instant>,
    stage: Stage,
}

/// Who wants a second call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    /// Whoever makes this one: it is refused where a second run may do harm.
    Call,
    /// The channel, for all that may run twice.
    Channel,
}

enum Stage {
    /// The call was not polled since it was sent.
    New,
    /// There is no second one yet. The lock is never taken: it makes `Sync` what need not be.
    Waiting(Mutex<Pin<Box<Sleep>>>),
    /// There are two.
    Second(Arc<dyn Caller>, CallId),
    /// There will be none.
    Settled,
}

impl Hedged {
    pub(super) const fn new(when: Hedge, demand: Demand) -> Self {
        Self { when, demand, began: None, stage: Stage::New }
    }

    /// Begins to wait, unless nothing is known of how long calls take.
    fn begin(&mut self, request: &Known<'_>) {
        let at = now();
        self.began = Some(at);
        let after = match self.when.0 {
            When::After(time) => Some(time),
            When::Quantile(part) => {
                request.supply.latencies().and_then(|known| known.quantile(request.key, part))
            }
        };
        let due = after.and_then(|after| at.checked_add(after));
        self.stage = match due {
            Some(due) => Stage::Waiting(Mutex::new(Box::pin(tokio::time::sleep_until(due.into())))),
            None => Stage::Settled,
        };
    }
}

/// What is asked for the time after which a call is made a second time.
struct Known<'a> {
    supply: &'a Arc<dyn Supply>,
    key: u64,
}

impl Outgoing {
    fn hedged(&mut self) -> Option<&mut Hedged> {
        self.options.as_mut()?.hedged.as_mut()
    }

    /// Refuses a call that is to be made twice and must not be.
    #[cold]
    pub(super) fn check_hedge(&mut self) {
        let may = self.options.as_ref().is_some_and(|options| options.again.idempotent)
            || self.method.repetition() == Repetition::Idempotent;
        let single = self.streams == Streams::NONE && !self.is_sent_once();
        let Some(hedged) = self.hedged() else { return };
        if may && single {
            return;
        }
        let refused = hedged.demand == Demand::Call && !may;
        self.options().hedged = None;
        if refused {
            let message = "a call that is hedged may run twice: mark its method with #[rpc(idempotent)], or say so of \
                           this call by `Call::idempotent`";
            self.arguments = Err(Status::not_started(Code::InvalidArgument, message));
        }
    }
}

impl<T, E> Call<T, E> {
    /// Makes the call a second time, on another server, when it is not answered after a while, and takes the answer that
    /// comes first; the other call is cancelled. So that few callers meet the slow moment of one server: with
    /// [`Hedge::percentile`]`(99.0)` a hundredth more calls are made. It counts for the budget of [`Retry`](crate::Retry),
    /// so that servers which are all slow are not given twice as much to do. Over a channel with one server it has no effect,
    /// nor where items are sent along or come back.
    ///
    /// Both may run: the method has to be `#[rpc(idempotent)]`, or the call [`Self::idempotent`]; if not, it fails with
    /// `INVALID_ARGUMENT`.
    ///
    /// ```no_run
    /// # use rpc_core::{Hedge, service};
    /// # #[service] trait Shop { #[rpc(idempotent)] async fn price(&self, item: String) -> u32; }
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let shop = ShopClient::connect("a.internal:7000,b.internal:7000").await?;
    /// let price = shop.price("tea").hedge(Hedge::percentile(95.0)).await?;
    /// # Ok(()) }
    /// ```
    pub fn hedge(self, hedge: Hedge) -> Self {
        self.hedged(hedge, Demand::Call)
    }

    /// The same after a time that is known: see [`Self::hedge`].
    pub fn hedge_after(self, time: Duration) -> Self {
        self.hedge(Hedge::after(time))
    }

    pub(super) fn hedged(mut self, hedge: Hedge, demand: Demand) -> Self {
        self.request.options().hedged = Some(Hedged::new(hedge, demand));
        self
    }

    /// Looks after the second call while the first, which was sent, has no answer. Gives the end of the second, if that is
    /// an answer; it is the call's then.
    pub(super) fn poll_hedge(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        if !matches!(self.state, State::Open(_)) {
            return Poll::Pending;
        }
        let Some(hedged) = self.request.hedged() else { return Poll::Pending };
        if let Stage::New = hedged.stage {
            let supply = self.caller.as_ref().and_then(|caller| caller.supply());
            let key = self.request.method.key().to_u64();
            let Some(hedged) = self.request.hedged() else { return Poll::Pending };
            match &supply {
                Some(supply) => hedged.begin(&Known { supply, key }),
                None => hedged.stage = Stage::Settled,
            }
        }
        let Some(hedged) = self.request.hedged() else { return Poll::Pending };
        if let Stage::Waiting(timer) = &mut hedged.stage {
            ready!(timer.get_mut().as_mut().poll(cx));
            let second = self.open_second(cx);
            let Some(hedged) = self.request.hedged() else { return Poll::Pending };
            hedged.stage = second.map_or(Stage::Settled, |(caller, id)| Stage::Second(caller, id));
        }
        let Some(Hedged { stage: Stage::Second(caller, id), .. }) = self.request.hedged() else {
            return Poll::Pending;
        };
        let ended = ready!(caller.poll_outcome(*id, cx));
        let caller = Arc::clone(caller);
        self.settle_hedge();
        if is_nobodys(&ended.0) {
            return Poll::Pending;
        }
        // The second is the call from here on.
        let first = self.caller.replace(caller);
        if let (State::Open(id), Some(first)) = (&self.state, first) {
            first.cancel_late(*id);
        }
        self.state = State::Done;
        Poll::Ready(ended)
    }

    /// Sends the call to another server.
    fn open_second(&mut self, cx: &Context<'_>) -> Option<(Arc<dyn Caller>, CallId)> {
        let first = self.caller.clone()?;
        let supply = first.supply()?;
        let other = supply.other(&first)?;
        let (counted, sent) = supply.counted(&first);
        if !supply.retries().withdraw(now(), counted, sent) {
            return None;
        }
        let opening = self.request.opening();
        let arguments = self.request.arguments.as_ref().ok();
        let opened = arguments.and_then(|arguments| other.open(&opening, arguments, cx).ok());
        self.request.take_back(opening);
        tracing::debug!(target: "rpc_core::call", method = %self.request.method, "hedged");
        Some((other, opened?))
    }

    /// The first call has ended. Says whether the second one is the call from here on, since that end is none.
    pub(super) fn hedge_goes_on(&mut self, outcome: &Outcome) -> bool {
        let Some(hedged) = self.request.hedged() else { return false };
        let stage = std::mem::replace(&mut hedged.stage, Stage::Settled);
        let began = hedged.began;
        match stage {
            Stage::Second(caller, id) if is_nobodys(outcome) => {
                self.caller = Some(caller);
                self.state = State::Open(id);
                return true;
            }
            Stage::Second(caller, id) => caller.cancel(id),
            _ => {}
        }
        self.note_latency(began, outcome);
        false
    }

    /// Keeps how long an answer took, where that is what the next call goes by.
    pub(super) fn note_latency(&self, began: Option<Instant>, outcome: &Outcome) {
        let (Some(began), false) = (began, is_nobodys(outcome)) else { return };
        let supply = self.caller.as_ref().and_then(|caller| caller.supply());
        if let Some(known) = supply.as_ref().and_then(|supply| supply.latencies()) {
            known.note(self.request.method.key().to_u64(), now().saturating_duration_since(began));
        }
    }

    /// There is no second call any more.
    fn settle_hedge(&mut self) {
        if let Some(hedged) = self.request.hedged() {
            hedged.stage = Stage::Settled;
        }
    }

    /// Gives the second call up.
    #[cold]
    pub(super) fn cancel_hedge(&mut self) {
        if let Some(hedged) = self.request.hedged()
            && let Stage::Second(caller, id) = std::mem::replace(&mut hedged.stage, Stage::Settled)
        {
            caller.cancel(id);
        }
    }
}

/// Whether an end says nothing that another server would say, too.
fn is_nobodys(outcome: &Outcome) -> bool {
    matches!(outcome, Err(Failure::Status(status)) if status.code().is_retryable())
}
