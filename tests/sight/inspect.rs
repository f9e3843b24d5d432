//! A server that is looked at: figures of its methods, calls in flight and what they wait for, ends by an operator.

use std::{
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use futures_util::{future::join_all, stream};
use rpc_core::{
    CallError, Channel, Code, Context, Credentials, Endpoint, Http, Principal, Server, Streaming,
    inspect::{CallInFlight, CallQuery, InspectClient, InspectError, Inspection, Waiting},
    layer::ConcurrencyLimit,
    service,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc::unbounded_channel,
};

use crate::ground::{BellServer, Clerk, DeskClient, clerk, server};

/// All calls in flight, that of whoever asks left out.
async fn calls(inspect: &InspectClient, method: &str) -> Vec<CallInFlight> {
    let query = CallQuery { method: Some(method.to_owned()), ..CallQuery::default() };
    inspect.calls(query).await.unwrap().calls
}

/// Asks until this is so.
async fn until(
    inspect: &InspectClient,
    method: &str,
    holds: impl Fn(&[CallInFlight]) -> bool,
) -> Vec<CallInFlight> {
    let asked = async {
        loop {
            let calls = calls(inspect, method).await;
            if holds(&calls) {
                return calls;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked).await.unwrap()
}

#[tokio::test]
async fn methods_have_figures() {
    let served = server(&clerk()).name("shop").inspect(Inspection::new());
    let channel = Endpoint::new().in_memory(served);
    let (desk, inspect) = (DeskClient::new(channel.clone()), InspectClient::new(channel));
    for n in 0..40 {
        desk.add(n, n).await.unwrap();
    }
    for _ in 0..3 {
        desk.refuse("tea").await.unwrap_err();
    }
    desk.panic().await.unwrap_err();
    desk.note("a line").await.unwrap();
    desk.sum(stream::iter([1, 2])).await.unwrap();
    let overview = inspect.overview().await.unwrap();
    assert_eq!((overview.name.as_str(), overview.process), ("shop", std::process::id()));
    let figures = |name: &str| {
        let mut methods = overview.methods.iter();
        methods.find(|method| method.method == name).unwrap().clone()
    };
    let add = figures("Desk.add");
    // Small numbers are one byte each in bincode; so is their sum.
    assert_eq!((add.calls, add.received, add.sent, add.failed()), (40, 80, 40, 0));
    // The first sixteen are measured, then one in sixteen for as many; after a slow poll the others are as well.
    assert!((18..=70).contains(&add.latencies.count()), "{:?}", add.latencies);
    assert!(add.latencies.quantile(0.99) >= add.latencies.quantile(0.5));
    assert_eq!(figures("Desk.refuse").failures, [("APPLICATION".to_owned(), 3)]);
    assert_eq!(figures("Desk.panic").failures, [("INTERNAL".to_owned(), 1)]);
    assert_eq!(figures("Desk.sum").calls, 1);
    assert_eq!(figures("Desk.hang").calls, 0);
    // The framework's own are counted too.
    assert_eq!(figures("Inspect.overview").calls, 0);
}

#[tokio::test]
async fn calls_in_flight_are_listed_and_ended() {
    let (told, mut heard) = unbounded_channel();
    let served = server(&Clerk(told)).inspect(Inspection::new().kill()).start("127.0.0.1:0");
    let served = served.await.unwrap();
    let channel = Channel::connect(served.address()).await.unwrap();
    let (desk, inspect) = (DeskClient::new(channel.clone()), InspectClient::new(channel));
    let hang = tokio::spawn(desk.hang().timeout(Duration::from_secs(600)));
    assert_eq!(heard.recv().await.as_deref(), Some("hang began"));
    let listed = until(&inspect, "Desk", |calls| calls.len() == 1).await;
    let call = &listed[0];
    assert_eq!((call.method.as_str(), &call.waiting), ("Desk.hang", &Waiting::Handler));
    assert!(call.peer.starts_with("127.0.0.1:"), "{}", call.peer);
    assert!(call.remaining.unwrap() <= Duration::from_secs(600) && call.age > Duration::ZERO);
    let old = CallQuery { older_than: Some(Duration::from_secs(3600)), ..CallQuery::default() };
    assert_eq!(inspect.calls(old).await.unwrap().total, 0);
    let connections = inspect.connections().await.unwrap();
    assert_eq!((connections.len(), connections[0].state.as_str()), (1, "ready"));
    assert_eq!(connections[0].peer, call.peer);
    // The call itself, and that of whoever asks.
    assert!(connections[0].serving >= 1, "{connections:?}");

    let ended = inspect.kill(call.call).await.unwrap();
    assert_eq!((ended.call, ended.method.as_str()), (call.call, "Desk.hang"));
    let CallError::Status(status) = hang.await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Cancelled);
    assert_eq!(status.message(), "an operator of the server ended the call");
    assert_eq!(heard.recv().await.as_deref(), Some("hang is dropped"));
    let gone = inspect.kill(call.call).await.unwrap_err();
    assert_eq!(gone, CallError::App(InspectError::NoSuchCall(call.call)));
    let recent = inspect.recent().await.unwrap();
    assert_eq!((recent[0].call, recent[0].end.as_str()), (call.call, "CANCELLED"));
    assert_eq!(calls(&inspect, "Desk").await, []);
    served.shutdown().await;
}

/// What waits for each thing that is known.
#[service]
trait Waits {
    async fn ring(&self, cx: &Context);
    async fn read(&self, numbers: Streaming<u64>);
    fn flood(&self) -> impl rpc_core::Stream<Item = Vec<u8>>;
    #[rpc(ordered)]
    async fn turn(&self);
    async fn place(&self);
    async fn compute(&self);
}

/// Computes until the other end of the channel is gone.
struct Waiter(Mutex<Receiver<()>>);

impl Waits for Waiter {
    async fn ring(&self, cx: &Context) {
        let _ = cx.peer::<NeverClient>().ring().await;
    }

    async fn read(&self, mut numbers: Streaming<u64>) {
        while numbers.next().await.is_some() {}
    }

    fn flood(&self) -> impl rpc_core::Stream<Item = Vec<u8>> {
        stream::repeat(vec![0; 1000])
    }

    async fn turn(&self) {
        std::future::pending::<()>().await;
    }

    async fn place(&self) {
        std::future::pending::<()>().await;
    }

    async fn compute(&self) {
        tokio::task::yield_now().await;
        let _ = self.0.lock().unwrap().recv();
    }
}

#[service]
trait Never {
    async fn ring(&self);
}

struct Nobody;

impl Never for Nobody {
    async fn ring(&self) {
        std::future::pending::<()>().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_call_waits_for_is_known() {
    let (computing, computes) = channel();
    let served = Server::new()
        .with(WaitsServer::new(Waiter(Mutex::new(computes))))
        .layer_for("Waits.place", ConcurrencyLimit::new(1).queue(1))
        .inspect(Inspection::new());
    let served = served.start("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::new().with(NeverServer::new(Nobody));
    let waits = WaitsClient::new(endpoint.connect(served.address()).await.unwrap());
    let inspect = InspectClient::connect(served.address()).await.unwrap();
    let ring = tokio::spawn(waits.ring());
    let read = tokio::spawn(waits.read(stream::pending()));
    let flood = waits.flood().await.unwrap();
    let turns = [tokio::spawn(waits.turn()), tokio::spawn(waits.turn())];
    let places = [tokio::spawn(waits.place()), tokio::spawn(waits.place())];
    let has = |calls: &[CallInFlight], method: &str, waiting: &Waiting| {
        calls.iter().filter(|call| call.method == method && call.waiting == *waiting).count()
    };
    let reply = Waiting::Reply("Never.ring".to_owned());
    let listed = until(&inspect, "Waits", |calls| {
        has(calls, "Waits.ring", &reply) == 1
            && has(calls, "Waits.read", &Waiting::Items) == 1
            && has(calls, "Waits.flood", &Waiting::Reader) == 1
            && has(calls, "Waits.turn", &Waiting::Turn) == 1
            && has(calls, "Waits.turn", &Waiting::Handler) == 1
            && has(calls, "Waits.place", &Waiting::Place) == 1
            && has(calls, "Waits.place", &Waiting::Handler) == 1
    });
    listed.await;
    // One that blocks its thread is seen by who asks on another. Tokio's threads sleep but for one, which sees to all I/O, and
    // nobody else does if that is the one that is blocked: something keeps another awake.
    let awake = tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let compute = tokio::spawn(WaitsClient::connect(served.address()).await.unwrap().compute());
    until(&inspect, "Waits.compute", |calls| has(calls, "Waits.compute", &Waiting::Running) == 1)
        .await;
    awake.abort();
    drop((computing, flood));
    for task in turns.into_iter().chain(places).chain([ring, read, compute]) {
        task.abort();
    }
    served.shutdown_handle().abort();
    served.wait().await;
}

#[tokio::test]
async fn who_may_look_and_who_may_end_calls() {
    let inspection = Inspection::new().requires("ops:look").kill_requires("ops:kill");
    let served = server(&clerk())
        .inspect(inspection)
        .authenticate(async |credentials: Credentials| {
            let who = Principal::named("somebody");
            Ok::<_, rpc_core::Refusal>(match credentials.token {
                Some(token) if token == "looks".into() => who.grant("ops:look"),
                Some(token) if token == "kills".into() => who.grant("ops:*"),
                _ => Principal::anonymous(),
            })
        })
        .start("127.0.0.1:0")
        .await
        .unwrap();
    let as_who = async |token: &str| {
        let endpoint = Endpoint::new().token(token);
        InspectClient::new(endpoint.connect(served.address()).await.unwrap())
    };
    let CallError::Status(refused) = as_who("nobody").await.overview().await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let looks = as_who("looks").await;
    assert!(looks.overview().await.is_ok());
    let refused = looks.kill(1).await.unwrap_err();
    assert_eq!(refused, CallError::App(InspectError::MayNotKill("ops:kill".to_owned())));
    let gone = as_who("kills").await.kill(1).await.unwrap_err();
    assert_eq!(gone, CallError::App(InspectError::NoSuchCall(1)));
    served.shutdown().await;

    let nobody = Endpoint::new().in_memory(server(&clerk()).inspect(Inspection::new()));
    let refused = InspectClient::new(nobody).kill(1).await.unwrap_err();
    assert_eq!(refused, CallError::App(InspectError::NobodyKills));
    let off = InspectClient::in_memory(server(&clerk()));
    let CallError::Status(off) = off.overview().await.unwrap_err();
    assert_eq!(off.code(), Code::Unimplemented);
}

#[tokio::test]
async fn calls_over_http_are_listed_and_ended_too() {
    let (told, mut heard) = unbounded_channel();
    let served = server(&Clerk(told)).inspect(Inspection::new().kill()).http(Http::new());
    let served = served.start("127.0.0.1:0").await.unwrap();
    let address = served.address().to_string();
    let mut http = TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "POST /Desk.hang HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
    );
    http.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(heard.recv().await.as_deref(), Some("hang began"));
    let inspect = InspectClient::connect(served.address()).await.unwrap();
    let listed = until(&inspect, "Desk.hang", |calls| {
        calls.iter().any(|call| call.waiting == Waiting::Handler)
    })
    .await;
    inspect.kill(listed[0].call).await.unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("an operator of the server ended the call"), "{answer}");
    assert_eq!(heard.recv().await.as_deref(), Some("hang is dropped"));
    assert_eq!(calls(&inspect, "Desk").await, []);
    served.shutdown().await;
}

#[tokio::test]
async fn a_lost_connection_takes_its_calls_off_the_list() {
    let (told, mut heard) = unbounded_channel();
    let served = server(&Clerk(told)).inspect(Inspection::new()).start("127.0.0.1:0");
    let served = served.await.unwrap();
    let endpoint = Endpoint::new().with(BellServer::new(clerk()));
    let desk = DeskClient::new(endpoint.connect(served.address()).await.unwrap());
    let hangs = tokio::spawn(join_all((0..3).map(|_| desk.hang())));
    for _ in 0..3 {
        assert_eq!(heard.recv().await.as_deref(), Some("hang began"));
    }
    let inspect = InspectClient::connect(served.address()).await.unwrap();
    until(&inspect, "Desk", |calls| calls.len() == 3).await;
    hangs.abort();
    drop(desk);
    until(&inspect, "Desk", <[_]>::is_empty).await;
    let overview = inspect.overview().await.unwrap();
    let hang = overview.methods.iter().find(|method| method.method == "Desk.hang").unwrap();
    assert_eq!((hang.calls, hang.failed()), (3, 3));
    served.shutdown().await;
}

#[tokio::test]
async fn ten_thousand_calls_are_listed_at_once() {
    let served = server(&clerk()).inspect(Inspection::new());
    let served = served.limits(rpc_core::Limits::default().max_calls(20_000));
    let channel = Endpoint::new().in_memory(served);
    let (desk, inspect) = (DeskClient::new(channel.clone()), InspectClient::new(channel));
    let hangs = tokio::spawn(join_all((0..10_000).map(|_| desk.hang())));
    until(&inspect, "Desk", |calls| calls.len() == 10_000).await;
    let limited = CallQuery { limit: Some(10), ..CallQuery::default() };
    let listed = inspect.calls(limited).await.unwrap();
    // With that of whoever asks, if it was listed by then.
    assert!(listed.total >= 10_000 && listed.calls.len() == 10);
    assert!(listed.calls.is_sorted_by(|one, next| one.age >= next.age));
    // They are the oldest ones of all.
    let all = calls(&inspect, "Desk").await;
    let number = |call: &CallInFlight| call.call;
    let oldest: Vec<_> = all.iter().map(number).take(10).collect();
    assert_eq!(listed.calls.iter().map(number).collect::<Vec<_>>(), oldest);
    hangs.abort();
}
