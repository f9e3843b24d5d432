//! Calls over callers that are not connections, and over those that a picker chooses.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::{
    Call, Channel, ChannelState, Evolve, Scope, Streaming, Target, Way,
    outgoing::Outgoing,
    target::{Next, Picker},
};
use crate::{
    proto::{CallId, Code, Codec, Failure, MethodKey, Outcome, Payload, Priority, Status},
    seam::{Caller, Phase, Remote as _, double::Double},
    service,
};

/// Whatever they bring: a cell may not be looked at by two threads, nor a pointer be sent to one.
#[test]
fn what_holds_a_call_may_be_shared_between_threads() {
    const fn shared<T: Send + Sync + Unpin>() {}
    const {
        shared::<Call<*const (), std::cell::Cell<u8>>>();
        shared::<crate::ReplyCall<*const (), std::cell::Cell<u8>>>();
        shared::<Streaming<*const (), std::cell::Cell<u8>>>();
        shared::<Channel>();
        shared::<crate::CallError<u8>>();
    }
}

/// Calls go to the newest caller; those that were not started go again.
#[derive(Debug, Default)]
struct Newest(Mutex<(Option<Arc<Double>>, Option<Waker>)>);

impl Newest {
    fn set(&self, caller: &Arc<Double>) {
        let mut state = self.0.lock();
        state.0 = Some(Arc::clone(caller));
        let waker = state.1.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Picker for Newest {
    fn poll_pick(
        &self,
        _call: &mut Outgoing,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Arc<dyn Caller>, Status>> {
        let (caller, waker) = &mut *self.0.lock();
        match caller {
            Some(caller) => Poll::Ready(Ok(caller.clone())),
            None => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn ended(&self, _call: &mut Outgoing, on: &Arc<dyn Caller>, end: Option<&Outcome>) -> Next {
        match end {
            Some(Err(Failure::Status(status)))
                if status.code() == Code::Unavailable && !status.may_have_run() =>
            {
                let (caller, _) = &mut *self.0.lock();
                // Nobody else has set another one meanwhile.
                caller.take_if(|caller| Arc::as_ptr(caller).cast::<()>() == Arc::as_ptr(on).cast());
                Next::Again
            }
            _ => Next::Settled,
        }
    }

    fn way(&self) -> Way {
        Way::Caller(self.0.lock().0.clone().expect("a caller was set"))
    }
}

fn picked() -> (Channel, Arc<Newest>) {
    let picker = Arc::<Newest>::default();
    (Channel::new(Target::Picker(picker.clone()), Codec::Json, None), picker)
}

fn raw(channel: &Channel, arguments: &Payload) -> Call<Payload, Payload> {
    channel.call_raw(MethodKey::bare("Shop.buy"), Codec::Json, arguments)
}

fn three() -> Payload {
    Payload::copy_from_slice(b"3")
}

#[test]
fn a_call_is_answered_by_whatever_takes_it() {
    let double = Double::new();
    let channel = Channel::new(Target::caller(double.clone()), Codec::Json, None);
    let mut call = raw(&channel, &three());
    assert!((&mut call).now_or_never().is_none());
    double.change(|seen| seen.outcomes.push_back(Ok(three())));
    assert_eq!(call.now_or_never(), Some(Ok(three())));
    let mut given_up = raw(&channel, &three());
    assert!((&mut given_up).now_or_never().is_none());
    drop(given_up);
    assert_eq!(double.seen.lock().cancelled, [CallId::new(2)]);
}

#[test]
fn a_caller_is_chosen_when_the_call_is_sent() {
    let (channel, newest) = picked();
    let (first, second) = (Double::new(), Double::new());
    newest.set(&first);
    let mut call = raw(&channel, &three());
    newest.set(&second);
    assert!((&mut call).now_or_never().is_none());
    // Once sent, it stays where it is.
    newest.set(&first);
    second.change(|seen| seen.outcomes.push_back(Ok(three())));
    assert_eq!(call.now_or_never(), Some(Ok(three())));
    assert_eq!((first.open_calls(), second.open_calls()), (0, 1));
}

#[tokio::test]
async fn a_call_waits_until_there_is_a_caller() {
    let (channel, newest) = picked();
    let mut call = raw(&channel, &three());
    assert!((&mut call).now_or_never().is_none());
    let call = tokio::spawn(call);
    tokio::task::yield_now().await;
    let double = Double::new();
    double.change(|seen| seen.outcomes.push_back(Ok(three())));
    newest.set(&double);
    assert_eq!(call.await.unwrap(), Ok(three()));
}

#[test]
fn a_call_that_was_not_started_goes_again_with_all_that_it_had() {
    let (channel, newest) = picked();
    let (first, second) = (Double::new(), Double::new());
    let long = Payload::from(vec![b' '; 100_000]);
    let call = channel.call_raw(MethodKey::bare("Shop.buy"), Codec::Json, &long);
    let mut call = call.metadata("tenant", "acme").timeout(Duration::from_secs(60));
    newest.set(&first);
    assert!((&mut call).now_or_never().is_none());
    let lost = Status::not_started(Code::Unavailable, "lost");
    first.change(|seen| seen.outcomes.push_back(Err(Failure::Status(lost))));
    assert!((&mut call).now_or_never().is_none());
    newest.set(&second);
    assert!((&mut call).now_or_never().is_none());
    assert_eq!(first.seen.lock().opened, second.seen.lock().opened);
    let (opened, arguments) = second.seen.lock().opened[0].clone();
    assert_eq!((arguments, opened.deadline.is_some()), (long, true));
    assert_eq!(opened.metadata.unwrap().value("tenant"), Some("acme"));
    let lost = Status::new(Code::Unavailable, "lost").having_run();
    second.change(|seen| seen.outcomes.push_back(Err(Failure::Status(lost))));
    assert_eq!(call.now_or_never().unwrap().unwrap_err().code(), Code::Unavailable);
}

#[test]
fn a_call_that_cannot_be_opened_goes_again_too() {
    let (channel, newest) = picked();
    let (first, second) = (Double::new(), Double::new());
    first.change(|seen| seen.refused = Some(Status::not_started(Code::Unavailable, "draining")));
    newest.set(&first);
    let mut call = raw(&channel, &three());
    assert!((&mut call).now_or_never().is_none());
    newest.set(&second);
    assert!((&mut call).now_or_never().is_none());
    second.change(|seen| seen.outcomes.push_back(Ok(three())));
    assert_eq!(call.now_or_never(), Some(Ok(three())));
    assert_eq!((first.open_calls(), second.open_calls()), (0, 1));
}

#[derive(Debug)]
struct Part(CancellationToken);

impl Scope for Part {
    fn id(&self) -> CallId {
        CallId::new(9)
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn priority(&self) -> Priority {
        Priority::Normal
    }

    fn cancellation(&self) -> &CancellationToken {
        &self.0
    }
}

#[test]
fn the_end_of_its_scope_ends_a_call_that_waits_for_a_caller() {
    let (channel, newest) = picked();
    let over = CancellationToken::new();
    let call = channel.call_raw(MethodKey::bare("Shop.buy"), Codec::Json, &three());
    let mut call = call.part_of(Arc::new(Part(over.clone())));
    assert!((&mut call).now_or_never().is_none());
    over.cancel();
    assert_eq!((&mut call).now_or_never().unwrap().unwrap_err().code(), Code::Cancelled);
    let double = Double::new();
    newest.set(&double);
    drop(call);
    assert_eq!(double.open_calls(), 0);
}

#[service]
trait Till {
    async fn buy(&self, count: u8) -> u8;
}

#[test]
fn a_picker_that_evolves_remembers_what_its_caller_refuses() {
    let double = Double::new();
    let evolve = Arc::new(Evolve::new(Way::Caller(double.clone())));
    let channel = Channel::new(Target::Picker(evolve), Codec::Bincode, None);
    let till = TillClient::new(channel);
    let refused = Status::not_started(Code::Unimplemented, "the signature differs");
    double.change(|seen| seen.outcomes.push_back(Err(Failure::Status(refused))));
    let mut call = till.buy(3);
    assert!((&mut call).now_or_never().is_none());
    assert!((&mut call).now_or_never().is_none());
    double.change(|seen| seen.outcomes.push_back(Ok(three())));
    assert_eq!(call.now_or_never(), Some(Ok(3)));
    double.change(|seen| seen.outcomes.push_back(Ok(three())));
    let mut next = till.buy(4);
    assert!((&mut next).now_or_never().is_none());
    assert_eq!(next.now_or_never(), Some(Ok(3)));
    let sent: Vec<_> = double
        .seen
        .lock()
        .opened
        .iter()
        .map(|(opened, arguments)| (opened.codec, arguments.to_vec()))
        .collect();
    let json = |text: &str| (Codec::Json, text.as_bytes().to_vec());
    assert_eq!(sent, [(Codec::Bincode, vec![3]), json(r#"{"count":3}"#), json(r#"{"count":4}"#)]);
}

#[test]
fn the_state_of_a_channel_can_be_waited_for() {
    let double = Double::new();
    let channel = Channel::new(Target::caller(double.clone()), Codec::Json, None);
    assert_eq!(
        channel.state_change(ChannelState::Connecting).now_or_never(),
        Some(ChannelState::Ready)
    );
    let mut next = Box::pin(channel.state_change(ChannelState::Ready));
    let mut draining = Box::pin(channel.draining());
    assert!((&mut next).now_or_never().is_none() && (&mut draining).now_or_never().is_none());
    double.be(Phase::Draining);
    assert_eq!(next.now_or_never(), Some(ChannelState::Draining));
    assert!(draining.now_or_never().is_some());
    assert_eq!(double.phase(), Phase::Draining);
}

/// A call that says nothing of itself is sent by a short way of its own; one that has options goes the long way.
#[test]
fn a_plain_call_is_sent_as_any_other() {
    let lost = || Status::not_started(Code::Unavailable, "lost");
    let ends = [
        (None, Ok(three())),
        (None, Err(Failure::Application(three()))),
        (None, Err(Failure::Status(Status::new(Code::Internal, "broken")))),
        (Some(lost()), Ok(three())),
    ];
    for long in [false, true] {
        let arguments = if long { Payload::from(vec![b' '; 100_000]) } else { three() };
        for (refused, outcome) in ends.clone() {
            let sent = [false, true].map(|plain| {
                let double = Double::new();
                double.change(|seen| {
                    seen.refused.clone_from(&refused);
                    seen.outcomes.push_back(outcome.clone());
                });
                let channel = Channel::new(Target::caller(double.clone()), Codec::Json, None);
                let call = raw(&channel, &arguments);
                let mut call = if plain { call } else { call.idempotent() };
                let polled = (&mut call).now_or_never().or_else(|| (&mut call).now_or_never());
                drop(call);
                let seen = double.seen.lock();
                (polled, seen.opened.clone(), seen.cancelled.clone())
            });
            assert_eq!(sent[0], sent[1], "{refused:?}");
            assert_eq!(sent[0].1.len(), usize::from(refused.is_none()));
        }
    }
}

#[test]
fn a_call_is_moved_without_a_call_of_memcpy() {
    // Compilers copy up to eight times 16 bytes in place.
    assert!(size_of::<Call<i64>>() <= 128, "{}", size_of::<Call<i64>>());
}
