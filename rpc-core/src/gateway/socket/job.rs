//! One call of a WebSocket while it runs: what is kept of it, and what its job does.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::ready};

use super::{out::Out, text};
use crate::{
    gateway::{
        exchange::{Event, Exchange},
        jsonrpc::End,
        statuses,
    },
    proto::CallId,
};

/// A call that runs, to its end or to the start of its items.
pub(super) type Job = Pin<Box<dyn Future<Output = Done> + Send>>;

/// How a job ended.
pub(super) struct Done {
    pub(super) ticket: Ticket,
    pub(super) line: Option<u32>,
    pub(super) what: What,
}

#[allow(clippy::large_enum_variant, reason = "it is on its way, from one box to another")]
pub(super) enum What {
    Ended(End),
    /// The items come.
    Accepted(Exchange, Box<str>),
    /// They have ended.
    Over(CallId),
}

/// Where the answer to a call goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Alone,
    In { batch: u32, index: usize },
}

/// What is kept of a call until its end.
pub(super) struct Ticket {
    /// None of a notification.
    pub(super) id: Option<Box<str>>,
    pub(super) place: Place,
    pub(super) cost: usize,
}

/// A call whose handler was found.
pub(super) struct Started {
    pub(super) exchange: Exchange,
    pub(super) ticket: Ticket,
    pub(super) method: Box<str>,
}

/// A subscription that was answered, or is going to be.
pub(super) struct Subscribed {
    pub(super) exchange: Exchange,
    pub(super) method: Box<str>,
    pub(super) cost: usize,
}

impl Started {
    /// Runs it to its end, or to the word that its items come.
    pub(super) fn run(self) -> impl Future<Output = Done> + Send + use<> {
        let Self { mut exchange, ticket, method } = self;
        let line = exchange.order();
        async move {
            let what = loop {
                match poll_fn(|cx| exchange.poll_event(cx)).await {
                    Event::Accepted(_) => break What::Accepted(exchange, method),
                    Event::End(outcome, _) => break What::Ended(End::of(outcome)),
                    // Items come behind the word that they do.
                    Event::Item(_) => {}
                }
            };
            Done { ticket, line, what }
        }
    }
}

/// Writes the items of a subscription, and its end, as there is room for them.
pub(super) async fn items(mut exchange: Exchange, notification: Vec<u8>, out: Arc<Out>) {
    loop {
        let event = poll_fn(|cx| {
            ready!(out.poll_room(cx));
            exchange.poll_event(cx)
        });
        match event.await {
            Event::Item(item) => out.push(text::with(&notification, "result", &item)),
            Event::End(Ok(_), _) => return out.push(text::with(&notification, "end", b"true")),
            Event::End(Err(failure), _) => {
                return out.push(text::with(&notification, "error", &statuses::error(&failure)));
            }
            Event::Accepted(_) => {}
        }
    }
}
