//! Where the calls of a channel go: to one caller, or to whichever a picker chooses when a call is sent.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use super::outgoing::Outgoing;
use crate::{
    proto::{Outcome, Status},
    schema::{MethodSchema, ServiceSchema},
    seam::Caller,
};

/// Where calls go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// All to one caller.
    Caller(Arc<dyn Caller>),
    /// Each to the one that is picked for it.
    Picker(Arc<dyn Picker>),
}

/// Chooses a caller for each call when it is sent, and says what follows from its end: what comes back, tries again or
/// spreads its calls is one. Arguments and options are the call's until it has ended, so that it may go again.
///
/// ```text
/// prepared ──await──▶ poll_pick ──▶ open on the caller ──▶ ended ──Settled──▶ the outcome
///                         ▲                                  │
///                         └──────────────Again───────────────┘
/// ```
pub(crate) trait Picker: fmt::Debug + Send + Sync + 'static {
    /// The caller for a call that is sent now; it may change what is sent. Where there is none yet, the waker of `cx` is
    /// woken when there may be one.
    ///
    /// # Errors
    /// Why the call is not sent.
    fn poll_pick(
        &self,
        call: &mut Outgoing,
        cx: &Context<'_>,
    ) -> Poll<Result<Arc<dyn Caller>, Status>>;

    /// What follows from the end of a call on the caller that it was sent to. No end: its handler has accepted it, and
    /// goes on with items.
    fn ended(&self, call: &mut Outgoing, on: &Arc<dyn Caller>, end: Option<&Outcome>) -> Next;

    /// The caller that stands for all, where a channel is asked for its state.
    fn current(&self) -> Arc<dyn Caller>;

    /// Whether a call of this method is to have its arguments in JSON beside those that it is sent with.
    fn wants_json(&self, service: &ServiceSchema, method: &MethodSchema) -> bool {
        let _ = (service, method);
        false
    }
}

/// What follows from the end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is the caller's.
    Settled,
    /// The call is picked for and sent once more.
    Again,
}

impl Target {
    /// The caller of every call, if there is one.
    #[inline]
    pub(super) fn caller(&self) -> Option<Arc<dyn Caller>> {
        match self {
            Self::Caller(caller) => Some(Arc::clone(caller)),
            Self::Picker(_) => None,
        }
    }

    /// The caller that stands for all.
    pub(crate) fn current(&self) -> Arc<dyn Caller> {
        match self {
            Self::Caller(caller) => Arc::clone(caller),
            Self::Picker(picker) => picker.current(),
        }
    }

    #[inline]
    pub(super) fn wants_json(&self, service: &ServiceSchema, method: &MethodSchema) -> bool {
        match self {
            Self::Caller(_) => false,
            Self::Picker(picker) => picker.wants_json(service, method),
        }
    }
}
