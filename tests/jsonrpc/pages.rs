//! What browsers read: the client, the explorer, the program's own pages.

use rpc_core::{Http, Server, service};
use tests::http::{Client, request};

use crate::ground::serve_with;

#[service]
trait News {
    async fn tell(&self, headline: String);
}

#[tokio::test]
async fn the_port_serves_a_client_of_its_services() {
    let (running, _) = serve_with(Server::new(), Http::new().calls(NewsClient::schema())).await;
    let mut client = Client::connect(&running).await;
    let script = client.get("/client.js").await;
    assert_eq!(script.status, 200);
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    assert!(script.body.is_ascii() && script.body.contains(" as Playground"));
    assert!(script.body.contains(" as newsHandler"));
    // The service that describes is for programs.
    assert!(!script.body.contains(" as Reflection"));
    let declared = client.get("/client.d.ts").await;
    assert_eq!(declared.headers["content-type"], "text/plain; charset=utf-8");
    assert!(declared.body.contains("export declare class Tour"));
    client.send(request("HEAD", "/client.js", &[], "")).await;
    let (status, headers) = client.head().await.unwrap();
    assert_eq!((status, &*headers["content-length"]), (200, &*script.body.len().to_string()));
}

#[tokio::test]
async fn pages_on_the_same_machine_may_import_it_and_those_elsewhere_where_they_are_let_in() {
    let http = Http::new().allow_origin("https://app.example");
    let (running, _) = serve_with(Server::new(), http).await;
    for (origin, status) in [
        ("http://localhost:8000", 200),
        ("https://app.example", 200),
        ("https://evil.example", 403),
        ("null", 403),
    ] {
        let mut client = Client::connect(&running).await;
        client.send(request("GET", "/client.js", &[("origin", origin)], "")).await;
        let answer = client.answer().await.unwrap();
        assert_eq!(answer.status, status, "{origin}");
        let allowed = answer.headers.get("access-control-allow-origin").map(String::as_str);
        assert_eq!(allowed, (status == 200).then_some(origin));
    }
}

#[tokio::test]
async fn what_describes_the_services_is_for_those_who_may_know_them() {
    let (quiet, _) = serve_with(Server::new().without_reflection(), Http::new()).await;
    let (guarded, _) = serve_with(Server::new().reflection_requires("list"), Http::new()).await;
    for (running, status) in [(&quiet, 501), (&guarded, 401)] {
        let mut client = Client::connect(running).await;
        for path in ["/client.js", "/client.d.ts", "/explorer/services.json"] {
            assert_eq!(client.get(path).await.status, status, "{path}");
        }
        assert_eq!(client.get("/").await.status, 200);
    }
}

#[tokio::test]
async fn the_explorer_is_there_unless_it_is_left_out() {
    let (running, _) = serve_with(Server::new().name("toys"), Http::new()).await;
    let mut client = Client::connect(&running).await;
    let page = client.get("/").await;
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(page.headers["content-security-policy"].starts_with("default-src 'self';"));
    let script = client.get("/explorer/main.js").await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
    let services = client.get("/explorer/services.json").await;
    let services: serde_json::Value = serde_json::from_str(&services.body).unwrap();
    assert_eq!(services["title"], "toys");
    assert!(services["services"].as_array().unwrap().iter().any(|one| one["name"] == "Tour"));

    let (running, _) = serve_with(Server::new(), Http::new().without_explorer()).await;
    let mut client = Client::connect(&running).await;
    for path in ["/", "/explorer/main.js", "/explorer/services.json"] {
        assert_eq!(client.get(path).await.status, 405, "{path}");
    }
}

#[tokio::test]
async fn the_program_has_pages_of_its_own() {
    let page = "<!doctype html><script type=module src=/app.js></script>";
    let http = Http::new().file("/", "text/html", page).file("/logo.png", "image/png", &[1, 2][..]);
    let (running, _) = serve_with(Server::new(), http).await;
    let mut client = Client::connect(&running).await;
    let answer = client.get("/").await;
    assert_eq!((answer.status, &*answer.body), (200, page));
    assert!(answer.headers["content-security-policy"].contains("frame-ancestors 'none'"));
    let answer = client.get("/logo.png").await;
    assert_eq!((&*answer.headers["content-type"], &*answer.body), ("image/png", "\u{1}\u{2}"));
}
