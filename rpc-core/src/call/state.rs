//! How far a channel is in its life, and how those learn of it who wait for a step.

use std::{pin::pin, sync::Arc};

use futures_util::{
    Stream,
    future::{Either, select},
};
use tokio::sync::watch;

use super::{Channel, Way};
use crate::{
    proto::{Order, Status, connection::ConnectionError},
    seam::{Caller, Course, Phase, Standing, Wanted},
    time::now,
};

/// How far a [`Channel`] is; see [`Channel::state`].
///
/// ```text
/// Idle ──first need──▶ Connecting ──hello──▶ Ready ──goaway──▶ Draining
///                          ▲  │                │                  │
///                     need │  └──────loss──────┤◀─────────────────┘
///                          └───── Lost ◀───────┘       all ──closed, or refused for good──▶ Closed
/// ```
///
/// A channel that does not come back goes from any of them to `Closed` when its connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelState {
    /// Nobody has needed a connection yet: see [`Channel::connect_lazy`].
    Idle,
    /// A connection is being opened, or the server has not said hello on it yet. Calls may be made: on the first
    /// connection they ride with the handshake, and wait for later ones.
    Connecting,
    /// Calls are made.
    Ready,
    /// The connection was lost, or could not be opened, for this reason. The next call has another one opened, unless the
    /// channel does that by itself.
    Lost(Status),
    /// One side has said that it starts no more calls on the connection. What runs is finished; further calls have
    /// another connection opened if the channel comes back, and fail if not.
    Draining,
    /// The channel is over: every call that is made fails.
    Closed,
}

impl From<Phase> for ChannelState {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Connecting => Self::Connecting,
            Phase::Ready => Self::Ready,
            Phase::Draining => Self::Draining,
            Phase::Over | Phase::Closed => Self::Closed,
        }
    }
}

pub(super) fn unavailable(error: &ConnectionError) -> Status {
    Status::not_started(error.code(), error.to_string())
}

impl Way {
    /// The caller to ask, where there is one.
    pub(super) fn asked(&self) -> Option<Arc<dyn Caller>> {
        match self {
            Self::Caller(caller) => Some(Arc::clone(caller)),
            Self::Supply(supply) => match supply.standing() {
                Standing::Linked(caller) | Standing::Over(_, Some(caller)) => Some(caller),
                _ => None,
            },
        }
    }

    pub(super) fn state(&self) -> ChannelState {
        let supply = match self {
            Self::Caller(caller) => return caller.phase().into(),
            Self::Supply(supply) => supply,
        };
        match supply.standing() {
            Standing::Idle => ChannelState::Idle,
            Standing::Dialing => ChannelState::Connecting,
            Standing::Linked(caller) => match caller.error() {
                Some(error) => ChannelState::Lost(unavailable(&error)),
                None => caller.phase().into(),
            },
            Standing::Lost(status) => ChannelState::Lost(status),
            // What runs is finished.
            Standing::Over(_, Some(caller)) => caller.phase().into(),
            Standing::Over(..) => ChannelState::Closed,
        }
    }

    /// What tells of changes; to be had before the state is looked at.
    fn changes(&self) -> Changes {
        let course = match self {
            Self::Caller(_) => None,
            Self::Supply(supply) => Some(supply.changes()),
        };
        Changes { course, caller: self.asked() }
    }

    /// Waits for a caller whose peer has said hello.
    pub(super) async fn ready(&self) -> Result<Arc<dyn Caller>, Status> {
        let supply = match self {
            Self::Caller(caller) => {
                let ready = caller.ready().await.map(|()| Arc::clone(caller));
                return ready.map_err(|error| unavailable(&error));
            }
            Self::Supply(supply) => supply,
        };
        let wanted = Wanted::any(now());
        loop {
            let present =
                supply.present(Order::Any).filter(|caller| caller.phase() < Phase::Draining);
            let caller = match present {
                Some(caller) => caller,
                None => Arc::clone(supply).next(wanted).await?,
            };
            match caller.ready().await {
                Ok(()) => return Ok(caller),
                Err(_) => supply.retire(&caller),
            }
        }
    }

