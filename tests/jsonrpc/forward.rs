//! A server that hands calls on: everything works through it that works without it, by both protocols.

use std::sync::atomic::{AtomicU32, Ordering};

use rpc_core::{
    Channel, Code, Context, Endpoint, Http, Running, Server,
    health::{HealthClient, HealthReporter, ServingStatus},
    reflect::ReflectionClient,
    schema::ServiceSchema,
    service,
};
use serde_json::json;
use tests::{
    PlaygroundClient, TourClient, Toys, http::Client, http::JSON, http::request, socket::Socket,
    suite::over_http, tourist,
};

/// A gateway before a server without HTTP, and the server's state.
async fn gateway() -> (Running, Running, Toys) {
    let toys = Toys::default();
    let upstream = Server::new()
        .with(tests::PlaygroundServer::new(toys.clone()))
        .with(tests::TourServer::new(tests::Sights))
        .start("127.0.0.1:0")
        .await
        .unwrap();
    let channel = Channel::connect(upstream.address()).await.unwrap();
    let services = described(&channel).await;
    let gateway = Server::new().forward_to(channel, services).http(Http::new());
    (gateway.start("127.0.0.1:0").await.unwrap(), upstream, toys)
}

async fn described(channel: &Channel) -> Vec<ServiceSchema> {
    let reflection = ReflectionClient::new(channel.clone());
    let mut services = Vec::new();
    for name in reflection.services().await.unwrap() {
        services.push(reflection.describe(name).await.unwrap());
    }
    services
}

#[tokio::test]
async fn the_cases_of_json_rpc_pass_through_a_gateway() {
    let (gateway, _upstream, _) = gateway().await;
    let score = over_http(&gateway.address().to_string()).await;
    assert!(score.wrong.is_empty(), "{}", score.wrong.join("\n"));
}

/// A gateway serves if the server does that it stands for.
#[tokio::test]
async fn a_probe_of_a_gateway_is_one_of_its_server() {
    let reporter = HealthReporter::new();
    let toys = Toys::default();
    let upstream = Server::new().with(tests::PlaygroundServer::new(toys)).health(&reporter);
    let upstream = upstream.start("127.0.0.1:0").await.unwrap();
    let channel = Channel::connect(upstream.address()).await.unwrap();
    let services = described(&channel).await;
    let gateway = Server::new().forward_to(channel, services).http(Http::new());
    let gateway = gateway.start("127.0.0.1:0").await.unwrap();
    let told = async |path: &str| Client::connect(&gateway).await.get(path).await.status;
    let health = HealthClient::connect(gateway.address()).await.unwrap();
    assert_eq!((told("/healthz").await, health.check("").await), (200, Ok(ServingStatus::Serving)));
    reporter.set("Playground", ServingStatus::NotServing);
    assert_eq!(told("/healthz?service=Playground").await, 503);
    assert_eq!(health.check("Playground").await, Ok(ServingStatus::NotServing));
    assert_eq!(told("/healthz?service=Nothing").await, 404);
    assert_eq!(told("/healthz").await, 200);
    upstream.shutdown().await;
    assert_eq!(told("/healthz").await, 503);
}

#[tokio::test]
async fn raw_calls_of_every_kind_pass_through_a_gateway() {
    let (gateway, _upstream, toys) = gateway().await;
    let channel = Endpoint::new().connect(gateway.address()).await.unwrap();
    let tour = TourClient::new(channel.clone());
    let large: bytes::Bytes = vec![7; 1 << 20].into();
    assert_eq!(tour.echo(large.clone()).await, Ok(large));
    let mut counted = tour.count(500).await.unwrap();
    for number in 0..500 {
        assert_eq!(counted.next().await, Some(Ok(number)));
    }
    assert_eq!(counted.next().await, None);
    assert_eq!(tour.sum(futures_util::stream::iter(0..100)).await, Ok(4950));
    let playground = PlaygroundClient::new(channel.clone());
    let error = playground.take(1_000_000).await.unwrap_err();
    assert!(error.status().is_none(), "the method's own error: {error}");
    let (method, who, deadline, _) =
        playground.context(1, 2).metadata("who", "ada").timeout(PATIENCE).await.unwrap();
    assert_eq!((&*method, who.as_deref(), deadline), ("Playground.context", Some("ada"), true));
    playground.note("passed on").await.unwrap();
    while toys.noted().is_empty() {
        tokio::task::yield_now().await;
    }
    let unknown = channel.call_json("Playground.absent", &json!([])).await.unwrap_err();
    assert_eq!(unknown.status().unwrap().code(), Code::Unimplemented);
    // What is given up here ends there.
    let waiting = tokio::spawn({
        let playground = playground.clone();
        async move { playground.wait().await }
    });
    toys.until_waiting(1).await;
    waiting.abort();
    toys.until_waiting(0).await;
}

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

#[service]
trait Desk {
    /// Counts its runs.
    #[rpc(once)]
    async fn pay(&self, cents: u64) -> u32;
    /// Counts the calls of a connection.
    async fn knock(&self, cx: &Context) -> u32;
}

#[derive(Default)]
struct Clerk(AtomicU32);

