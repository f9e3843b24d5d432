//! Calls that wait for a caller, and calls that go again: because they were not started, or because a second run does no
//! harm. The slow path of a channel; what is here costs a call nothing until then.
//!
//! ```text
//! ended ──not started, its link takes no more calls──────────────────────────▶ goes again on the next one
//!   └──UNAVAILABLE, or a time to come again; not started, or may be repeated──▶ attempts, deadline, budget ──▶ goes again
//! ```

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::{Call, future::State, outgoing::Outgoing, target::Way};
use crate::{
    figures,
    proto::{CallId, Code, MemoryId, Order, Status},
    schema::Repetition,
    seam::{Caller, PATIENCE, Phase, Retry, Supply, Turn, Waiting, Wanted},
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
    /// The place of an ordered call among those that wait, until it is opened.
    turn: Option<Turn>,
    /// When the call first had to wait.
    since: Option<Instant>,
    /// When it may be sent, if not at once.
    not_before: Option<Instant>,
    /// What was said of this call alone: how it goes again.
    pub(super) retry: Option<Retry>,
    /// The caller's word that a second run does no harm.
    pub(super) idempotent: bool,
    /// The caller that failed it last, by its place in memory.
    failed: Option<usize>,
    /// How often it was sent.
    sent: u8,
    /// How often it was sent although it might have run, or was refused.
    repeated: u8,
    /// One of these attempts may have run.
    ran: bool,
    /// What remembers the attempt that may have run, of a method that runs once.
    memory: Option<(MemoryId, Status)>,
}

impl Again {
    /// How often the call was sent before.
    pub(super) const fn attempt(&self) -> u8 {
        self.sent
    }

    /// The call is opened, or over: the next ordered one goes on.
    pub(super) fn goes_on(&mut self) {
        self.turn = None;
    }

    /// Counts an attempt that is paid for.
    fn repeated(&mut self, status: &Status) -> u8 {
        self.repeated = self.repeated.saturating_add(1);
        self.ran |= status.may_have_run();
        self.repeated
    }
}

impl Outgoing {
    /// The caller that `way` gives for this call.
    pub(super) fn poll_caller(&mut self, way: &Way, cx: &mut Context<'_>) -> Poll<Given> {
        let waits = self.options.as_ref().is_some_and(|options| options.again.waiting.is_some());
        match way {
            Way::Caller(caller) if !waits => Poll::Ready(Ok(Arc::clone(caller))),
            Way::Supply(supply) => match supply.present(self.method.order()) {
                Some(caller) if !waits => Poll::Ready(Ok(caller)),
                _ => self.poll_next(supply, cx),
            },
            Way::Caller(_) => self.poll_waiting(cx),
        }
    }

    /// Waits for the caller that a call without one needs.
    #[cold]
    pub(super) fn poll_supplied(&mut self, cx: &mut Context<'_>) -> Poll<Given> {
        match self.options().again.supply.clone() {
            Some(supply) => self.poll_next(&supply, cx),
            None => self.poll_waiting(cx),
        }
    }

    #[cold]
    fn poll_next(&mut self, supply: &Arc<dyn Supply>, cx: &mut Context<'_>) -> Poll<Given> {
        if let Err(status) = &self.arguments {
            // A call that cannot be made waits for nothing.
            return Poll::Ready(Err(status.clone()));
        }
        let order = self.method.order();
        let options = self.options();
        let deadline = options.deadline();
        let Again { waiting, turn, since, not_before, failed, memory, .. } = &mut options.again;
        let since = *since.get_or_insert_with(now);
        if waiting.is_none() {
            if order == Order::Kept && turn.is_none() {
                *turn = Arc::clone(supply).line_up(None);
            }
            let turn = turn.as_ref().map(Turn::number);
            let memory = memory.as_ref().map(|(memory, _)| *memory);
            let (not_before, failed) = (not_before.take(), *failed);
            let wanted = Wanted { deadline, since, not_before, order, turn, failed, memory };
            *waiting = Some(Mutex::new(Arc::clone(supply).next(wanted)));
        }
        self.poll_waiting(cx)
    }

    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<Given> {
        let waiting = &mut self.options().again.waiting;
        let Some(next) = waiting else { return Poll::Pending };
        let given = ready!(next.get_mut().as_mut().poll(cx));
        *waiting = None;
        if given.is_err() {
            self.options().again.goes_on();
        }
        Poll::Ready(given.map_err(|status| self.not_again(status)))
    }

