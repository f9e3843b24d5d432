//! Ordered calls that were not started when their connection was lost: they go again on the next one, in their order.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _, poll, stream::FuturesOrdered};
use rpc_core::{CallError, Code, Endpoint, Reconnect, Running, Server, service};
use tests::{Cutter, Fault, History, Seed, Told};
use tokio::task::JoinHandle;

use crate::ground::{Place, Script, soon};

#[service(ordered)]
trait Diary {
    async fn line(&self, number: u64);
    #[rpc(oneway)]
    async fn note(&self, number: u64);
}

/// The lines in the order in which they were written.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<u64>>>);

impl Diary for Book {
    async fn line(&self, number: u64) {
        self.0.lock().unwrap().push(number);
        tokio::task::yield_now().await;
    }

    async fn note(&self, number: u64) {
        self.line(number).await;
    }
}

impl Book {
    fn lines(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }

    fn serve(&self, place: &Place) -> Running {
        place.serve_by(Server::new().with(DiaryServer::new(self.clone())))
    }
}

fn write(
    diary: &DiaryClient,
    numbers: std::ops::Range<u64>,
) -> Vec<JoinHandle<Result<(), CallError>>> {
    numbers.map(|number| tokio::spawn(diary.line(number))).collect()
}

async fn all_succeed(lines: Vec<JoinHandle<Result<(), CallError>>>) {
    for line in lines {
        assert_eq!(soon(line).await.unwrap(), Ok(()));
    }
}

