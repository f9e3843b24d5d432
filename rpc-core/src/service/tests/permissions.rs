//! Methods that require permissions, without any connection: who may call is judged before the arguments are looked at.

use super::*;
use crate::{
    identity::{Gate, Principal, Verdicts},
    proto::Token,
    transport::{Identity, Peer, PeerAddress},
};

#[service]
#[rpc(requires = "vault:use")]
trait Vault {
    async fn look(&self) -> u64;
    #[rpc(requires = ["vault:open", "audit"])]
    async fn open(&self, cx: &Context, door: u64) -> String;
    #[rpc(oneway, requires = "vault:open")]
    async fn knock(&self, door: u64);
    #[rpc(requires = "vault:open")]
    fn coins(&self, door: u64) -> impl Stream<Item = u64>;
    #[rpc(ordered)]
    async fn fill(&self, coins: Streaming<u64>) -> u64;
}

#[derive(Clone, Default)]
struct Cellar(Arc<parking_lot::Mutex<Vec<&'static str>>>);

impl Vault for Cellar {
    async fn look(&self) -> u64 {
        self.0.lock().push("look");
        1
    }

    async fn open(&self, cx: &Context, door: u64) -> String {
        self.0.lock().push("open");
        format!("{:?} {door} {}", cx.identity(), cx.permits("vault:burn"))
    }

    async fn knock(&self, _door: u64) {
        self.0.lock().push("knock");
    }

    fn coins(&self, door: u64) -> impl Stream<Item = u64> {
        self.0.lock().push("coins");
        stream::iter(0..door)
    }

    async fn fill(&self, _coins: Streaming<u64>) -> u64 {
        self.0.lock().push("fill");
        2
    }
}

struct Guarded {
    router: Router,
    cellar: Cellar,
    origin: Arc<Double>,
}

/// A vault that is called by this peer.
fn guarded(peer: Peer) -> Guarded {
    let (mut router, cellar) = (Router::default(), Cellar::default());
    router.add(Arc::new(VaultServer::new(cellar.clone()))).unwrap();
    Guarded { router, cellar, origin: Double::of(peer) }
}

fn memory() -> Peer {
    Peer::new(PeerAddress::Memory)
}

fn vault(method: &str) -> Opening {
    let streams = match method {
        "coins" => Streams::DOWN,
        "fill" => Streams::UP,
        _ => Streams::NONE,
    };
    Opening { streams, ..Opening::new(MethodKey::bare(&format!("Vault.{method}")), Codec::Json) }
}

impl Guarded {
    fn start(&self, opening: Opening, arguments: &str) -> (Reply, Option<Option<u32>>) {
        let id = match opening.key == vault("knock").key {
            true => CallId::NO_REPLY,
            false => CallId::new(7),
        };
        let arguments = Payload::copy_from_slice(arguments.as_bytes());
        let request = connection::Request { id, opening, arguments, cost: 0 };
        let origin: Arc<dyn Origin> = self.origin.clone();
        let mut slot = HandlerSlot::default();
        let schedule = self.router.serve(IncomingCall { request, origin }, &mut slot);
        (slot.take().unwrap(), schedule.map(|schedule| schedule.order))
    }

    fn ended(&self, method: &str, arguments: &str) -> Outcome {
        let (reply, _) = self.start(vault(method), arguments);
        reply.now_or_never().expect("the handler waits")
    }

    fn ran(&self) -> Vec<&'static str> {
        self.cellar.0.lock().clone()
    }
}

const METHODS: [&str; 5] = ["look", "open", "knock", "coins", "fill"];

