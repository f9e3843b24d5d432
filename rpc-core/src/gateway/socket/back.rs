//! Calls of this side to the other one: requests of JSON-RPC, and what comes of them. Ids are never given twice, so that a
//! late answer is not taken for another's.
//!
//! ```text
//! open ──▶ Asked ──answer──▶ Ended ──told──▶ gone
//!            │    └─of a stream─▶ Accepted ──items, end──▶ Ended
//!            └─dropped──▶ Dropped, until the answer names the subscription, which is ended then
//! ```

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    out::Out,
    text::{UNSUBSCRIBE, request},
};
use crate::{
    gateway::{jsonrpc::Answer, session::WINDOW, statuses},
    proto::{
        CallId, Code, Codec, Ended, Failure, Metadata, Opening, Outcome, Payload, Status,
        connection::{ConnectionError, ITEM_OVERHEAD, Items, Segment},
    },
    seam::Names,
};

/// Calls that have not ended at once.
const MOST_CALLS: usize = 1024;

/// Calls to the other side of a WebSocket.
#[derive(Debug)]
pub(in crate::gateway) struct Back {
    pub(super) out: Arc<Out>,
    names: Names,
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    next: u32,
    /// Bounded by: [`MOST_CALLS`].
    open: HashMap<CallId, Call>,
    /// By the text of what the other side has named them. Bounded by: the calls.
    subscriptions: HashMap<String, CallId>,
    /// The first end of those that have one.
    deadline: Option<Instant>,
    over: Option<ConnectionError>,
}

#[derive(Debug, Default)]
struct Call {
    stage: Stage,
    method: Option<Arc<str>>,
    streams: bool,
    deadline: Option<Instant>,
    waker: Option<Waker>,
    items: VecDeque<Segment>,
    bytes: usize,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Asked,
    /// Its items come, and are named by this.
    Accepted(String),
    /// Nobody waits for it any more.
    Dropped,
    Ended(Outcome),
}

/// What a notification says of a subscription.
#[derive(Debug, Deserialize)]
struct News<'t> {
    #[serde(borrow)]
    subscription: &'t RawValue,
    #[serde(borrow)]
    result: Option<&'t RawValue>,
    #[serde(borrow)]
    error: Option<&'t RawValue>,
    #[serde(default)]
    end: bool,
}

impl Back {
    pub(in crate::gateway) fn new(out: Arc<Out>) -> Self {
        Self { out, names: Names::default(), calls: Mutex::default() }
    }

    pub(in crate::gateway) const fn names(&self) -> &Names {
        &self.names
    }

    /// Calls that have not ended.
    pub(in crate::gateway) fn open_calls(&self) -> usize {
        self.calls.lock().open.len()
    }

    /// Writes a request, and waits for its answer.
    pub(in crate::gateway) fn open(
        &self,
        opening: &Opening,
        arguments: &Payload,
        cx: &Context<'_>,
    ) -> Result<CallId, Status> {
        let method = self.check(opening)?;
        let mut calls = self.calls.lock();
        if calls.open.len() >= MOST_CALLS {
            let message = format!("{MOST_CALLS} calls to the other side have not ended");
            return Err(Status::not_started(Code::ResourceExhausted, message));
        }
        let id = calls.next_id();
        let (streams, deadline) = (opening.streams.down(), opening.deadline);
        calls.deadline = calls.deadline.into_iter().chain(deadline).min();
        let (waker, method_named) = (Some(cx.waker().clone()), Some(Arc::clone(&method)));
        let call = Call { method: method_named, streams, deadline, waker, ..Call::default() };
        calls.open.insert(id, call);
        drop(calls);
        self.out.push(request(&method, arguments.as_slice(), Some(id)));
        Ok(id)
    }

    /// Writes a notification.
    pub(in crate::gateway) fn notify(
        &self,
        opening: &Opening,
        arguments: &Payload,
    ) -> Result<(), Status> {
        let method = self.check(opening)?;
        self.out.push(request(&method, arguments.as_slice(), None));
        Ok(())
    }

    /// The name of a method that can be called.
    fn check(&self, opening: &Opening) -> Result<Arc<str>, Status> {
        let refused = |code, message: &str| Err(Status::not_started(code, message.to_owned()));
        if let Some(error) = &self.calls.lock().over {
            return refused(error.code(), &error.to_string());
        }
        if opening.streams.up() {
            return refused(Code::Unimplemented, "a call by JSON-RPC brings no stream along");
        }
        if self.out.is_stuck() {
            return refused(Code::ResourceExhausted, "the other side does not read");
        }
        match self.names.name(opening.key).filter(|_| opening.codec == Codec::Json) {
            Some(name) => Ok(name),
            None => refused(Code::Unimplemented, "JSON-RPC calls methods by name, with JSON"),
        }
    }