    /// The end of a call for which no caller was found.
    fn not_again(&self, status: Status) -> Status {
        if self.options.as_ref().is_some_and(|options| options.again.ran) {
            let message = format!("{}; an earlier attempt may have run", status.message());
            return status.with_message(message).having_run();
        }
        let message = format!("{}; the call was not started", status.message());
        status.with_message(message)
    }

    /// Tells whether a second run of this call does no harm, after it has failed on `link`.
    fn may_be_repeated(&mut self, status: &Status, link: Link, caller: &Arc<dyn Caller>) -> bool {
        if self.options.as_ref().is_some_and(|options| options.again.idempotent) {
            return true;
        }
        match self.method.repetition() {
            Repetition::Idempotent => true,
            // Whoever is alive gives the same answer again.
            Repetition::Once if link == Link::Lost => {
                let Some(memory) = caller.peer_memory() else { return false };
                self.options().again.memory = Some((memory, status.clone()));
                true
            }
            _ => false,
        }
    }

    /// Checks that a call which may have run once goes to whoever remembers that.
    ///
    /// # Errors
    /// How the call ended for which this is somebody else.
    pub(super) fn check_memory(&self, caller: &Arc<dyn Caller>) -> Result<(), Status> {
        let memory = self.options.as_ref().and_then(|options| options.again.memory.as_ref());
        match memory {
            Some((memory, status)) if caller.peer_memory() != Some(*memory) => {
                let message = format!(
                    "{}; whoever answers now does not remember the calls that were made before",
                    status.message()
                );
                Err(status.clone().with_message(message))
            }
            _ => Ok(()),
        }
    }

    /// The time after which the call is to be made once more by `policy`, if it is; see [`Retry`].
    fn delay(
        &mut self,
        status: &Status,
        policy: &Retry,
        link: Link,
        caller: &Arc<dyn Caller>,
    ) -> Option<Duration> {
        let passes = match status.code() {
            Code::Unavailable => true,
            code => code.is_retryable() && status.retry_after().is_some(),
        };
        let repeated = self.options.as_ref().map_or(0, |options| options.again.repeated);
        if !passes || !policy.allows(repeated + 1) {
            return None;
        }
        if status.may_have_run() && !self.may_be_repeated(status, link, caller) {
            return None;
        }
        let own = match link {
            // The next one is waited for.
            Link::Lost => Duration::ZERO,
            Link::Alive => policy.delay(repeated + 1),
        };
        let delay = own.max(status.retry_after().unwrap_or_default());
        let now = now();
        match self.options.as_mut().and_then(|options| options.deadline()) {
            Some(deadline) => now.checked_add(delay).is_some_and(|start| start < deadline),
            None => delay <= PATIENCE,
        }
        .then_some(delay)
    }
}

/// The state of the link on which a call has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// It takes no more calls.
    Lost,
    /// It takes others.
    Alive,
}

impl Link {
    fn of(caller: &Arc<dyn Caller>) -> Self {
        if caller.phase() >= Phase::Draining { Self::Lost } else { Self::Alive }
    }
}

