//! A connection that outlives its link: what happens when the link is cut, and how the driver goes on over the next. Where
//! that comes from is for a [`Lifeline`] to know.
//!
//! ```text
//! Idle, Busy ──cut──▶ Cut ──(Lifeline dials, or is dialled)──▶ relink ──▶ Idle
//! ```
//!
//! Only the driver's task takes the old link away and the next one up, between two reads: so that no byte of the old one
//! is handled once this side has said how far it got.

use std::{any::Any, sync::Arc};

use super::{
    Driver, linger,
    live::{Live, State, Writer},
    turn::Flushed,
};
use crate::{
    proto::{
        self, SessionEntry,
        connection::{ConnectionError, Keep},
    },
    time::now,
    transport::{Flush, Link, ReadHalf},
};

/// What brings a connection that is cut another link.
pub(crate) trait Lifeline: Send + Sync {
    /// The link is cut, for this reason.
    fn cut(&self, live: &Arc<Live>, why: &ConnectionError);

    /// The connection goes on over another link.
    fn resumed(&self, live: &Live);
}

/// A link that takes the place of one that was cut.
pub(crate) struct NextLink {
    pub(crate) link: Link,
    /// How many bytes of the session the peer has received.
    pub(crate) received: u64,
    /// What is to be said on it before the session goes on.
    pub(crate) greeting: Option<Greet>,
    /// Dropped with the link.
    pub(crate) held: Box<dyn Any + Send>,
}

/// Makes preface and hello by which a side goes on.
pub(crate) type Greet = Box<dyn FnOnce(&proto::Connection) -> Vec<u8> + Send>;

/// Why a peer does not go on that lacks more than there is, or has more than was sent.
const NOT_KEPT: &str = "the other side lacks bytes that this side has not kept";

/// What a driver holds for a connection that outlives its links.
pub(super) struct Tie {
    lifeline: Arc<dyn Lifeline>,
    /// Dropped with the link.
    held: Option<Box<dyn Any + Send>>,
}

#[cfg_attr(not(feature = "resume"), expect(dead_code, reason = "nobody asks for sessions"))]
impl Driver {
    /// Has `lifeline` bring further links.
    pub(crate) fn tie(&mut self, lifeline: Arc<dyn Lifeline>) {
        self.tie = Some(Box::new(Tie { lifeline, held: None }));
    }

    /// Offers the peer a session.
    pub(crate) fn offer_session(&self, keep: Keep, entry: SessionEntry) {
        self.live.with(|state| state.machine.offer_session(keep, entry));
    }

    /// Tells the peer why the session that it named does not go on.
    pub(crate) fn refuse_session(&self, why: String) {
        self.live.with(|state| state.machine.refuse_session(why));
    }
}

#[cfg_attr(not(feature = "resume"), expect(dead_code, reason = "nobody asks for sessions"))]
impl Live {
    /// Hands the connection its next link; false, and the link is gone, if it is over.
    pub(crate) fn relink(&self, next: NextLink) -> bool {
        let next = Box::new(next);
        let (taken, dropped) = self.with(|state| {
            let over = state.machine.error().is_some() || matches!(state.writer, Writer::Closed);
            if over { (false, Some(next)) } else { (true, state.next.replace(next)) }
        });
        drop(dropped);
        if taken {
            self.driver.wake();
        }
        taken
    }

    /// The session that the connection is, with its secret in the place of a proof.
    pub(crate) fn session(&self) -> Option<SessionEntry> {
        self.with(|state| state.machine.session().copied())
    }
}

impl Driver {
    /// Takes a link away that is cut, and the next one up if it is there.
    #[cold]
    pub(super) fn relink(&mut self) {
        self.take_away();
        let next = self.live.with(|state| state.take_next());
        let Some(next) = next else { return };
        // Only here is it known how many bytes have been written: while somebody writes, the peer may have more.
        let refusal = self.live.with(|state| {
            let resumes = state.machine.can_resume(next.received);
            (!resumes).then(|| state.machine.refusing_greeting(NOT_KEPT))
        });
        if let Some(refusal) = refusal {
            let NextLink { link, held, .. } = *next;
            drop(tokio::spawn(async move {
                linger::answer(link, &refusal).await;
                drop(held);
            }));
            return;
        }
        // The peer has noticed what this side may not have.
        self.live.with(|state| state.machine.lose(ConnectionError::Lost));
        self.take_away();
        self.take_up(*next);
    }

    /// Takes the link away if it is cut.
    fn take_away(&mut self) {
        let (half, cut_by) = self.live.with(|state| {
            let cut_by = state.machine.cut_by().filter(|_| !state.writer.is_cut()).cloned();
            (cut_by.is_some().then(|| state.writer.cut()), cut_by)
        });
        drop(half);
        let Some(why) = cut_by else { return };
        self.read = ReadHalf::new(tokio::io::empty());
        if let Some(tie) = &mut self.tie {
            tie.held = None;
            tie.lifeline.cut(&self.live, &why);
        }
    }

    fn take_up(&mut self, next: NextLink) {
        let NextLink { link: Link { read, write, .. }, received, greeting, held } = next;
        let taken = self.live.with(|state| {
            let machine = &mut state.machine;
            let greeting = greeting.map(|greet| greet(machine)).unwrap_or_default();
            match machine.resume(now(), received, greeting.into()) {
                Ok(()) => {
                    (state.writer, state.unflushed) = (Writer::Idle(write), Flush::Done);
                    Ok(())
                }
                // It has ended meanwhile.
                Err(_) => Err(write),
            }
        });
        let Some(tie) = self.tie.as_mut().filter(|_| taken.is_ok()) else { return };
        (self.read, tie.held) = (read, Some(held));
        tie.lifeline.resumed(&self.live);
    }
}

impl State {
    /// Whether the driver is to take a link away or up.
    pub(super) fn wants_relink(&self) -> bool {
        let to_be_cut = self.machine.is_cut() && !self.writer.is_cut();
        to_be_cut || (self.next.is_some() && self.writer.is_at_hand())
    }

    fn take_next(&mut self) -> Option<Box<NextLink>> {
        self.next.take_if(|_| self.writer.is_at_hand())
    }

    /// What a flush comes to where nothing can be written.
    #[cold]
    pub(super) fn flush_nothing(&mut self) -> Flushed {
        if self.machine.is_cut() {
            // Whoever asks for a flush from here on is to find the driver asleep.
            self.flush = false;
            self.machine.end_if_drained();
            if self.machine.error().is_some() {
                return Flushed::Ended;
            }
        }
        Flushed::All
    }
}