    /// The end of a call, if it has come.
    pub(in crate::gateway) fn poll_outcome(&self, id: CallId, cx: &Context<'_>) -> Poll<Ended> {
        let mut calls = self.calls.lock();
        let Some(call) = calls.open.get_mut(&id) else { return Poll::Ready(gone()) };
        if !matches!(call.stage, Stage::Ended(_)) {
            call.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(calls.remove(id))
    }

    /// The word that items come, or the end of the call.
    pub(in crate::gateway) fn poll_accepted(
        &self,
        id: CallId,
        cx: &Context<'_>,
    ) -> Poll<Result<Option<Box<Metadata>>, Ended>> {
        let mut calls = self.calls.lock();
        let Some(call) = calls.open.get_mut(&id) else { return Poll::Ready(Err(gone())) };
        match &call.stage {
            Stage::Accepted(_) => Poll::Ready(Ok(None)),
            // Its items have come already.
            Stage::Ended(_) if !call.items.is_empty() => Poll::Ready(Ok(None)),
            Stage::Ended(_) => Poll::Ready(Err(calls.remove(id))),
            Stage::Asked | Stage::Dropped => {
                call.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The items that have come, or how the stream ended.
    pub(in crate::gateway) fn poll_items(&self, id: CallId, cx: &Context<'_>) -> Poll<Items> {
        let mut calls = self.calls.lock();
        let Some(call) = calls.open.get_mut(&id) else { return Poll::Ready(Items::End(gone())) };
        if !call.items.is_empty() {
            return Poll::Ready(Items::Some(std::mem::take(&mut call.items)));
        }
        if matches!(call.stage, Stage::Ended(_)) {
            return Poll::Ready(Items::End(calls.remove(id)));
        }
        call.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Items were read: there is room for more.
    pub(in crate::gateway) fn consume(&self, id: CallId, consumed: usize) {
        let mut calls = self.calls.lock();
        let Some(call) = calls.open.get_mut(&id) else { return };
        let was_full = call.bytes >= WINDOW;
        call.bytes = call.bytes.saturating_sub(consumed);
        let resumes = was_full && call.bytes < WINDOW;
        drop(calls);
        if resumes {
            self.out.wake();
        }
    }

    /// Nobody waits for a call any more.
    pub(in crate::gateway) fn cancel(&self, id: CallId) {
        let mut calls = self.calls.lock();
        let Some(call) = calls.open.get_mut(&id) else { return };
        if call.streams && matches!(call.stage, Stage::Asked) {
            (call.stage, call.waker, call.deadline) = (Stage::Dropped, None, None);
            return;
        }
        let told = calls.forget(id);
        drop(calls);
        if let Some(name) = told {
            self.unsubscribe(&name);
        }
        self.out.wake();
    }

    fn unsubscribe(&self, name: &str) {
        self.out.push(request(UNSUBSCRIBE, format!("[{name}]").as_bytes(), None));
    }

    /// The answer to the request with this id has come.
    pub(super) fn answered(&self, id: Option<&str>, answer: Answer<'_>) {
        let id = id.and_then(|id| id.parse().ok()).map(CallId::new);
        let mut calls = self.calls.lock();
        let Some((id, call)) = id.and_then(|id| Some((id, calls.open.get_mut(&id)?))) else {
            return;
        };
        let name = match (&call.stage, answer) {
            (Stage::Dropped, Answer::Result(name)) => {
                let name = name.to_owned();
                calls.open.remove(&id);
                drop(calls);
                return self.unsubscribe(&name);
            }
            (Stage::Dropped, Answer::Error(_)) => return drop(calls.open.remove(&id)),
            (Stage::Asked, Answer::Result(name)) if call.streams => name.to_owned(),
            (Stage::Asked, Answer::Result(value)) => {
                let value = Payload::copy_from_slice(value.as_bytes());
                let waker = calls.end(id, Ok(value));
                drop(calls);
                return waker.into_iter().for_each(Waker::wake);
            }
            (Stage::Asked, Answer::Error(error)) => {
                let waker = calls.end(id, Err(statuses::failure(error)));
                drop(calls);
                return waker.into_iter().for_each(Waker::wake);
            }
            _ => return,
        };
        call.stage = Stage::Accepted(name.clone());
        let waker = call.waker.take();
        calls.subscriptions.insert(name, id);
        drop(calls);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Takes a notification that is news of a subscription of this side.
    pub(super) fn take_news(&self, method: &str, params: Option<&str>) -> Taken {
        let mut calls = self.calls.lock();
        if calls.subscriptions.is_empty() {
            return Taken::No;
        }
        let news = params.and_then(|params| serde_json::from_str::<News<'_>>(params).ok());
        let Some(news) = news else { return Taken::No };
        let Some(&id) = calls.subscriptions.get(news.subscription.get()) else { return Taken::No };
        let Some(call) = calls.open.get_mut(&id) else { return Taken::No };
        if call.method.as_deref() != Some(method) {
            return Taken::No;
        }
        let waker = if let Some(item) = news.result {
            let item = Bytes::copy_from_slice(item.get().as_bytes());
            call.bytes += item.len() + ITEM_OVERHEAD;
            call.items.push_back(Segment::Large(item));
            call.waker.take()
        } else {
            match news.error {
                Some(error) => calls.end(id, Err(statuses::failure(error.get()))),
                None if news.end => calls.end(id, Ok(Payload::new())),
                None => None,
            }
        };
        drop(calls);
        waker.into_iter().for_each(Waker::wake);
        Taken::Yes
    }

    /// Whether a stream has come so far that its reader is to be waited for.
    pub(super) fn is_full(&self) -> bool {
        let calls = self.calls.lock();
        !calls.subscriptions.is_empty() && calls.open.values().any(|call| call.bytes >= WINDOW)
    }

    /// Ends the streams that nobody reads though others wait for them.
    pub(super) fn end_full(&self) {
        let mut calls = self.calls.lock();
        let full = calls.open.iter().filter(|(_, call)| call.bytes >= WINDOW);
        let full: Vec<CallId> = full.map(|(id, _)| *id).collect();
        let message = "the items were not read, and held up the whole connection";
        let status = Status::new(Code::ResourceExhausted, message);
        for id in &full {
            if let Some(call) = calls.open.get_mut(id) {
                call.bytes = 0;
            }
        }
        let ended = calls.end_each(full, &status);
        drop(calls);
        self.tell(ended);
    }

    /// The first time at which a call ends by itself.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.calls.lock().deadline
    }

    /// Ends the calls whose time is over.
    pub(super) fn end_late(&self, now: Instant) {
        let mut calls = self.calls.lock();
        let late =
            calls.open.iter().filter(|(_, call)| call.deadline.is_some_and(|end| end <= now));
        let late: Vec<CallId> = late.map(|(id, _)| *id).collect();
        let status = Status::new(Code::DeadlineExceeded, "the deadline passed");
        let ended = calls.end_each(late, &status);
        calls.deadline = calls.open.values().filter_map(|call| call.deadline).min();
        drop(calls);
        self.tell(ended);
    }

    /// The connection is over: no call is answered any more. The first reason holds.
    pub(in crate::gateway) fn end_all(&self, error: &ConnectionError) {
        let mut calls = self.calls.lock();
        calls.over.get_or_insert_with(|| error.clone());
        let open: Vec<CallId> = calls.open.keys().copied().collect();
        let ended = calls.end_each(open, &Status::new(Code::Unavailable, error.to_string()));
        drop(calls);
        ended.into_iter().flat_map(|ended| ended.1).for_each(Waker::wake);
    }

    /// Wakes who waits for calls that this side has ended, and has the other side end their streams.
    fn tell(&self, ended: Vec<(Option<String>, Option<Waker>)>) {
        for (name, waker) in ended {
            waker.into_iter().for_each(Waker::wake);
            if let Some(name) = name {
                self.unsubscribe(&name);
            }
        }
    }
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Yes,
    /// It is a call.
    No,
}

impl Calls {
    fn next_id(&mut self) -> CallId {
        loop {
            let id = CallId::new(self.next);
            self.next = self.next.wrapping_add(1);
            if id.expects_reply() && !self.open.contains_key(&id) {
                return id;
            }
        }
    }

    /// The call has ended; items that have come are read before the end.
    fn end(&mut self, id: CallId, outcome: Outcome) -> Option<Waker> {
        let call = self.open.get_mut(&id)?;
        if matches!(call.stage, Stage::Ended(_)) {
            return None;
        }
        if let Some(name) = call.name() {
            self.subscriptions.remove(name);
        }
        if matches!(call.stage, Stage::Dropped) {
            self.open.remove(&id);
            return None;
        }
        (call.stage, call.deadline) = (Stage::Ended(outcome), None);
        call.waker.take()
    }

    /// The same for several, with a status of this side's own; gives the names of subscriptions, and who is to be woken.
    fn end_each(
        &mut self,
        ids: Vec<CallId>,
        status: &Status,
    ) -> Vec<(Option<String>, Option<Waker>)> {
        let ended = ids.into_iter().map(|id| {
            let name = self.open.get(&id).and_then(Call::name).map(str::to_owned);
            (name, self.end(id, Err(Failure::Status(status.clone()))))
        });
        ended.collect()
    }

    /// Takes a call that has ended out.
    fn remove(&mut self, id: CallId) -> Ended {
        match self.open.remove(&id).map(|call| call.stage) {
            Some(Stage::Ended(outcome)) => (outcome, None),
            _ => gone(),
        }
    }

    /// Takes a call out that goes on; gives the name of its subscription.
    fn forget(&mut self, id: CallId) -> Option<String> {
        let call = self.open.remove(&id)?;
        let name = call.name().map(str::to_owned);
        if let Some(name) = &name {
            self.subscriptions.remove(name);
        }
        name
    }
}

impl Call {
    fn name(&self) -> Option<&str> {
        match &self.stage {
            Stage::Accepted(name) => Some(name),
            _ => None,
        }
    }
}

fn gone() -> Ended {
    let status = Status::new(Code::Cancelled, "the call is over");
    (Err(Failure::Status(status)), None)
}
