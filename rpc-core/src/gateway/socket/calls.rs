//! Calls that come over a WebSocket: what is ready at once is answered at once, what is not runs beside the others, and
//! ordered methods one behind the other.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{AbortHandle, Abortable},
    stream::FuturesUnordered,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Step,
    back::{Back, Taken},
    batch::Batch,
    job::{Done, Job, Place, Started, Subscribed, Ticket, What, items},
    out::Out,
    text,
};
use crate::{
    gateway::{
        Face,
        headers::Head,
        jsonrpc::{
            self, Begun, End, Streaming, failed,
            request::{self, Call, Invalid, Message},
        },
        session::Session,
        statuses::{self, INVALID_PARAMS},
    },
    identity::{Refusal, Verdicts},
    proto::{CallId, Code, Payload, Status, Token, connection::ConnectionError},
    seam::Phase,
    time::now,
};

/// Calls at once, above which nothing more is read.
const MOST_CALLS: usize = 1024;

/// The method by which a caller says who it is.
const AUTHENTICATE: &str = "rpc.authenticate";

/// The calls of one connection.
pub(super) struct Calls {
    face: Arc<Face>,
    session: Arc<Session>,
    out: Arc<Out>,
    head: Head,
    /// What each call may take.
    timeout: Option<Duration>,
    /// Why nobody may call who shows no token.
    refused: Option<Status>,
    /// Bounded by: [`MOST_CALLS`], and the calls of one message beyond them; so are those below.
    jobs: FuturesUnordered<Job>,
    /// Those that wait behind another one, by their order.
    lines: HashMap<u32, VecDeque<Started>>,
    batches: HashMap<u32, Batch>,
    next_batch: u32,
    subscriptions: HashMap<CallId, AbortHandle>,
    /// Calls that have not ended, and the bytes of their messages.
    open: usize,
    held: usize,
    taking: Taking,
}

/// What becomes of calls that come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taking {
    All,
    /// There are too many, and more is read for the sake of answers alone.
    None,
    /// This side goes.
    NoMore,
}

impl Calls {
    pub(super) fn new(
        face: Arc<Face>,
        session: Arc<Session>,
        out: Arc<Out>,
        mut head: Head,
        refused: Option<Status>,
    ) -> Self {
        let timeout = head.deadline.take().map(|end| end.saturating_duration_since(now()));
        Self {
            face,
            session,
            out,
            head,
            timeout,
            refused,
            jobs: FuturesUnordered::new(),
            lines: HashMap::new(),
            batches: HashMap::new(),
            next_batch: 0,
            subscriptions: HashMap::new(),
            open: 0,
            held: 0,
            taking: Taking::All,
        }
    }

    pub(super) fn out(&self) -> &Out {
        &self.out
    }

    /// Calls of this side.
    pub(super) fn back(&self) -> Option<&Back> {
        self.session.back.as_ref()
    }

    /// Takes no more calls.
    pub(super) fn drain(&mut self) {
        self.taking = Taking::NoMore;
        self.session.tell(Phase::Draining);
    }

    /// Whether all has ended, and nothing more begins.
    pub(super) fn is_over(&self) -> bool {
        self.taking == Taking::NoMore && self.open == 0 && self.batches.is_empty()
    }

    /// The connection is over: handlers are dropped, and calls of this side end.
    pub(super) fn end(self, error: &ConnectionError) {
        if let Some(back) = self.back() {
            back.end_all(error);
        }
    }

    fn are_many(&self) -> bool {
        self.open >= MOST_CALLS || self.held >= self.face.options.max_body.max(1 << 20)
    }

    /// Whether more is to be read. Handlers may wait for answers: these are read though there are many calls.
    pub(super) fn want_more(&self) -> bool {
        let back = self.back();
        !self.out.is_full()
            && !back.is_some_and(Back::is_full)
            && (!self.are_many() || back.is_some_and(|back| back.open_calls() > 0))
    }

    /// Takes a message.
    pub(super) fn receive(&mut self, body: &Bytes, cx: &mut Context<'_>) {
        if self.taking != Taking::NoMore {
            self.taking = if self.are_many() { Taking::None } else { Taking::All };
        }
        match request::read(body, self.face.options.max_batch) {
            Ok(Message::Single(request)) => self.take(request, body, body.len(), Place::Alone, cx),
            Ok(Message::Batch(each)) => {
                let (batch, cost) = (self.next_batch, body.len() / each.len());
                self.next_batch = self.next_batch.wrapping_add(1);
                self.batches.insert(batch, Batch::of(each.len()));
                for (index, request) in each.into_iter().enumerate() {
                    self.take(request, body, cost, Place::In { batch, index }, cx);
                }
            }
            Err(unreadable) => self.out.push(failed(&unreadable.error(), "null")),
        }
    }