impl<T, E> Call<T, E> {
    /// Sends the call once more, opened as `id` if it was, if it was not started because its link takes no more calls, or
    /// may be made again.
    #[cold]
    pub(super) fn comes_back(&mut self, id: Option<CallId>, status: &Status) -> bool {
        if !status.code().is_retryable() || !self.request.may_go_again(id) {
            return false;
        }
        let Some(caller) = self.caller.clone() else { return false };
        let (link, supply) = (Link::of(&caller), caller.supply());
        let is_free = status.code() == Code::Unavailable && !status.may_have_run();
        let is_ordered = self.request.method.order() == Order::Kept;
        let delay = match (link, &supply) {
            (Link::Lost, None) => return false,
            (Link::Lost, Some(_)) if is_free => Some(Duration::ZERO),
            // Later ones of its order may have run.
            _ if is_ordered => return false,
            _ => id.and_then(|_| self.repeats(status, &caller, supply.as_ref(), link)),
        };
        let Some(delay) = delay else { return false };
        if link == Link::Lost
            && let Some(supply) = &supply
        {
            supply.retire(&caller);
            if is_ordered && !self.lines_up(supply, &caller, id) {
                return false;
            }
        }
        let again = &mut self.request.options().again;
        again.sent = again.sent.saturating_add(u8::from(id.is_some()));
        match supply {
            Some(supply) => {
                again.not_before = (!delay.is_zero()).then(|| now() + delay);
                again.failed = Some(Arc::as_ptr(&caller).cast::<()>() as usize);
                again.supply = Some(supply);
            }
            // The same one is called again.
            None => {
                again.waiting = Some(Mutex::new(Box::pin(async move {
                    tokio::time::sleep(delay).await;
                    Ok(caller)
                })));
            }
        }
        self.caller = None;
        self.state = State::Unsent;
        true
    }

    /// Has an ordered call wait for its turn among those that were not started; false if it has none.
    fn lines_up(
        &mut self,
        supply: &Arc<dyn Supply>,
        caller: &Arc<dyn Caller>,
        id: Option<CallId>,
    ) -> bool {
        let turn = &mut self.request.options().again.turn;
        if turn.is_none() {
            *turn = Arc::clone(supply).line_up(id.map(|id| (caller, id)));
        }
        turn.is_some()
    }

    /// The time after which the call is made once more, if it is, and the budget allows it.
    fn repeats(
        &mut self,
        status: &Status,
        caller: &Arc<dyn Caller>,
        supply: Option<&Arc<dyn Supply>>,
        link: Link,
    ) -> Option<Duration> {
        let own = self.request.options.as_ref().and_then(|options| options.again.retry);
        let retries = supply.map(|supply| supply.retries());
        let policy = own.or_else(|| retries.map(|retries| retries.policy))?;
        let delay = self.request.delay(status, &policy, link, caller)?;
        // Without a supply, the timer is that of the program's own runtime.
        let timed = supply.is_some() || Handle::try_current().is_ok();
        let paid = supply.is_none_or(|supply| {
            let (counted, sent) = supply.counted(caller);
            supply.retries().withdraw(now(), counted, sent)
        });
        if !timed || !paid {
            tracing::debug!(target: "rpc_core::call", method = %self.request.method, %status, "not made again: the budget is spent");
            return None;
        }
        let attempts = self.request.options().again.repeated(status);
        figures::count(figures::Event::Retried);
        tracing::debug!(target: "rpc_core::call", method = %self.request.method, %status, attempts, "made again");
        Some(delay)
    }

    /// Makes the call again by `retry`, and not as its channel does, where it fails and may be made again. Over a channel
    /// that does not come back, calls are made again only where this says so.
    ///
    /// ```no_run
    /// # use rpc_core::{Retry, service};
    /// # #[service] trait Shop { #[rpc(idempotent)] async fn price(&self, item: String) -> u32; }
    /// # async fn run(shop: ShopClient) -> Result<(), rpc_core::CallError> {
    /// // This one is not worth a second attempt.
    /// let price = shop.price("tea").retry(Retry::off()).await?;
    /// # Ok(()) }
    /// ```
    pub fn retry(mut self, retry: Retry) -> Self {
        self.request.options().again.retry = Some(retry);
        self
    }

    /// Lets this call be made again although it may have run, as every call of a method with `#[rpc(idempotent)]` is: for
    /// methods that are idempotent with these arguments, and for calls by name.
    pub fn idempotent(mut self) -> Self {
        self.request.options().again.idempotent = true;
        self
    }
}
