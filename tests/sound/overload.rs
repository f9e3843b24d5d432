//! Servers with too much to do, and what tells that they have: over real sockets, asserted by counts and order, never by how
//! long something took.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rpc_core::{
    Code, Context, Endpoint, Overload, Priority, Running, Server, Status,
    proto::{
        Failure, MethodKey,
        wire::{Flags, Kind},
    },
    service,
};
use tests::{PlaygroundClient, PlaygroundServer, RawPeer, Toys, wire};
use tokio::{sync::Semaphore, time::timeout};

const LONG: Duration = Duration::from_secs(60);

/// Calls until the server has said how much it has to do.
async fn told(client: &PlaygroundClient) -> u32 {
    loop {
        client.nothing().await.unwrap();
        if let Some(load) = client.channel().peer_load() {
            return load.in_flight;
        }
    }
}

#[tokio::test]
async fn a_server_tells_how_many_calls_it_serves_for_all_its_clients() {
    let toys = Toys::default();
    let server = Server::new().with(PlaygroundServer::new(toys.clone()));
    let server = server.start("127.0.0.1:0").await.unwrap();
    let busy = PlaygroundClient::connect(server.address()).await.unwrap();
    let waiting: Vec<_> = (0..5).map(|_| tokio::spawn(busy.wait())).collect();
    timeout(LONG, toys.until_waiting(5)).await.unwrap();

    let asks = Endpoint::new().load_reports().connect(server.address()).await.unwrap();
    let other = PlaygroundClient::new(asks);
    assert_eq!(other.channel().peer_load(), None, "it has said nothing yet");
    assert_eq!(timeout(LONG, told(&other)).await.unwrap(), 5);
    assert!(
        other.channel().peer_load().unwrap().queue_delay.is_zero(),
        "none of them waits for it"
    );

    other.open(5).await.unwrap();
    for call in waiting {
        call.await.unwrap().unwrap();
    }
    // The next report comes with the next call after a while.
    let all_ended = async {
        while other.channel().peer_load().unwrap().in_flight > 0 {
            other.nothing().await.unwrap();
        }
    };
    timeout(LONG, all_ended).await.unwrap();
    assert_eq!(busy.channel().peer_load(), None, "it did not ask");
}

#[service]
trait Desk {
    /// The number of the priority of this call, and of one that the caller is called back with.
    async fn priority(&self, cx: &Context) -> (u8, u8);
}

#[service]
trait Customer {
    /// The number of the priority of this call.
    async fn asked(&self, cx: &Context) -> u8;
}

struct Counter;

impl Desk for Counter {
    async fn priority(&self, cx: &Context) -> (u8, u8) {
        let back = cx.peer::<CustomerClient>().asked().await.unwrap();
        (cx.priority().value(), back)
    }
}

impl Customer for Counter {
    async fn asked(&self, cx: &Context) -> u8 {
        cx.priority().value()
    }
}

#[tokio::test]
async fn a_priority_travels_and_is_that_of_the_calls_within() {
    let server = Server::new().with(DeskServer::new(Counter)).start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().with(CustomerServer::new(Counter));
    let desk = DeskClient::new(endpoint.connect(server.address()).await.unwrap());
    assert_eq!(desk.priority().await.unwrap(), (1, 1), "what is said of no call");
    for priority in [Priority::Critical, Priority::Normal, Priority::Low, Priority::Sheddable] {
        let seen = desk.priority().priority(priority).await.unwrap();
        assert_eq!(seen, (priority.value(), priority.value()));
    }
}

#[service]
trait Mill {
    /// Computes for long enough that it is noticed, and takes a note of its number.
    async fn grind(&self, number: u32);
    /// The same, and then waits until it is let go.
    async fn rest(&self, number: u32);
    /// Holds the server's thread until that is let go.
    async fn hold(&self);
}