impl Desk for Clerk {
    async fn pay(&self, _cents: u64) -> u32 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    async fn knock(&self, cx: &Context) -> u32 {
        let connection = cx.connection();
        let knocks = connection.state::<u32>().map_or(0, |knocks| *knocks) + 1;
        connection.insert(knocks);
        knocks
    }
}

/// A server of a tour and a desk behind a gateway whose clients have connections of their own.
async fn gateway_of_lines() -> (Running, Running) {
    let upstream = Server::new()
        .with(tests::TourServer::new(tests::Sights))
        .with(DeskServer::new(Clerk::default()))
        .start("127.0.0.1:0")
        .await
        .unwrap();
    let address = upstream.address().clone();
    let channel = Channel::connect(&address).await.unwrap();
    let services = described(&channel).await;
    let gateway = Server::new()
        .forward_to(channel, services)
        .forward_each(move |client| Endpoint::new().hand_back(client).connect_lazy(&address))
        .http(Http::new());
    (gateway.start("127.0.0.1:0").await.unwrap(), upstream)
}

#[tokio::test]
async fn a_call_with_a_key_runs_once_behind_a_gateway() {
    let (gateway, _upstream) = gateway_of_lines().await;
    let key = [JSON, ("idempotency-key", "order 17")];
    for _ in 0..2 {
        let mut client = Client::connect(&gateway).await;
        assert_eq!(client.post("/Desk.pay", &key, "[5]").await.body, "1\n");
        let desk = DeskClient::connect(gateway.address()).await.unwrap();
        assert_eq!(desk.pay(5).idempotency_key("order 18").await, Ok(2));
    }
    let mut client = Client::connect(&gateway).await;
    assert_eq!(client.post("/Desk.pay", &[JSON], "[5]").await.body, "3\n");
}

#[tokio::test]
async fn clients_are_called_back_through_a_gateway_each_on_its_own() {
    let (gateway, upstream) = gateway_of_lines().await;
    for address in [gateway.address().to_string(), format!("ws:{}", gateway.address())] {
        let one = TourClient::new(tourist().connect(address.as_str()).await.unwrap());
        let other = tourist().connect(address.as_str()).await.unwrap();
        assert_eq!(one.ask(4).await, Ok(8));
        let desk = DeskClient::new(other.clone());
        assert_eq!((desk.knock().await, desk.knock().await), (Ok(1), Ok(2)));
        assert_eq!(DeskClient::new(one.channel().clone()).knock().await, Ok(1));
        one.tour(300_000).await;
        TourClient::new(other).tour(300).await;
    }
    // Who serves nothing is not to be called, and is told nothing worse.
    let silent = TourClient::connect(gateway.address()).await.unwrap();
    assert_eq!(silent.ask(4).await, Ok(0));
    // Over HTTP nobody is called back, and in JSON-RPC by name alone.
    let mut client = Client::connect(&gateway).await;
    assert_eq!(client.post("/Tour.ask", &[JSON], "[4]").await.body, "0\n");
    let mut socket = Socket::connect(&gateway).await;
    socket.call(1, "Tour.ask", "[4]").await;
    assert_eq!(socket.json().await["result"], 0);
    // The other server's connections end with those of clients; the gateway keeps its own.
    silent.channel().close().await.unwrap();
    while upstream.connections() > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn streams_pass_through_a_gateway_by_every_face() {
    let (gateway, _upstream, _) = gateway().await;
    let mut client = Client::connect(&gateway).await;
    let lines = [JSON, ("accept", "application/x-ndjson")];
    client.send(request("POST", "/Tour.count", &lines, "[3]")).await;
    let body = client.answer().await.unwrap().body;
    assert_eq!(body, "{\"result\":0}\n{\"result\":1}\n{\"result\":2}\n{\"end\":true}\n");
    let mut socket = Socket::connect(&gateway).await;
    socket.call(1, "Tour.count", "[2]").await;
    assert!(socket.json().await["result"].is_u64());
    for number in 0..2 {
        assert_eq!(socket.json().await["params"]["result"], number);
    }
    assert_eq!(socket.json().await["params"]["end"], true);
    let document = client.get("/openrpc.json").await.body;
    assert!(document.contains("\"Playground.add\"") && document.contains("\"Tour.count\""));
}

#[tokio::test]
async fn a_gateway_whose_server_is_gone_says_so_and_has_it_back() {
    let (gateway, upstream, _) = gateway().await;
    let address = upstream.address().to_string();
    let mut client = Client::connect(&gateway).await;
    assert_eq!(client.post("/Playground.add", &[JSON], "[1,2]").await.body, "3\n");
    upstream.shutdown().await;
    let late = [JSON, ("rpc-timeout-ms", "50")];
    let answer = client.post("/Playground.add", &late, "[1,2]").await;
    assert!([503, 504].contains(&answer.status), "{answer:?}");
    let again = Server::new().with(tests::PlaygroundServer::new(Toys::default()));
    let _again = again.start(address.as_str()).await.unwrap();
    assert_eq!(client.post("/Playground.add", &[JSON], "[1,2]").await.body, "3\n");
}
