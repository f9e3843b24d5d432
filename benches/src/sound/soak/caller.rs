//! One caller: calls of every kind, one after another, and what each has taught about its fate.

use std::{
    future::Future as _,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Waker},
    time::Duration,
};

use futures_util::stream;
use rpc_core::{CallError, Code, Streaming};
use tokio::time::timeout;

use super::{
    book::{Book, Fate},
    ledger::{Order, SoakClient},
};

/// Whether the connection is one that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Steady,
    Cut,
}

/// Makes calls on one connection.
#[derive(Clone)]
pub(super) struct Caller {
    pub client: SoakClient,
    pub line: Line,
    pub book: Arc<Book>,
    /// The ids of all callers: none is used twice.
    pub ids: Arc<AtomicU64>,
}

/// Whether the connection still carries calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Lost,
}

/// What a failure of a call is explained by, beside a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deadline {
    None,
    Set,
}

impl Caller {
    /// Makes so many calls, or as many as there are until the connection is lost.
    pub(super) async fn make(self, calls: usize) {
        for _ in 0..calls {
            let id = self.ids.fetch_add(1, Relaxed);
            if self.call(id).await == Next::Lost {
                return;
            }
        }
    }

    async fn call(&self, id: u64) -> Next {
        let mut dice = Dice(id);
        match dice.roll(12) {
            0 | 1 => self.answer(id, 0, None).await,
            2 => self.answer(id, dice.roll(4) as u32, None).await,
            3 => self.answer(id, dice.roll(4) as u32, Some(dice.millis(4))).await,
            4 => self.hang(id, dice.millis(10)).await,
            5 => self.give_up(id, dice.roll(3)).await,
            6 | 7 => self.note(id).await,
            8 => self.upload(id, dice.roll(300)).await,
            9 => self.download(id, dice.roll(300), dice.roll(600)).await,
            10 => self.relay(id, dice.roll(300)).await,
            _ => self.call_back(id).await,
        }
    }

    async fn answer(&self, id: u64, millis: u32, limit: Option<Duration>) -> Next {
        let mut call = self.client.answer(id, millis);
        if let Some(limit) = limit {
            call = call.timeout(limit);
        }
        let deadline = if limit.is_some() { Deadline::Set } else { Deadline::None };
        let outcome = call.await;
        self.check(&outcome, id);
        self.ended(id, &outcome, deadline)
    }

    /// A handler that only its deadline ends.
    async fn hang(&self, id: u64, limit: Duration) -> Next {
        let outcome = self.client.hang(id).timeout(limit).await;
        self.ended(id, &outcome, Deadline::Set)
    }

    /// A call that is dropped as soon as it is sent, or after some milliseconds.
    async fn give_up(&self, id: u64, millis: u64) -> Next {
        let mut call = pin!(self.client.hang(id));
        let outcome = if millis == 0 {
            match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                std::task::Poll::Ready(outcome) => Some(outcome),
                std::task::Poll::Pending => None,
            }
        } else {
            timeout(Duration::from_millis(millis), call).await.ok()
        };
        let Some(outcome) = outcome else {
            self.book.enter(id, Fate::MayHaveRun);
            return Next::GoOn;
        };
        self.ended(id, &outcome, Deadline::None)
    }

    async fn note(&self, id: u64) -> Next {
        let outcome = self.client.note(id).await;
        if outcome.is_ok() && self.line == Line::Cut {
            // It is on its way; nobody says whether it arrives.
            self.book.enter(id, Fate::MayHaveRun);
            return Next::GoOn;
        }
        self.ended(id, &outcome, Deadline::None)
    }

    async fn upload(&self, id: u64, count: u64) -> Next {
        let outcome = self.client.upload(id, count, stream::iter(0..count)).await;
        self.check(&outcome, count);
        self.ended(id, &outcome, Deadline::None)
    }

    /// A stream that is read to its end, or dropped after so many items.
    async fn download(&self, id: u64, count: u64, most: u64) -> Next {
        let items = self.client.download(id, count).await;
        self.read(id, items, count, most).await
    }

    async fn relay(&self, id: u64, count: u64) -> Next {
        let items = self.client.relay(id, count, stream::iter(0..count)).await;
        self.read(id, items, count, u64::MAX).await
    }

    async fn call_back(&self, id: u64) -> Next {
        let outcome = self.client.call_back(id).await;
        self.check(&outcome, id);
        self.ended(id, &outcome, Deadline::None)
    }

    async fn read(
        &self,
        id: u64,
        items: Result<Streaming<u64>, CallError>,
        count: u64,
        most: u64,
    ) -> Next {
        let mut items = match items {
            Ok(items) => items,
            Err(error) => return self.ended::<()>(id, &Err(error), Deadline::None),
        };
        let mut order = Order::of(count);
        for _ in 0..most {
            match items.next().await {
                Some(Ok(item)) if order.take(item) => {}
                Some(Ok(_)) => self.book.disorder(),
                Some(Err(error)) => return self.ended::<()>(id, &Err(error), Deadline::None),
                None => {
                    if !order.is_whole() {
                        self.book.disorder();
                    }
                    return self.ended(id, &Ok(()), Deadline::None);
                }
            }
        }
        // Its handler has begun, since the stream has; it is dropped before the end, or behind it.
        self.book.enter(id, Fate::Answered);
        Next::GoOn
    }

    fn check(&self, outcome: &Result<u64, CallError>, right: u64) {
        if outcome.as_ref().is_ok_and(|value| *value != right) {
            self.book.disorder();
        }
    }

    /// Enters the fate of a call, and whether its failure has a cause.
    fn ended<T>(&self, id: u64, outcome: &Result<T, CallError>, deadline: Deadline) -> Next {
        self.book.enter(id, Fate::of(outcome));
        let Err(error) = outcome else { return Next::GoOn };
        match error.code() {
            Code::DeadlineExceeded if deadline == Deadline::Set => Next::GoOn,
            Code::Unavailable if self.line == Line::Cut => Next::Lost,
            _ => {
                self.book.unexplained(error.to_string());
                Next::Lost
            }
        }
    }
}

/// Numbers that follow from a seed (splitmix64).
pub(super) struct Dice(pub u64);

impl Dice {
    /// Below `sides`.
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// Between one millisecond and `most`.
    fn millis(&mut self, most: u64) -> Duration {
        Duration::from_millis(1 + self.roll(most))
    }
}
