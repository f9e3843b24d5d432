//! Where the calls of a channel go: to one caller, to those that a supply gives one after the other, or to whichever a
//! picker chooses when a call is sent.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use super::outgoing::{Method, Outgoing};
use crate::{
    proto::{MethodKey, Outcome, Status},
    schema::{MethodSchema, ServiceSchema},
    seam::{Caller, Supply},
};

/// Where calls go.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// All to one way.
    Way(Way),
    /// Each to the one that is picked for it.
    Picker(Arc<dyn Picker>),
}

/// A way to one place.
#[derive(Clone, Debug)]
pub(crate) enum Way {
    /// By one caller, for as long as it lasts.
    Caller(Arc<dyn Caller>),
    /// By one caller after the other.
    Supply(Arc<dyn Supply>),
}

/// Chooses a caller for each call when it is sent, and says what follows from its end: what spreads its calls, or sends
/// them in another form, is one. Arguments and options are the call's until it has ended, so that it may go again.
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
        cx: &mut Context<'_>,
    ) -> Poll<Result<Arc<dyn Caller>, Status>>;

    /// What follows from the end of a call on the caller that it was sent to. No end: its handler has accepted it, and
    /// goes on with items.
    fn ended(&self, call: &mut Outgoing, on: &Arc<dyn Caller>, end: Option<&Outcome>) -> Next;

    /// The way that stands for all, where a channel is asked for its state.
    fn way(&self) -> Way;

    /// Whether a call of this method is to have its arguments in JSON beside those that it is sent with.
    fn wants_json(&self, service: &ServiceSchema, method: &MethodSchema) -> bool {
        let _ = (service, method);
        false
    }

    /// A method of this name is going to be called by its key.
    fn learn(&self, key: MethodKey, path: &str) {
        let _ = (key, path);
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
    /// All calls go to this caller.
    pub(crate) const fn caller(caller: Arc<dyn Caller>) -> Self {
        Self::Way(Way::Caller(caller))
    }

    /// The way that stands for all.
    pub(crate) fn way(&self) -> Way {
        match self {
            Self::Way(way) => way.clone(),
            Self::Picker(picker) => picker.way(),
        }
    }

    #[inline]
    pub(super) fn wants_json(&self, service: &ServiceSchema, method: &MethodSchema) -> bool {
        match self {
            Self::Way(_) => false,
            Self::Picker(picker) => picker.wants_json(service, method),
        }
    }
}

impl Way {
    /// The caller of a call that is made now, if it need not be waited for.
    #[inline]
    pub(super) fn present(&self, method: &Method) -> Option<Arc<dyn Caller>> {
        match self {
            Self::Caller(caller) => Some(Arc::clone(caller)),
            Self::Supply(supply) => supply.present(method.order()),
        }
    }
}
