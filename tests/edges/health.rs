//! The health service: what the program says is what probes and those who watch are told, to the end of the server.

use std::time::Duration;

use rpc_core::{
    CallError, Code, Credentials, Endpoint, Http, Principal, Running, Server,
    health::{HealthClient, HealthReporter, ServingStatus},
    proto::{Codec, Streams, wire::Kind},
    reflect::ReflectionClient,
};
use tests::{PlaygroundServer, RawPeer, Toys, http::Client, wire};

use ServingStatus::{NotServing, ServiceUnknown, Serving, Unknown};

fn server() -> Server {
    Server::new().with(PlaygroundServer::new(Toys::default()))
}

async fn serve(reporter: &HealthReporter) -> Running {
    server().health(reporter).http(Http::new()).start("127.0.0.1:0").await.unwrap()
}

async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it hangs")
}

/// The answer of `GET /healthz` for a service.
async fn healthz(running: &Running, service: &str) -> (u16, String) {
    let path = if service.is_empty() { "/healthz" } else { &format!("/healthz?service={service}") };
    let answer = Client::connect(running).await.get(path).await;
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    (answer.status, body["status"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_the_program_says_is_what_is_told_by_every_way() {
    let reporter = HealthReporter::new();
    let running = serve(&reporter).await;
    let endpoint = Endpoint::new();
    let health = HealthClient::new(endpoint.connect(running.address()).await.unwrap());
    let json = endpoint.codec(Codec::Json).connect(running.address()).await.unwrap();
    let json = HealthClient::new(json);
    let rows = [
        (None, Serving, Serving, ServiceUnknown),
        (Some(("Playground", NotServing)), Serving, NotServing, ServiceUnknown),
        (Some(("", NotServing)), NotServing, NotServing, ServiceUnknown),
        (Some(("Playground", Unknown)), NotServing, Unknown, ServiceUnknown),
        (Some(("database", Serving)), NotServing, Unknown, Serving),
        (Some(("", Serving)), Serving, Unknown, Serving),
        (Some(("Playground", Serving)), Serving, Serving, Serving),
    ];
    for (said, whole, playground, database) in rows {
        if let Some((service, status)) = said {
            reporter.set(service, status);
            assert_eq!(reporter.status(service), Some(status));
        }
        for (service, expected) in [("", whole), ("Playground", playground), ("database", database)]
        {
            assert_eq!(health.check(service).await, Ok(expected), "{service:?} after {said:?}");
            assert_eq!(json.check(service).await, Ok(expected));
            let code = match expected {
                Serving => 200,
                NotServing | Unknown => 503,
                ServiceUnknown => 404,
            };
            let word = expected.name().to_ascii_lowercase();
            assert_eq!(healthz(&running, service).await, (code, word), "{service:?} {said:?}");
        }
    }
    assert_eq!(health.check("Health").await, Ok(Serving));
    let services = ReflectionClient::new(health.channel().clone()).services().await.unwrap();
    assert_eq!(services, ["Playground", "Health", "Reflection"]);
    running.shutdown().await;
}

#[tokio::test]
async fn who_watches_is_told_of_each_change_and_of_the_end() {
    let reporter = HealthReporter::new();
    let running = serve(&reporter).await;
    let health = HealthClient::connect(running.address()).await.unwrap();
    let mut whole = health.watch("").await.unwrap();
    let mut playground = health.watch("Playground").await.unwrap();
    let mut nothing = health.watch("Nothing").await.unwrap();
    assert_eq!(soon(whole.next()).await, Some(Ok(Serving)));
    assert_eq!(soon(playground.next()).await, Some(Ok(Serving)));
    assert_eq!(soon(nothing.next()).await, Some(Ok(ServiceUnknown)));
    // What stays as it is is not told again, nor to others.
    reporter.set("Playground", Serving);
    reporter.set("Playground", NotServing);
    assert_eq!(soon(playground.next()).await, Some(Ok(NotServing)));
    reporter.set("Nothing", Serving);
    assert_eq!(soon(nothing.next()).await, Some(Ok(Serving)));
    // A grace of 30 s is not used up by those who watch.
    let ended = tokio::spawn(running.shutdown());
    assert_eq!(soon(whole.next()).await, Some(Ok(NotServing)));
    assert_eq!(soon(whole.next()).await, None);
    assert_eq!(soon(playground.next()).await, None);
    assert_eq!(soon(nothing.next()).await, Some(Ok(NotServing)));
    assert_eq!(soon(nothing.next()).await, None);
    drop((whole, playground, nothing, health));
    soon(ended).await.unwrap();
}

/// The order on the wire, with connections on the accepting runtime and on threads.
#[tokio::test]
async fn who_watches_is_told_before_the_goaway() {
    let key = HealthClient::schema().method("watch").unwrap().key;
    for threads in [0, 2] {
        let server = server().health(&HealthReporter::new()).threads(threads);
        let running = server.start("127.0.0.1:0").await.unwrap();
        let mut peers = Vec::new();
        for _ in 0..8 {
            let mut peer = RawPeer::connect(running.address()).await.unwrap();
            let mut bytes = RawPeer::greeting();
            let request = wire::streaming(0, key, Streams::DOWN);
            // The empty name: a length of zero.
            bytes.extend(with_arguments(request, &[0]));
            peer.send(&bytes).await.unwrap();
            let (_, first) = soon(peer.next(Kind::Item)).await.unwrap();
            assert_eq!(first, [1]);
            peers.push(peer);
        }
        let ended = tokio::spawn(running.shutdown());
        for mut peer in peers {
            let mut told = Vec::new();
            while let Some((head, payload)) = soon(peer.frame_or_end()).await.unwrap() {
                if matches!(head.kind, Kind::Item | Kind::GoAway) {
                    told.push((head.kind, payload.first().copied()));
                }
                if head.kind == Kind::GoAway {
                    break;
                }
            }
            assert_eq!(told.len(), 2, "{told:?}");
            assert_eq!(told[0], (Kind::Item, Some(2)), "{told:?}");
        }
        soon(ended).await.unwrap();
    }
}

/// A request in one frame with arguments behind what it has.
fn with_arguments(mut request: Vec<u8>, arguments: &[u8]) -> Vec<u8> {
    use rpc_core::proto::wire::HEAD_LEN;
    let length = request.len() - HEAD_LEN + arguments.len();
    request[..3].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes()[..3]);
    request.extend_from_slice(arguments);
    request
}

#[tokio::test]
async fn servers_that_share_a_reporter_end_each_for_itself() {
    let reporter = HealthReporter::new();
    let (one, other) = (serve(&reporter).await, serve(&reporter).await);
    let health = HealthClient::connect(other.address()).await.unwrap();
    one.shutdown().await;
    assert_eq!(health.check("").await, Ok(Serving));
    reporter.set("", NotServing);
    assert_eq!(health.check("").await, Ok(NotServing));
    other.shutdown().await;
}

#[tokio::test]
async fn a_server_that_was_not_told_to_does_not_tell() {
    let running = server().http(Http::new()).start("127.0.0.1:0").await.unwrap();
    let health = HealthClient::connect(running.address()).await.unwrap();
    let Err(CallError::Status(status)) = health.check("").await else { panic!("it tells") };
    assert_eq!(status.code(), Code::Unimplemented);
    // Who has no more to say than that it is there says that.
    assert_eq!(healthz(&running, "").await, (200, "serving".to_owned()));
    assert_eq!(healthz(&running, "Playground").await, (200, "serving".to_owned()));
    assert_eq!(healthz(&running, "Nothing").await, (404, "service_unknown".to_owned()));
}

/// A server that knows callers by their tokens; who shows none is not let in.
async fn guarded() -> Running {
    let judge = async |credentials: Credentials| match credentials.token {
        Some(token) if token == "probe".into() => Ok(Principal::named("probe").grant("ops:*")),
        Some(token) if token == "ada".into() => Ok(Principal::named("ada")),
        Some(_) => Err("nobody has this token".into()),
        None => Err("show a token".into()),
    };
    let server = server().http(Http::new()).health(&HealthReporter::new());
    let server = server.health_requires("ops:health").authenticate(judge);
    server.start("127.0.0.1:0").await.unwrap()
}

#[tokio::test]
async fn health_is_guarded_like_any_service_and_probes_over_http_are_answered() {
    let running = guarded().await;
    let asked = async |endpoint: Endpoint| {
        let channel = endpoint.connect(running.address()).await.unwrap();
        HealthClient::new(channel).check("").await
    };
    let code = |answer: Result<ServingStatus, CallError>| answer.map_err(|error| error.code());
    assert_eq!(code(asked(Endpoint::new()).await), Err(Code::Unauthenticated));
    assert_eq!(code(asked(Endpoint::new().token("ada")).await), Err(Code::PermissionDenied));
    assert_eq!(asked(Endpoint::new().token("probe")).await, Ok(Serving));
    assert_eq!(healthz(&running, "").await, (200, "serving".to_owned()));
    let mut client = Client::connect(&running).await;
    assert_eq!(client.post("/Health.check", &[], "[\"\"]").await.status, 401);
    running.shutdown().await;
}