    /// Resolves when there will be no further call; gives the reason.
    pub(super) async fn closed(&self) -> ConnectionError {
        match self {
            Self::Caller(caller) => caller.closed().await,
            Self::Supply(supply) => Arc::clone(supply).closed().await,
        }
    }

    pub(super) fn close(&self) {
        match self {
            Self::Caller(caller) => caller.drain(),
            Self::Supply(supply) => supply.close(),
        }
    }

    pub(super) fn draining(&self) -> impl Future<Output = ()> + Send + use<> {
        let waiting = match self {
            Self::Caller(caller) => Either::Left(caller.phases()),
            Self::Supply(supply) => Either::Right(supply.changes()),
        };
        async move {
            match waiting {
                Either::Left(phases) => phases.reach(Phase::Draining).await,
                Either::Right(mut changes) => over(&mut changes).await,
            }
        }
    }
}

/// Resolves when the supply gives no more callers, or is gone.
async fn over(changes: &mut watch::Receiver<Course>) {
    let _ = changes.wait_for(|course| *course == Course::Over).await;
}

/// Tells of changes of a channel's state.
struct Changes {
    course: Option<watch::Receiver<Course>>,
    caller: Option<Arc<dyn Caller>>,
}

impl Changes {
    /// Resolves when the state may be another than `way` said, as `last`; gives the present one then.
    async fn after(mut self, way: &Way, last: &ChannelState) -> Option<ChannelState> {
        let mut phases = self.caller.as_ref().map(|caller| caller.phases());
        let state = way.state();
        if state != *last {
            return Some(state);
        }
        let told = pin!(async {
            match &mut phases {
                Some(phases) => phases.changed().await,
                None => std::future::pending().await,
            }
        });
        let changed = pin!(async {
            match &mut self.course {
                Some(course) => drop(course.changed().await),
                None => std::future::pending().await,
            }
        });
        select(told, changed).await;
        None
    }
}

impl Channel {
    pub(super) fn way(&self) -> Way {
        self.target.way()
    }

    /// How far the channel is: whether a call that is made now has a chance.
    #[must_use]
    pub fn state(&self) -> ChannelState {
        self.way().state()
    }

    /// Resolves when the state is another than `last`, and gives it. A state that lasts for less time than it takes to
    /// look again may be passed over.
    ///
    /// # Cancel safety
    /// Safe: dropping the future changes nothing.
    pub async fn state_change(&self, last: ChannelState) -> ChannelState {
        let way = self.way();
        loop {
            if let Some(state) = way.changes().after(&way, &last).await {
                return state;
            }
        }
    }

    /// The states of the channel, from the present one on; the last is [`ChannelState::Closed`]. One that lasts for less
    /// time than it takes to look may be passed over. It keeps the channel open.
    ///
    /// ```no_run
    /// # async fn run(channel: rpc_core::Channel) {
    /// use futures_util::StreamExt as _;
    /// use rpc_core::ChannelState;
    ///
    /// let mut states = std::pin::pin!(channel.states());
    /// while let Some(state) = states.next().await {
    ///     match state {
    ///         ChannelState::Lost(why) => println!("lost: {why}"),
    ///         state => println!("{state:?}"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn states(&self) -> impl Stream<Item = ChannelState> + Send + use<> {
        let channel = self.clone();
        futures_util::stream::unfold(Some((channel, None)), |from| async move {
            let (channel, last) = from?;
            let state: ChannelState = match last {
                None => channel.state(),
                Some(last) => channel.state_change(last).await,
            };
            let next = (state != ChannelState::Closed).then(|| (channel, Some(state.clone())));
            Some((state, next))
        })
    }
}