    fn take(
        &mut self,
        request: Result<Call<'_>, Invalid<'_>>,
        body: &Bytes,
        cost: usize,
        place: Place,
        cx: &mut Context<'_>,
    ) {
        match request {
            Ok(call) => self.call(&call, body, cost, place, cx),
            Err(Invalid { id, answer: Some(answer), .. }) => {
                if let Some(back) = self.back() {
                    back.answered(id, answer);
                }
                self.say(place, None);
            }
            Err(invalid) => self.say(place, Some(invalid.answer())),
        }
    }

    fn call(
        &mut self,
        call: &Call<'_>,
        body: &Bytes,
        cost: usize,
        place: Place,
        cx: &mut Context<'_>,
    ) {
        if call.id.is_none()
            && self
                .back()
                .is_some_and(|back| back.take_news(&call.method, call.params) == Taken::Yes)
        {
            return self.say(place, None);
        }
        let ticket = |id: Option<&str>| Ticket { id: id.map(Into::into), place, cost };
        let begun = match &*call.method {
            text::UNSUBSCRIBE => Begun::Not(self.unsubscribe(call.params)),
            AUTHENTICATE => return self.authenticate(call.params, ticket(call.id)),
            _ => self.begin(call, body),
        };
        match begun {
            Begun::Not(end) => self.say(place, call.id.map(|id| end.answer(id))),
            Begun::Discover => {
                let (face, session) = (Arc::clone(&self.face), Arc::clone(&self.session));
                let head = self.head.clone();
                let described = async move { face.discover(&session, head).await.into() };
                self.beside(ticket(call.id), described);
            }
            Begun::Call(mut exchange) => {
                if exchange.order().is_none() && exchange.is_short() {
                    // As most are.
                    if let Poll::Ready(outcome) = exchange.poll_ended(cx) {
                        return self.say(place, call.id.map(|id| End::of(outcome).answer(id)));
                    }
                }
                let method = (&*call.method).into();
                self.start(Started { exchange, ticket: ticket(call.id), method });
            }
        }
    }

    /// Finds the handler of a call, where calls are taken.
    fn begin(&self, call: &Call<'_>, body: &Bytes) -> Begun {
        let refused = match (self.taking, &self.refused) {
            (Taking::NoMore, _) => {
                Status::not_started(Code::Unavailable, "this side takes no more calls")
            }
            (Taking::None, _) => {
                let message = "too many calls of this connection run";
                Status::not_started(Code::ResourceExhausted, message)
            }
            (Taking::All, Some(refused)) if self.head.token.is_none() => refused.clone(),
            (Taking::All, _) => {
                let mut head = self.head.clone();
                head.deadline = self.timeout.and_then(|timeout| now().checked_add(timeout));
                let streaming = match call.id {
                    Some(_) => Streaming::Subscribed,
                    None => Streaming::Refused,
                };
                return jsonrpc::begin(&self.face, &self.session, &head, body, call, streaming);
            }
        };
        Begun::Not(End::Error(statuses::plain_error(&refused)))
    }

    /// Has a call run, behind those whose order it keeps.
    fn start(&mut self, started: Started) {
        self.open += 1;
        self.held += started.ticket.cost;
        let Some(line) = started.exchange.order() else { return self.spawn(started) };
        match self.lines.get_mut(&line) {
            Some(waiting) => waiting.push_back(started),
            None => {
                self.lines.insert(line, VecDeque::new());
                self.spawn(started);
            }
        }
    }

    fn spawn(&self, started: Started) {
        let (slow, streams) = (started.exchange.is_slow(), started.exchange.streams().down());
        let job = started.run();
        self.jobs.push(if slow && !streams {
            let spawned = AbortOnDropHandle::new(self.face.tasks.spawn(job));
            // A handler's panic stays with its call; nothing else of a job fails.
            Box::pin(async move {
                match spawned.await {
                    Ok(done) => done,
                    Err(_) => std::future::pending().await,
                }
            })
        } else {
            Box::pin(job)
        });
    }

    /// Has something run that is not a call of a method.
    fn beside(&mut self, ticket: Ticket, end: impl Future<Output = End> + Send + 'static) {
        self.open += 1;
        self.held += ticket.cost;
        let job = end.map(|end| Done { ticket, line: None, what: What::Ended(end) });
        self.jobs.push(Box::pin(job));
    }

