//! The cases of `jsonrpc/cases.json` for any server of JSON-RPC: a request's text, and what is to be answered.
//!
//! `expect` is one answer, or those of a batch in any order; without it there is nothing to be read but a status. Over a
//! WebSocket `websocket` takes its place where it is there, and cases with headers are left out. An answer
//! is told by its id, as it is to be written, and by its result, or the code of its error with what `data`, `name` and
//! `execution` say of that.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tokio::time::timeout;

use crate::{http::Client, socket::Socket};

/// A request, and what is to come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    about: String,
    send: String,
    #[serde(default = "fine")]
    status: u16,
    headers: Option<BTreeMap<String, String>>,
    expect: Option<Expect>,
    /// What is to come of it over a WebSocket, where that is something else; an empty list is nothing.
    websocket: Option<Expect>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Expect {
    Batch(Vec<Expected>),
    Single(Box<Expected>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    id: String,
    #[serde(default, deserialize_with = "there")]
    result: Option<Value>,
    code: Option<i64>,
    data: Option<Value>,
    name: Option<String>,
    execution: Option<String>,
}

/// An answer, whose members are all there are.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer<'t> {
    jsonrpc: String,
    #[serde(borrow)]
    id: &'t RawValue,
    #[serde(default, deserialize_with = "there")]
    result: Option<Value>,
    error: Option<Failed>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Failed {
    code: i64,
    message: String,
    data: Option<Value>,
}

const fn fine() -> u16 {
    200
}

/// A value that is null is there, too.
fn there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Expected {
    fn fits(&self, answer: &Answer<'_>) -> bool {
        let error = answer.error.as_ref();
        let data = error.and_then(|error| error.data.as_ref());
        let said = |name: &str| data.and_then(|data| data.get(name)).and_then(Value::as_str);
        answer.jsonrpc == "2.0"
            && answer.id.get() == self.id
            && answer.result == self.result
            && error.map(|error| error.code) == self.code
            && error.is_none_or(|error| !error.message.is_empty())
            && (self.data.is_none() || self.data.as_ref() == data)
            && (self.name.is_none() || self.name.as_deref() == said("name"))
            && (self.execution.is_none() || self.execution.as_deref() == said("execution"))
    }
}

impl Expect {
    /// No answers at all.
    const fn is_nothing(&self) -> bool {
        matches!(self, Self::Batch(each) if each.is_empty())
    }

    fn fits(&self, body: &str) -> bool {
        match self {
            Self::Single(expected) => {
                serde_json::from_str(body).is_ok_and(|answer| expected.fits(&answer))
            }
            Self::Batch(each) => {
                let answers: Result<Vec<Answer<'_>>, _> = serde_json::from_str(body);
                let Ok(mut answers) = answers else { return false };
                each.iter().all(|expected| {
                    let at = answers.iter().position(|answer| expected.fits(answer));
                    at.map(|at| answers.remove(at)).is_some()
                }) && answers.is_empty()
            }
        }
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../jsonrpc/cases.json")).expect("the cases are JSON")
}

/// How many cases a server has passed, and what was wrong with the others.
#[derive(Debug)]
pub struct Score {
    /// The cases.
    pub of: usize,
    /// What was wrong, a line for each that has failed.
    pub wrong: Vec<String>,
}

/// Sends every case by POST to a server of the services of these tests, at `host:port`.
///
/// # Panics
/// There is none.
pub async fn over_http(address: &str) -> Score {
    let cases = cases();
    let mut wrong = Vec::new();
    for case in &cases {
        let mut client = Client::dial(address).await;
        let json = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
        let headers = case.headers.as_ref().unwrap_or(&json);
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let answer = client.post("/", &headers, &case.send).await;
        let fits = match &case.expect {
            Some(expect) => expect.fits(&answer.body),
            None => case.status != 204 || answer.body.is_empty(),
        };
        if answer.status != case.status || !fits {
            wrong.push(format!("{}: {answer:?}, not {:?}", case.about, case.expect));
        }
    }
    Score { of: cases.len(), wrong }
}

/// Sends every case without headers as a text over a WebSocket of its own, and a call behind it by which it is seen that
/// nothing else comes.
///
/// # Panics
/// There is no server.
pub async fn over_websocket(address: &str) -> Score {
    let cases: Vec<_> = cases().into_iter().filter(|case| case.headers.is_none()).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let mut socket = Socket::dial(address).await;
        socket.send(&case.send).await;
        socket.send(LAST).await;
        let expect = case.websocket.as_ref().or(case.expect.as_ref());
        let expect = expect.filter(|expect| !expect.is_nothing());
        let (mut answers, mut last) = (Vec::new(), false);
        while !last || answers.len() < usize::from(expect.is_some()) {
            let Ok(Some(text)) = timeout(PATIENCE, socket.text()).await else { break };
            if text.contains("\"last\"") {
                last = true;
            } else if !text.contains("\"method\"") {
                answers.push(text);
            } else if text.contains("Guide.double") {
                // What a server asks its caller.
                socket.send(r#"{"jsonrpc":"2.0","result":8,"id":0}"#).await;
            }
        }
        let fits = match (&*answers, expect) {
            ([], None) => last,
            ([answer], Some(expect)) => last && expect.fits(answer),
            _ => false,
        };
        if !fits {
            wrong.push(format!("{}: {answers:?}, not {expect:?}", case.about));
        }
    }
    Score { of: cases.len(), wrong }
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

const LAST: &str = r#"{"jsonrpc":"2.0","method":"Playground.add","params":[1,2],"id":"last"}"#;