#[derive(Clone)]
struct Stones {
    ground: Arc<Mutex<Vec<u32>>>,
    resting: Arc<Semaphore>,
    rested: Arc<Semaphore>,
    held: Arc<Semaphore>,
    let_go: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Stones {
    fn new() -> (Self, mpsc::Sender<()>) {
        let (let_go, waits) = mpsc::channel();
        let none = || Arc::new(Semaphore::new(0));
        let stones = Self {
            ground: Arc::default(),
            resting: none(),
            rested: none(),
            held: none(),
            let_go: Arc::new(Mutex::new(waits)),
        };
        (stones, let_go)
    }

    fn ground(&self) -> Vec<u32> {
        self.ground.lock().unwrap().clone()
    }
}

impl Mill for Stones {
    async fn grind(&self, number: u32) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(200) {
            std::hint::spin_loop();
        }
        self.ground.lock().unwrap().push(number);
    }

    async fn rest(&self, number: u32) {
        self.grind(number).await;
        self.resting.add_permits(1);
        self.rested.acquire().await.unwrap().forget();
    }

    async fn hold(&self) {
        self.held.add_permits(1);
        self.let_go.lock().unwrap().recv().unwrap();
    }
}

/// A server of one thread that knows that `grind` takes long, and a peer whose requests come all at once.
struct Scene {
    stones: Stones,
    let_go: mpsc::Sender<()>,
    peer: RawPeer,
    _server: Running,
}

/// The first number of a call that is judged.
const FIRST: u32 = 100;

fn key(method: &str) -> MethodKey {
    MillClient::schema().method(method).unwrap().key
}

impl Scene {
    async fn of(overload: Overload) -> Self {
        let (stones, let_go) = Stones::new();
        let server =
            Server::new().threads(1).overload(overload).with(MillServer::new(stones.clone()));
        let server = server.start("127.0.0.1:0").await.unwrap();
        let mut peer = RawPeer::connect(server.address()).await.unwrap();
        peer.send(&RawPeer::greeting()).await.unwrap();
        for id in 0..8 {
            peer.send(&RawPeer::request(id, key("grind"), &[id as u8])).await.unwrap();
            timeout(LONG, peer.next(Kind::Response)).await.unwrap().unwrap();
        }
        stones.ground.lock().unwrap().clear();
        Self { stones, let_go, peer, _server: server }
    }

    /// Sends these bytes while the server's thread does something else.
    async fn send(&mut self, bytes: &[u8]) {
        self.peer.send(&RawPeer::request(99, key("hold"), &[])).await.unwrap();
        timeout(LONG, self.stones.held.acquire()).await.unwrap().unwrap().forget();
        self.peer.send(bytes).await.unwrap();
        self.let_go.send(()).unwrap();
    }

    /// The ends of so many calls, in the order of their numbers; of each the status if it has one.
    async fn ends(&mut self, calls: u32) -> Vec<Option<Status>> {
        let mut ends = vec![None; calls as usize];
        let mut missing = calls;
        while missing > 0 {
            let (head, payload) =
                timeout(LONG, self.peer.frame_or_end()).await.unwrap().unwrap().unwrap();
            let Some(number) = head.id.value().checked_sub(FIRST) else { continue };
            match head.kind {
                Kind::Response => {}
                Kind::Error => match Failure::decode(&payload) {
                    Ok(Failure::Status(status)) => ends[number as usize] = Some(status),
                    other => panic!("{other:?}"),
                },
                _ => continue,
            }
            missing -= 1;
        }
        ends
    }
}

/// The request of call `number` of these that are judged, with entries in its head.
fn grind(number: u32, entries: &[Vec<u8>]) -> Vec<u8> {
    wire::request_with(FIRST + number, key("grind"), entries, &[number as u8])
}

fn priority(value: u8) -> Vec<u8> {
    wire::entry(6, &[value])
}

/// The numbers of the calls that were refused.
#[track_caller]
fn refused(ends: &[Option<Status>], code: Code) -> Vec<usize> {
    let mut refused = Vec::new();
    for (number, end) in ends.iter().enumerate() {
        let Some(status) = end else { continue };
        assert_eq!((status.code(), status.may_have_run()), (code, false), "{number}: {status}");
        assert_eq!(status.retry_after().is_some(), code == Code::ResourceExhausted);
        refused.push(number);
    }
    refused
}

