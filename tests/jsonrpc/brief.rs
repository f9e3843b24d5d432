//! Requests of JSON-RPC that say no more than what is called are read on a way of their own; nobody sees a difference.

use rpc_core::{Context, Http, Server, service};
use tests::{
    Playground,
    http::{Answer, Client, JSON, request},
};

use crate::ground::{serve, serve_with};

/// A header that says nothing here, for which a request is not brief.
const MORE: (&str, &str) = ("x", "1");

fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#)
}

/// An answer, but for its date.
fn said(mut answer: Answer) -> (u16, Vec<(String, String)>, String) {
    let date = answer.headers.remove("date").unwrap();
    assert_eq!((date.len(), &date[26..]), (29, "GMT"));
    (answer.status, answer.headers.into_iter().collect(), answer.body)
}

#[tokio::test]
async fn both_ways_give_the_same_answers() {
    let (running, _) = serve().await;
    let (add, none) = (call("Playground.add", "[1,2]"), call("Playground.none", "{}"));
    let bodies = [
        add.clone(),
        add.replace(",\"id\":1", ""),
        format!("[{add},{none}]"),
        none,
        call("Playground.add", "[1]"),
        call("rpc.discover", "[]"),
        "{".to_owned(),
        "1".to_owned(),
        "[]".to_owned(),
        String::new(),
    ];
    let mut brief = Client::connect(&running).await;
    let mut other = Client::connect(&running).await;
    for body in bodies {
        let answer = said(brief.post("/", &[JSON], &body).await);
        assert_eq!(answer, said(other.post("/", &[JSON, MORE], &body).await), "{body}");
    }
}

#[service]
trait Tally {
    /// Counts the calls of a connection.
    async fn count(&self, cx: &Context) -> u32;
}

struct Kept;

impl Tally for Kept {
    async fn count(&self, cx: &Context) -> u32 {
        let connection = cx.connection();
        let before = connection.state::<u32>().map_or(0, |count| *count);
        connection.insert(before + 1);
        before
    }
}

#[tokio::test]
async fn a_connection_goes_on_when_a_request_is_not_brief() {
    let (running, _) = serve_with(Server::new().with(TallyServer::new(Kept)), Http::new()).await;
    let count = call("Tally.count", "[]");
    let brief = request("POST", "/", &[JSON], &count);
    let others = [
        request("POST", "/", &[JSON, MORE], &count),
        request("POST", "/Tally.count", &[JSON], "[]"),
        request("POST", "/", &[JSON], &format!("{}{count}", " ".repeat(40_000))),
    ];
    for other in others {
        // One by one, all at once, and cut within the second that is brief, and within the one that is not.
        let all = [brief.clone(), brief.clone(), other, brief.clone(), brief.clone()];
        let text = all.concat();
        let within = [brief.len() + 9, 2 * brief.len() + 9, text.len() - 9];
        let cuts = within.map(|cut| text.split_at(cut)).map(|(one, rest)| vec![one, rest]);
        let each = all.iter().map(String::as_str).collect();
        for pieces in [each, vec![&*text]].into_iter().chain(cuts) {
            let mut client = Client::connect(&running).await;
            for piece in pieces {
                client.send(piece).await;
            }
            for number in 0..5 {
                let body = client.answer().await.unwrap().body;
                assert!(
                    body.trim() == number.to_string()
                        || body.contains(&format!("\"result\":{number}")),
                    "{body}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_behind_a_brief_request_is_judged_as_ever() {
    let (running, _) = serve().await;
    let brief = request("POST", "/", &[JSON], &call("Playground.add", "[1,2]"));
    for (status, next) in [
        (400, brief.replace("localhost", "a b")),
        (421, brief.replace("localhost", "evil.example")),
        (400, brief.replace("content-length", "content-length: 1\r\ncontent-length")),
        (400, brief.replace("\r\n", "\n")),
        (403, brief.replace("\r\nhost", "\r\norigin: http://evil.example\r\nhost")),
        (415, brief.replace("application/json", "text/plain")),
        (200, brief.clone()),
    ] {
        let mut client = Client::connect(&running).await;
        client.send(brief.clone() + &next).await;
        assert!(client.answer().await.unwrap().body.contains("\"result\":3"));
        assert_eq!(client.answer().await.unwrap().status, status, "{next}");
    }
}

#[tokio::test]
async fn a_drain_answers_what_runs_and_closes_who_waits() {
    let (running, toys) = serve().await;
    let mut idle = Client::connect(&running).await;
    assert_eq!(idle.post("/", &[JSON], &call("Playground.add", "[1,2]")).await.status, 200);
    let mut busy = Client::connect(&running).await;
    busy.send(request("POST", "/", &[JSON], &call("Playground.wait", "[]"))).await;
    toys.until_waiting(1).await;
    let shutdown = tokio::spawn(running.shutdown());
    assert!(idle.is_closed().await);
    // Nobody but this test lets the handler pass any more.
    Playground::open(&toys, 1).await;
    let answer = busy.answer().await.unwrap();
    assert!(answer.body.contains("\"result\":7"), "{answer:?}");
    assert_eq!(answer.headers["connection"], "close");
    assert!(busy.is_closed().await);
    shutdown.await.unwrap();
}

#[tokio::test]
async fn who_has_asked_is_no_longer_one_of_those_who_have_said_nothing() {
    let (running, _) = serve_with(Server::new().max_handshakes(2), Http::new()).await;
    let add = call("Playground.add", "[1,2]");
    let mut silent = Client::connect(&running).await;
    let mut one = Client::connect(&running).await;
    assert_eq!(one.post("/", &[JSON], &add).await.status, 200);
    let mut other = Client::connect(&running).await;
    assert_eq!(other.post("/", &[JSON], &add).await.status, 200);
    // Otherwise it would have had to go as the oldest of three.
    assert_eq!(silent.post("/", &[JSON], &add).await.status, 200);
}
