//! Tokens and permissions hold over HTTP as they do over the protocol of this crate.

use rpc_core::{Context, Credentials, Http, Principal, Server, service};

use tests::http::{Client, JSON};

use crate::ground::serve_with;

#[service]
trait Orders {
    async fn who(&self, cx: &Context) -> String;
    #[rpc(requires = "orders:write")]
    async fn cancel(&self, number: u64) -> u64;
}

struct Book;

impl Orders for Book {
    async fn who(&self, cx: &Context) -> String {
        format!("{:?}", cx.identity())
    }

    async fn cancel(&self, number: u64) -> u64 {
        number
    }
}

/// Knows ada, who may write, and bob, who may not; whoever shows nothing is somebody if `open`.
fn server(anybody: Result<(), &'static str>) -> Server {
    let judge = move |credentials: Credentials| {
        let token = credentials.token.as_ref().and_then(|token| token.as_str());
        let verdict = match token {
            Some("a-token") => Ok(Principal::named("ada").grant("orders:*")),
            Some("b-token") => Ok(Principal::named("bob")),
            Some(_) => Err("nobody has this token".into()),
            None => anybody.map(|()| Principal::named("anybody")).map_err(Into::into),
        };
        std::future::ready(verdict)
    };
    Server::new().with(OrdersServer::new(Book)).authenticate(judge)
}

#[tokio::test]
async fn a_token_says_for_whom_a_call_is_made() {
    let (running, _) = serve_with(server(Ok(())), Http::new()).await;
    // All on one connection, as from a proxy.
    let mut client = Client::connect(&running).await;
    let ada = ("authorization", "Bearer a-token");
    let bob = ("authorization", "Bearer b-token");
    let eve = ("authorization", "Bearer e-token");
    let rows = [
        (Some(ada), "/Orders.who", 200, "ada"),
        (Some(bob), "/Orders.who", 200, "bob"),
        (None, "/Orders.who", 200, "anybody"),
        (Some(eve), "/Orders.who", 401, "nobody has this token"),
        (Some(ada), "/Orders.cancel", 200, "7"),
        (Some(bob), "/Orders.cancel", 403, "requires orders:write"),
        (None, "/Orders.cancel", 403, "requires orders:write"),
        (Some(eve), "/Orders.cancel", 401, "nobody has this token"),
    ];
    for (token, path, status, says) in rows {
        let headers: Vec<_> = [JSON].into_iter().chain(token).collect();
        let body = if path.ends_with("cancel") { "[7]" } else { "" };
        let answer = client.post(path, &headers, body).await;
        assert_eq!(answer.status, status, "{token:?} {path} {answer:?}");
        assert!(answer.body.contains(says), "{token:?} {path} {answer:?}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
        let method = path.trim_start_matches('/');
        let params = if body.is_empty() { "[]" } else { body };
        let call = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#);
        let answer = client.post("/", &headers, &call).await;
        assert_eq!(answer.status, 200);
        let code = match status {
            401 => "-32016",
            403 => "-32007",
            _ => "\"result\"",
        };
        assert!(answer.body.contains(code), "{token:?} {path} {answer:?}");
    }
}

#[tokio::test]
async fn who_shows_nothing_is_refused_where_the_authenticator_says_so() {
    let (running, _) = serve_with(server(Err("show a token")), Http::new()).await;
    let mut client = Client::connect(&running).await;
    let call = r#"{"jsonrpc":"2.0","method":"Orders.who","id":1}"#;
    for (path, body) in [("/Orders.who", ""), ("/", call)] {
        let answer = client.post(path, &[JSON], body).await;
        assert!(answer.status == 401 && answer.body.contains("show a token"), "{answer:?}");
        let ada = ("authorization", "bearer a-token");
        let answer = client.post(path, &[JSON, ada], body).await;
        assert!(answer.status == 200 && answer.body.contains("ada"), "{answer:?}");
    }
    assert_eq!(client.get("/openrpc.json").await.status, 401);
    assert_eq!(client.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn what_there_is_is_described_to_those_who_may_know_it() {
    let server = server(Ok(())).reflection_requires("orders:read");
    let (running, _) = serve_with(server, Http::new()).await;
    let discover = r#"{"jsonrpc":"2.0","method":"rpc.discover","id":1}"#;
    for (token, status, says) in
        [("a-token", 200, "Orders.cancel"), ("b-token", 403, "-32007"), ("e-token", 401, "-32016")]
    {
        let mut client = Client::connect(&running).await;
        let token = format!("Bearer {token}");
        let token = ("authorization", &*token);
        let answer = client.post("/", &[JSON, token], discover).await;
        assert!(answer.body.contains(says), "{answer:?}");
        client.send(tests::http::request("GET", "/openrpc.json", &[token], "")).await;
        let answer = client.answer().await.unwrap();
        assert!(answer.status == status && answer.body.contains(says), "{answer:?}");
    }
}