#[test]
fn who_lacks_a_permission_is_refused_before_arguments_are_read() {
    let clerk = Principal::named("ada").grant("vault:use");
    let guarded = guarded(memory().with(clerk));
    for method in ["open", "knock", "coins"] {
        // None of it is JSON, and none of it is looked at.
        let refused = status(guarded.ended(method, "\u{0}no arguments at all"));
        assert_eq!((refused.code(), refused.may_have_run()), (Code::PermissionDenied, false));
        let words = format!("Vault.{method} requires vault:use and vault:open");
        assert!(refused.message().starts_with(&words), "{refused}");
        assert!(refused.message().contains("this caller lacks vault:open"), "{refused}");
    }
    assert_eq!(text(guarded.ended("look", "[]")), "1");
    assert_eq!(status(guarded.ended("look", "no")).code(), Code::InvalidArgument);
    assert_eq!(guarded.ran(), ["look"]);
}

#[test]
fn whom_nothing_is_known_of_is_told_so() {
    for peer in [memory(), memory().with(Principal::anonymous().grant("vault:open"))] {
        let guarded = guarded(peer);
        for method in METHODS {
            let refused = status(guarded.ended(method, "no arguments at all"));
            assert_eq!((refused.code(), refused.may_have_run()), (Code::Unauthenticated, false));
            assert!(refused.message().ends_with("nothing proves who calls"), "{refused}");
        }
        assert!(guarded.ran().is_empty());
    }
}

#[test]
fn an_identity_of_the_transport_grants_nothing() {
    let identity = Identity::Process { user: 0, group: 0, process: None };
    let guarded = guarded(memory().with_identity(identity));
    let refused = status(guarded.ended("look", "[]"));
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(refused.message(), "Vault.look requires vault:use, and this caller lacks vault:use");
}