#[tokio::test]
async fn those_that_matter_most_start_first() {
    let mut scene = Scene::of(Overload::new()).await;
    let low = (0..5).map(|number| grind(number, &[priority(2)]));
    let repeated = (5..8).map(|number| grind(number, &[wire::entry(8, &[1])]));
    let normal = (8..11).map(|number| grind(number, &[]));
    let critical = (11..14).map(|number| grind(number, &[priority(0)]));
    let all: Vec<_> = low.chain(repeated).chain(normal).chain(critical).collect();
    scene.send(&all.concat()).await;
    assert_eq!(scene.ends(14).await, vec![None; 14]);
    // The thread had come to the first one when the others were known.
    assert_eq!(scene.stones.ground(), [0, 11, 12, 13, 8, 9, 10, 5, 6, 7, 1, 2, 3, 4]);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_what_matters_less_makes_room() {
    let mut scene = Scene::of(Overload::new().max_queue(2)).await;
    let low = (0..5).map(|number| grind(number, &[priority(3)]));
    let critical = (5..6).map(|number| grind(number, &[priority(0)]));
    scene.send(&low.chain(critical).collect::<Vec<_>>().concat()).await;
    let ends = scene.ends(6).await;
    assert_eq!(refused(&ends, Code::ResourceExhausted), [2, 3, 4]);
    assert_eq!(scene.stones.ground(), [0, 5, 1]);
}

#[tokio::test]
async fn what_cannot_be_answered_in_time_is_not_started() {
    let mut scene = Scene::of(Overload::new()).await;
    let waiting = (0..20).map(|number| grind(number, &[]));
    let nanos = |nanos: u64| wire::entry(1, &nanos.to_le_bytes());
    let hurried = [grind(20, &[nanos(1000)]), grind(21, &[nanos(60_000_000_000)])];
    scene.send(&waiting.chain(hurried).collect::<Vec<_>>().concat()).await;
    let ends = scene.ends(22).await;
    let late = ends[20].as_ref().unwrap();
    let codes = [Code::DeadlineExceeded, Code::ResourceExhausted];
    assert!(codes.contains(&late.code()) && !late.may_have_run(), "{late}");
    assert!(ends.iter().enumerate().all(|(number, end)| number == 20 || end.is_none()));
    assert!(!scene.stones.ground().contains(&20));
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_waits_is_not_started() {
    let mut scene = Scene::of(Overload::new()).await;
    let calls = (0..10).map(|number| grind(number, &[]));
    let cancel = RawPeer::frame(Kind::Cancel, Flags::MINE, FIRST + 5, &[]);
    scene.send(&calls.chain([cancel]).collect::<Vec<_>>().concat()).await;
    let ends = scene.ends(10).await;
    assert_eq!(refused(&ends, Code::Cancelled), [5]);
    assert_eq!(scene.stones.ground(), [0, 1, 2, 3, 4, 6, 7, 8, 9]);
}

#[tokio::test]
async fn a_server_without_it_starts_all_as_they_come() {
    let mut scene = Scene::of(Overload::off().max_queue(0)).await;
    let low = (0..5).map(|number| grind(number, &[priority(3)]));
    let critical = (5..10).map(|number| grind(number, &[priority(0)]));
    scene.send(&low.chain(critical).collect::<Vec<_>>().concat()).await;
    assert_eq!(scene.ends(10).await, vec![None; 10]);
    let mut ground = scene.stones.ground();
    ground.sort_unstable();
    assert_eq!(ground, (0..10).collect::<Vec<_>>());
}

/// Handlers that wait are no load, however many there are: each has had its thread for a moment, and all of them wait at once.
#[tokio::test]
async fn handlers_that_wait_keep_nobody_out() {
    const CALLS: u32 = 1600;
    let (stones, _let_go) = Stones::new();
    let server = Server::new().threads(1).with(MillServer::new(stones.clone()));
    let server = server.start("127.0.0.1:0").await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..2 {
        clients.push(MillClient::connect(server.address()).await.unwrap());
    }
    let calls = (0..CALLS).map(|number| clients[number as usize % 2].rest(number));
    let calls = tokio::spawn(join_all(calls));
    timeout(LONG, stones.resting.acquire_many(CALLS)).await.unwrap().unwrap().forget();
    // What comes while they wait is served as well.
    clients[0].grind(CALLS).await.unwrap();
    stones.rested.add_permits(CALLS as usize);
    for end in timeout(LONG, calls).await.unwrap().unwrap() {
        end.unwrap();
    }
}
