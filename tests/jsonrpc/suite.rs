//! The cases of `cases.json`: a request's text, and what is to be answered.
//!
//! `expect` is one answer, or those of a batch in any order; without it there is nothing to be read but a status. An answer
//! is told by its id, as it is to be written, and by its result, or the code of its error with what `data`, `name` and
//! `execution` say of that.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{client::Client, ground};

#[derive(Debug, Deserialize)]
struct Case {
    about: String,
    send: String,
    #[serde(default = "fine")]
    status: u16,
    headers: Option<BTreeMap<String, String>>,
    expect: Option<Expect>,
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
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/jsonrpc/cases.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[tokio::test]
async fn every_case_is_answered_as_the_specification_says() {
    let cases = cases();
    assert!(cases.len() >= 120, "{} cases", cases.len());
    let (running, _) = ground::serve().await;
    let mut wrong = Vec::new();
    for case in &cases {
        let mut client = Client::connect(&running).await;
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
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
