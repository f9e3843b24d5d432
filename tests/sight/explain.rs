//! The times of one call, told to callers who ask and may look.

use std::time::Duration;

use rpc_core::{
    Context, Endpoint, Metadata, Principal, Server, StaticTokens, Status,
    inspect::{CallTimes, Inspection},
    layer::{Cache, ConcurrencyLimit, Keep, Log},
    service,
};

use crate::ground::{BellServer, DeskClient, clerk, server};

fn asking() -> Metadata {
    let mut metadata = Metadata::new();
    CallTimes::ask(&mut metadata).unwrap();
    metadata
}

fn names(times: &CallTimes) -> Vec<&str> {
    times.parts.iter().map(|(name, _)| &**name).collect()
}

#[service]
trait Slow {
    #[rpc(idempotent)]
    async fn sleep(&self, ms: u64) -> u64;
    async fn fail(&self, cx: &Context) -> Result<(), Status>;
    #[rpc(requires = "slow:down")]
    async fn guarded(&self) -> bool;
}

struct Sleeper;

impl Slow for Sleeper {
    async fn sleep(&self, ms: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
    }

    async fn fail(&self, cx: &Context) -> Result<(), Status> {
        cx.trailing_metadata().set("own", "pair")?;
        Err(Status::new(rpc_core::Code::Aborted, "no"))
    }

    async fn guarded(&self) -> bool {
        true
    }
}

fn slow() -> Server {
    Server::new().with(SlowServer::new(Sleeper))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_asks_is_told_its_parts() {
    let slow = SlowClient::in_memory(slow().inspect(Inspection::new()));
    let call = slow.sleep(30).with_metadata(&asking()).with_reply_metadata();
    let reply = call.await.unwrap();
    let times = CallTimes::told(&reply.metadata).unwrap();
    assert_eq!(names(&times), ["route", "decode", "queue", "handler", "wait", "encode"]);
    // The clock is paused: nothing took any time but the timer.
    assert_eq!(times.total(), Duration::from_millis(30));
    assert_eq!(times.parts[4].1, Duration::from_millis(30));
    // One that does not ask is told nothing.
    let reply = slow.sleep(1).with_reply_metadata().await.unwrap();
    assert!(reply.metadata.is_empty());
}

#[tokio::test]
async fn what_a_handler_sends_itself_is_kept_and_failures_tell_too() {
    let slow = SlowClient::in_memory(slow().inspect(Inspection::new()));
    let error = slow.fail().with_metadata(&asking()).await.unwrap_err();
    let metadata = error.status().unwrap().metadata();
    assert_eq!(metadata.value("own"), Some("pair"));
    assert!(CallTimes::told(metadata).is_some());
}

#[tokio::test]
async fn its_own_calls_are_named() {
    let served = server(&clerk()).inspect(Inspection::new());
    let channel = Endpoint::new().with(BellServer::new(clerk())).in_memory(served);
    let back = DeskClient::new(channel).back().with_metadata(&asking()).with_reply_metadata();
    let reply = back.await.unwrap();
    assert_eq!(reply.value, 2);
    let times = CallTimes::told(&reply.metadata).unwrap();
    assert!(names(&times).contains(&"call Bell.ring"), "{times:?}");
}

#[tokio::test]
async fn nobody_is_told_but_who_may_look() {
    let told = async |server: Server, endpoint: Endpoint| {
        let slow = SlowClient::new(endpoint.in_memory(server));
        let reply = slow.sleep(0).with_metadata(&asking()).with_reply_metadata().await.unwrap();
        CallTimes::told(&reply.metadata).is_some()
    };
    assert!(!told(slow(), Endpoint::new()).await);
    assert!(told(slow().inspect(Inspection::new()), Endpoint::new()).await);
    let guarded = || slow().inspect(Inspection::new().requires("ops:look"));
    assert!(!told(guarded(), Endpoint::new()).await);
    let down = |name: &str| Principal::named(name).grant("slow:down");
    let tokens = || {
        StaticTokens::new().with("clerk", down("clerk")).with("ops", down("ops").grant("ops:look"))
    };
    let judged = || guarded().authenticate(tokens());
    assert!(!told(judged(), Endpoint::new().token("clerk")).await);
    assert!(told(judged(), Endpoint::new().token("ops")).await);
    // The token of a call counts, whatever its connection may.
    let running = judged().start("127.0.0.1:0").await.unwrap();
    for (connection, call, tells) in [("clerk", "ops", true), ("ops", "clerk", false)] {
        let endpoint = Endpoint::new().token(connection);
        let slow = SlowClient::new(endpoint.connect(running.address()).await.unwrap());
        for _ in 0..2 {
            let call = slow.guarded().token(call).with_metadata(&asking());
            let reply = call.with_reply_metadata().await.unwrap();
            assert_eq!(CallTimes::told(&reply.metadata).is_some(), tells);
        }
    }
    running.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn layers_are_seen_and_may_answer_themselves() {
    let cache = Cache::of([SlowClient::schema()])
        .method("Slow.sleep", Keep::new(Duration::from_secs(60)))
        .build()
        .unwrap();
    let server = slow()
        .inspect(Inspection::new())
        .layer(Log::new())
        .layer(ConcurrencyLimit::new(1).queue(9))
        .layer(cache);
    let slow = SlowClient::in_memory(server);
    let call = || slow.sleep(30).with_metadata(&asking()).with_reply_metadata();
    let other = tokio::spawn(slow.fail().into_future());
    let first = CallTimes::told(&call().await.unwrap().metadata).unwrap();
    for part in ["route", "decode", "wait", "encode"] {
        assert!(names(&first).contains(&part), "{first:?}");
    }
    assert_eq!(first.total(), Duration::from_millis(30));
    // This time no handler runs.
    let second = CallTimes::told(&call().await.unwrap().metadata).unwrap();
    assert_eq!(second.total(), Duration::ZERO);
    assert!(!names(&second).contains(&"decode"), "{second:?}");
    other.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn what_is_told_in_another_form_is_not_read() {
    let mut metadata = Metadata::new();
    assert_eq!(CallTimes::told(&metadata), None);
    for text in ["", "{}", "[1]", r#"[["x",-1]]"#, r#"[["x",1,2]]"#] {
        metadata.set("rpc-times", text).unwrap();
        assert_eq!(CallTimes::told(&metadata), None, "{text}");
    }
    metadata.set("rpc-times", r#"[["new",7]]"#).unwrap();
    let times = CallTimes::told(&metadata).unwrap();
    assert_eq!((names(&times), times.total()), (vec!["new"], Duration::from_nanos(7)));
}