/// The requests of a first connection; whoever takes them is scripted.
async fn taken(
    place: &Place,
    count: u64,
) -> (DiaryClient, Script, Vec<JoinHandle<Result<(), CallError>>>) {
    let mut ear = place.listen();
    let diary = place.connect(Endpoint::new(), DiaryClient::new).await;
    let lines = write(&diary, 0..count);
    let mut script = Script::greet(ear.next().await).await;
    script.requests(count as usize).await;
    (diary, script, lines)
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_not_started_go_again_in_their_order_and_later_ones_behind_them() {
    let (place, book) = (Place::default(), Book::default());
    let (diary, script, mut lines) = taken(&place, 50).await;
    let ear = place.listen();
    script.goaway(0).await;
    // They are made while nobody listens, and when somebody does.
    tokio::task::yield_now().await;
    lines.extend(write(&diary, 50..60));
    tokio::task::yield_now().await;
    drop(ear);
    let _running = book.serve(&place);
    lines.extend(write(&diary, 60..70));
    all_succeed(lines).await;
    assert_eq!(book.lines(), (0..70).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn those_behind_calls_that_may_have_run_go_again_in_their_order() {
    let (place, book) = (Place::default(), Book::default());
    let (_diary, script, mut lines) = taken(&place, 20).await;
    let _running = book.serve(&place);
    script.goaway(5).await;
    let again = lines.split_off(5);
    for line in lines {
        let error = soon(line).await.unwrap().unwrap_err();
        let status = error.status().unwrap();
        assert_eq!((status.code(), status.may_have_run()), (Code::Unavailable, true));
    }
    all_succeed(again).await;
    assert_eq!(book.lines(), (5..20).collect::<Vec<_>>());
}

/// The one before them runs on where it is.
#[tokio::test(start_paused = true)]
async fn calls_wait_for_those_ahead_that_still_run_on_a_connection_that_drains() {
    let (place, book) = (Place::default(), Book::default());
    let mut ear = place.listen();
    // The script answers no pings.
    let endpoint = Endpoint::new().keepalive(None);
    let diary = place.connect(endpoint, DiaryClient::new).await;
    let mut lines = write(&diary, 0..3);
    let mut script = Script::greet(ear.next().await).await;
    let ids = script.requests(3).await;
    let _running = book.serve(&place);
    script.drain(1).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    lines.extend(write(&diary, 3..5));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(book.lines(), [0; 0]);
    script.reply(ids[0]).await;
    all_succeed(lines).await;
    assert_eq!(book.lines(), [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_dropped_hold_nobody_up() {
    let (place, book) = (Place::default(), Book::default());
    let mut ear = place.listen();
    let diary = place.connect(Endpoint::new(), DiaryClient::new).await;
    let mut first = Box::pin(diary.line(0));
    assert!(poll!(&mut first).is_pending());
    let lines = write(&diary, 1..3);
    let mut script = Script::greet(ear.next().await).await;
    script.requests(3).await;
    let ear = place.listen();
    script.goaway(0).await;
    soon(diary.channel().state_change(rpc_core::ChannelState::Ready)).await;
    // It was told of its end and has not looked.
    drop(first);
    drop(ear);
    let _running = book.serve(&place);
    let began = tokio::time::Instant::now();
    all_succeed(lines).await;
    assert!(began.elapsed() < Duration::from_millis(900), "{:?}", began.elapsed());
    assert_eq!(book.lines(), [1, 2]);
}

/// Whoever has its future waits for another first.
#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_come_for_its_turn_is_passed_and_told_the_truth() {
    let (place, book) = (Place::default(), Book::default());
    let mut ear = place.listen();
    let diary = place.connect(Endpoint::new(), DiaryClient::new).await;
    let (mut first, mut second) = (Box::pin(diary.line(0)), Box::pin(diary.line(1)));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    let mut script = Script::greet(ear.next().await).await;
    script.requests(2).await;
    let _running = book.serve(&place);
    script.goaway(0).await;
    assert_eq!(soon(&mut second).await, Ok(()));
    let error = soon(&mut first).await.unwrap_err();
    let status = error.status().unwrap();
    assert_eq!((status.code(), status.may_have_run()), (Code::Unavailable, false), "{status}");
    assert_eq!(soon(diary.line(2)).await, Ok(()));
    assert_eq!(book.lines(), [1, 2]);
}

/// The same of one that waited already, and then for a call behind it.
#[tokio::test(start_paused = true)]
async fn a_call_that_waits_and_is_left_alone_is_passed_as_well() {
    let (place, book) = (Place::default(), Book::default());
    let diary = DiaryClient::new(Endpoint::new().connect_lazy_with(place.clone()).unwrap());
    let mut first = Box::pin(diary.line(0).timeout(Duration::from_secs(600)));
    assert!(poll!(&mut first).is_pending());
    let second = tokio::spawn(diary.line(1).timeout(Duration::from_secs(600)));
    tokio::time::sleep(Duration::from_secs(60)).await;
    let _running = book.serve(&place);
    assert_eq!(soon(second).await.unwrap(), Ok(()));
    let error = soon(first).await.unwrap_err();
    assert!(!error.status().unwrap().may_have_run(), "{error}");
    assert_eq!(book.lines(), [1]);
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_a_first_connection_keep_their_order() {
    let (place, book) = (Place::default(), Book::default());
    let diary = DiaryClient::new(Endpoint::new().connect_lazy_with(place.clone()).unwrap());
    let mut lines = Vec::new();
    for number in 0..30 {
        lines.push(tokio::spawn(diary.line(2 * number)));
        lines.push(tokio::spawn(diary.note(2 * number + 1)));
    }
    tokio::task::yield_now().await;
    let _running = book.serve(&place);
    all_succeed(lines).await;
    assert_eq!(soon(diary.line(60)).await, Ok(()));
    assert_eq!(book.lines(), (0..=60).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn deadlines_hold_for_calls_that_wait_for_their_turn() {
    let (place, book) = (Place::default(), Book::default());
    let (diary, mut script, lines) = taken(&place, 1).await;
    script.drain(1).await;
    let _running = book.serve(&place);
    // The one ahead never ends.
    let late = diary.line(1).timeout(Duration::from_secs(5));
    let error = soon(late).await.unwrap_err();
    let status = error.status().unwrap();
    assert_eq!((status.code(), status.may_have_run()), (Code::DeadlineExceeded, false));
    drop(script);
    for line in lines {
        assert!(soon(line).await.unwrap().unwrap_err().status().unwrap().may_have_run());
    }
    assert_eq!(soon(diary.line(2)).await, Ok(()));
    assert_eq!(book.lines(), [2]);
}

/// Notes each run, and holds some up.
#[derive(Clone, Default)]
struct Ledger {
    history: History,
    book: Book,
}

impl Diary for Ledger {
    async fn line(&self, number: u64) {
        self.history.runs(number);
        self.book.line(number).await;
    }

    async fn note(&self, number: u64) {
        self.line(number).await;
    }
}

/// Many are under way at once, each connection is cut after some bytes, and no word is false.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ordered_calls_through_hundreds_of_cuts_are_told_the_truth_and_keep_their_order() {
    const LONG: Duration = Duration::from_secs(300);
    let ledger = Ledger::default();
    let server = Server::new().with(DiaryServer::new(ledger.clone()));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let (mut seed, faults) = (Seed(31), [Fault::Reset, Fault::Finish]);
    let plan = move |number: u64| Some((faults[number as usize % 2], seed.below(2_000)));
    let cutter = Cutter::start(&running.address().to_string(), Box::new(plan)).await.unwrap();
    let reconnect = Reconnect::new().first_delay(Duration::from_millis(1)).patience(LONG);
    let endpoint = Endpoint::new().reconnect(reconnect);
    let diary = DiaryClient::new(endpoint.connect_lazy(cutter.address()).unwrap());
    let mut under_way = FuturesOrdered::new();
    let (mut number, mut done) = (0, HashSet::new());
    while cutter.cuts() < 300 {
        while under_way.len() < 32 {
            let called = number;
            under_way.push_back(diary.line(called).map(move |end| (called, end)));
            number += 1;
        }
        let (called, end) = tokio::time::timeout(LONG, under_way.next()).await.unwrap().unwrap();
        match end {
            Ok(()) => {
                done.insert(called);
                ledger.history.told(called, Told::Done);
            }
            Err(CallError::Status(status)) => {
                assert_eq!(status.code(), Code::Unavailable, "{status}");
                let may_have_run = status.may_have_run();
                let told = if may_have_run { Told::MayHaveRun } else { Told::NotStarted };
                ledger.history.told(called, told);
            }
        }
    }
    drop((under_way, diary));
    running.shutdown().await;
    let verdict = ledger.history.verdict();
    assert_eq!(
        (verdict.doubled, verdict.false_words, verdict.not_started),
        (0, 0, 0),
        "{verdict:?}"
    );
    assert!(verdict.done > 300 && verdict.uncertain > 0, "{verdict:?}");
    // What may have run of a connection that was lost may run on beside the next.
    let ran: Vec<_> = ledger.book.lines().into_iter().filter(|line| done.contains(line)).collect();
    assert!(ran.is_sorted(), "{ran:?}");
}
