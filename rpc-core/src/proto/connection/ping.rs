//! Pings of both sides. A pong answers every ping up to its token, so one pong is owed at most however
//! many pings come in one read.

use std::{
    task::{Poll, Waker},
    time::Instant,
};

use super::{Connection, ConnectionError, Waiter};
use crate::proto::wire::{Kind, Ping};

#[derive(Debug, Default)]
pub(super) struct Pings {
    /// The last token sent and the last one answered.
    sent: u64,
    answered: u64,
    /// The token that the peer is owed.
    owed: Option<u64>,
    /// When a pong last told that the peer has read.
    told: Option<Instant>,
    /// Who waits for the pong of a token. Bounded by: the futures that do, each of which is here once.
    waiting: Vec<(u64, Option<Waker>)>,
}

impl Pings {
    pub(super) const fn owes_pong(&self) -> bool {
        self.owed.is_some()
    }

    /// The token of a new ping.
    pub(super) const fn next_token(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }

    pub(super) const fn told(&self) -> Option<Instant> {
        self.told
    }

    /// Futures that wait for a pong.
    #[cfg(test)]
    pub(super) const fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) const fn unanswered(&self) -> bool {
        self.answered < self.sent
    }
}

impl Connection {
    /// Sends a ping; the token is for [`Self::poll_pong`].
    pub fn ping(&mut self) -> u64 {
        self.pings.next_token();
        // Nothing may precede the preface: an acceptor that has not sent it yet pings right after it.
        if self.closing.greeted {
            self.write_ping();
        }
        self.pings.sent
    }

    /// Sends the last token; its pong answers the former ones too.
    pub(super) fn write_ping(&mut self) {
        let token = self.pings.sent;
        if token > 0 {
            // The peer is to see tokens that grow: those behind chunks of long messages are among them.
            self.outbox.append_in_place(|out| Ping { token }.encode(Kind::Ping, out));
        }
    }

    /// Ready when the ping with this token is answered; the error of the connection when it has ended.
    ///
    /// # Errors
    /// Why the connection ended, if it did first.
    pub fn poll_pong(
        &mut self,
        token: u64,
        waiter: &mut Waiter<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        if self.pings.answered >= token {
            return Poll::Ready(Ok(()));
        }
        if let Some(error) = self.error() {
            return Poll::Ready(Err(error.clone()));
        }
        let waiting = &mut self.pings.waiting;
        let at = waiting.iter().position(|(own, _)| *own == token).unwrap_or_else(|| {
            waiting.push((token, None));
            waiting.len() - 1
        });
        waiter.wait_in(&mut waiting[at].1);
        Poll::Pending
    }

    /// Nobody waits for the pong of this token any more.
    pub fn forget_pong(&mut self, token: u64) {
        if let Some(at) = self.pings.waiting.iter().position(|(own, _)| *own == token) {
            self.wakers.retire(self.pings.waiting.swap_remove(at).1);
        }
    }

    pub(super) fn handle_ping(&mut self, payload: &[u8]) -> Result<(), ConnectionError> {
        self.pings.owed = Some(Ping::decode(Kind::Ping, payload)?.token);
        Ok(())
    }

    pub(super) fn handle_pong(
        &mut self,
        now: Instant,
        payload: &[u8],
    ) -> Result<(), ConnectionError> {
        let token = Ping::decode(Kind::Pong, payload)?.token;
        if token > self.pings.sent || token <= self.pings.answered {
            return Err(ConnectionError::UnknownPong);
        }
        self.pings.answered = token;
        self.pings.told = Some(now);
        self.outbox.answered(token, now);
        self.wake_pings();
        Ok(())
    }

    pub(super) fn wake_pings(&mut self) {
        for (_, waker) in std::mem::take(&mut self.pings.waiting) {
            self.wakers.wake(waker);
        }
    }

    pub(super) fn write_pong(&mut self) {
        if let Some(token) = self.pings.owed.take() {
            self.outbox.append_answer(|out| Ping { token }.encode(Kind::Pong, out));
        }
    }
}