    /// Polls what runs, as long as there is room for its answers.
    pub(super) fn run(&mut self, cx: &mut Context<'_>) -> Step {
        let mut step = Step::Stood;
        while !self.out.is_full() {
            let Poll::Ready(Some(done)) = self.jobs.poll_next_unpin(cx) else { break };
            self.finish(done);
            step = Step::Moved;
        }
        step
    }

    fn finish(&mut self, done: Done) {
        let Done { ticket: Ticket { id, place, cost }, line, what } = done;
        match what {
            What::Accepted(exchange, method) => {
                let name = exchange.id().value().to_string();
                let end = End::Result(Payload::copy_from_slice(name.as_bytes()));
                let answer = id.map(|id| end.answer(&id));
                let subscribed = Subscribed { exchange, method, cost };
                match place {
                    Place::Alone => {
                        self.say(place, answer);
                        self.follow(subscribed);
                    }
                    Place::In { batch, index } => {
                        self.answer(batch, index, answer, Some(subscribed))
                    }
                }
                return;
            }
            What::Ended(end) => self.say(place, id.map(|id| end.answer(&id))),
            What::Over(id) => drop(self.subscriptions.remove(&id)),
        }
        self.open -= 1;
        self.held -= cost;
        let Some(line) = line else { return };
        match self.lines.get_mut(&line).and_then(VecDeque::pop_front) {
            Some(next) => self.spawn(next),
            None => drop(self.lines.remove(&line)),
        }
    }

    /// Writes an answer, or keeps it for its batch. There is none to a notification.
    fn say(&mut self, place: Place, answer: Option<Vec<u8>>) {
        match place {
            Place::Alone => answer.into_iter().for_each(|answer| self.out.push(answer)),
            Place::In { batch, index } => self.answer(batch, index, answer, None),
        }
    }

    fn answer(
        &mut self,
        batch: u32,
        index: usize,
        answer: Option<Vec<u8>>,
        subscribed: Option<Subscribed>,
    ) {
        let Some(known) = self.batches.get_mut(&batch) else { return };
        subscribed.into_iter().for_each(|subscribed| known.subscribe(subscribed));
        known.answer(index, answer);
        if known.is_complete()
            && let Some(complete) = self.batches.remove(&batch)
        {
            let (text, subscribed) = complete.into_text();
            text.into_iter().for_each(|text| self.out.push(text));
            subscribed.into_iter().for_each(|subscribed| self.follow(subscribed));
        }
    }

    /// Has the items of a subscription follow its answer.
    fn follow(&mut self, subscribed: Subscribed) {
        let Subscribed { exchange, method, cost } = subscribed;
        let (id, line) = (exchange.id(), exchange.order());
        let (abort, registration) = AbortHandle::new_pair();
        self.subscriptions.insert(id, abort);
        let items = items(exchange, text::notification(&method, id), Arc::clone(&self.out));
        let ticket = Ticket { id: None, place: Place::Alone, cost };
        let job = Abortable::new(items, registration).map(move |_| Done {
            ticket,
            line,
            what: What::Over(id),
        });
        self.jobs.push(Box::pin(job));
    }

    /// Ends a subscription of this connection, if it goes on.
    fn unsubscribe(&mut self, params: Option<&str>) -> End {
        let ids = params.and_then(|params| serde_json::from_str::<[u32; 1]>(params).ok());
        let Some([id]) = ids else {
            let error =
                INVALID_PARAMS.error("[SUBSCRIPTION], the number that it was answered with");
            return End::Error(error);
        };
        let ended = self.subscriptions.remove(&CallId::new(id)).map(|abort| abort.abort());
        let said: &[u8] = if ended.is_some() { b"true" } else { b"false" };
        End::Result(Payload::copy_from_slice(said))
    }

    /// Has calls from here on made for whom a token stands, and says whether that is anybody.
    fn authenticate(&mut self, params: Option<&str>, ticket: Ticket) {
        let tokens = params.and_then(|params| serde_json::from_str::<[String; 1]>(params).ok());
        let token = tokens.map(|[token]| Token::new(token));
        let Some(token) = token.filter(|token| token.check_for_call().is_ok()) else {
            let error = INVALID_PARAMS.error("[TOKEN], a text of 1 to 4096 bytes");
            return self.beside(ticket, std::future::ready(End::Error(error)));
        };
        self.head.token = Some(token.clone());
        let peer = self.session.own_peer().clone();
        self.beside(ticket, async move {
            if let Some(verdicts) = peer.get::<Arc<Verdicts>>().cloned()
                && verdicts.known(&token).is_none()
                && let Err(refusal) = verdicts.judge(peer, token).await
            {
                return End::Error(statuses::plain_error(&Refusal::into_status(refusal)));
            }
            End::Result(Payload::copy_from_slice(b"true"))
        });
    }
}