#[test]
fn who_has_all_permissions_calls_every_kind_of_method() {
    let keeper = Principal::named("keeper").grant("vault:*").grant("audit");
    let guarded = guarded(memory().with(keeper));
    assert_eq!(text(guarded.ended("open", "[3]")), r#""Named(\"keeper\") 3 true""#);
    assert_eq!(text(guarded.ended("knock", "[3]")), "null");
    assert_eq!(guarded.ended("coins", "[3]"), Ok(Payload::new()));
    assert_eq!(guarded.origin.seen.lock().items, [b"0", b"1", b"2"]);
    let (reply, order) = guarded.start(vault("fill"), "[]");
    assert!(order.flatten().is_some(), "the order stays");
    assert_eq!(text(reply.now_or_never().unwrap()), "2");
    assert_eq!(guarded.ran(), ["open", "knock", "coins", "fill"]);
}

#[test]
fn a_caller_that_may_not_call_does_not_learn_the_signature() {
    let guarded = guarded(memory());
    let wrong = MethodKey::new("Vault.look", "(key:str)->u64");
    let opening = Opening { key: wrong, ..vault("look") };
    let refused = status(guarded.start(opening, "[]").0.now_or_never().unwrap());
    assert_eq!(refused.message(), "the signature of Vault.look differs");
}

#[test]
fn the_schema_says_what_is_required_and_keys_do_not_change() {
    let requires = |name: &str| VaultClient::schema().method(name).unwrap().requires.join(" ");
    assert_eq!(requires("look"), "vault:use");
    assert_eq!(requires("open"), "vault:use vault:open audit");
    let look = VaultClient::schema().method("look").unwrap();
    assert_eq!(look.key, MethodKey::new("Vault.look", "()->u64"));
    let rendered = VaultClient::schema().render_method(look);
    assert_eq!(rendered, "#[rpc(requires = \"vault:use\")]\nasync fn look(&self) -> u64;\n");
    let open = VaultClient::schema().method("open").unwrap();
    let rendered = VaultClient::schema().render_method(open);
    let words = "#[rpc(requires = [\"vault:use\", \"vault:open\", \"audit\"])]";
    assert!(rendered.starts_with(words), "{rendered}");
}

/// Verdicts of an authenticator that takes what a token holds for permissions, when it is asked to go on.
fn judged(go_on: &Arc<tokio::sync::Semaphore>) -> Peer {
    let go_on = Arc::clone(go_on);
    let judge = move |credentials: crate::Credentials| {
        let go_on = Arc::clone(&go_on);
        async move {
            go_on.acquire().await.unwrap().forget();
            let token = credentials.token.as_ref().and_then(Token::as_str).unwrap_or_default();
            match token.strip_prefix("may ") {
                Some(permissions) => Ok(Principal::named("bob").grant_all(permissions.split(' '))),
                None => Err("that is not a token".into()),
            }
        }
    };
    let gate = Gate::new(Arc::new(judge), Duration::from_secs(60));
    memory().with(Principal::named("ada")).with(Verdicts::new(gate))
}

fn with_token(method: &str, token: &str) -> Opening {
    Opening { token: Some(token.into()), ..vault(method) }
}

#[tokio::test]
async fn a_token_of_a_call_is_judged_once_and_stands_for_its_caller() {
    let go_on = Arc::new(tokio::sync::Semaphore::new(0));
    let guarded = guarded(judged(&go_on));
    let token = "may vault:* audit";
    let (mut reply, order) = guarded.start(with_token("open", token), "[3]");
    assert!(order.is_some() && (&mut reply).now_or_never().is_none());
    assert!(guarded.ran().is_empty(), "nothing starts before the verdict");
    go_on.add_permits(1);
    assert_eq!(text(reply.await), r#""Named(\"bob\") 3 true""#);
    // The second time it is known, and no handler waits.
    let (reply, _) = guarded.start(with_token("open", token), "[4]");
    assert_eq!(text(reply.now_or_never().unwrap()), r#""Named(\"bob\") 4 true""#);
    // Streams and calls without a reply are for the same caller.
    go_on.add_permits(2);
    let (reply, _) = guarded.start(with_token("coins", "may vault:use vault:open"), "[2]");
    assert_eq!(reply.await, Ok(Payload::new()));
    let (reply, _) = guarded.start(with_token("knock", "may  vault:use vault:open"), "[2]");
    assert_eq!(text(reply.await), "null");
    assert_eq!(guarded.ran(), ["open", "open", "coins", "knock"]);
}

#[tokio::test]
async fn a_token_that_proves_nothing_refuses_its_call_alone() {
    let go_on = Arc::new(tokio::sync::Semaphore::new(8));
    let guarded = guarded(judged(&go_on));
    for _ in 0..2 {
        let (reply, _) = guarded.start(with_token("open", "hush"), "no arguments at all");
        let refused = status(reply.await);
        assert_eq!((refused.code(), refused.may_have_run()), (Code::Unauthenticated, false));
        assert_eq!(refused.message(), "that is not a token");
    }
    assert_eq!(go_on.available_permits(), 6, "who is refused is asked for again");
    let (reply, _) = guarded.start(with_token("open", "may vault:use"), "no arguments at all");
    assert_eq!(status(reply.await).code(), Code::PermissionDenied);
    // The permissions of the connection are not those of the call.
    assert_eq!(status(guarded.ended("look", "[]")).code(), Code::PermissionDenied);
    assert!(guarded.ran().is_empty());
}

#[test]
fn tokens_are_passed_over_where_nobody_judges_them() {
    let guarded = guarded(memory().with(Principal::named("ada").grant("vault:use")));
    let (reply, _) = guarded.start(with_token("look", "whatever"), "[]");
    assert_eq!(text(reply.now_or_never().unwrap()), "1");
}

#[tokio::test]
async fn a_call_that_ends_before_the_verdict_never_starts() {
    let go_on = Arc::new(tokio::sync::Semaphore::new(0));
    let guarded = guarded(judged(&go_on));
    let (mut reply, _) = guarded.start(with_token("look", "may vault:use"), "[]");
    assert!((&mut reply).now_or_never().is_none());
    drop(reply);
    go_on.add_permits(1);
    tokio::task::yield_now().await;
    assert!(guarded.ran().is_empty());
}
