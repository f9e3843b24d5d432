//! What `rpc schema diff` says of a change is what happens: old callers against a new server, and a new server that calls
//! old clients back, in both codecs. A change breaks if a call fails, or if the other side has another value than was sent.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub, reason = "a test fails by it")]

mod agreement;
mod methods;
mod types;

use std::collections::BTreeMap;

use rpc_core::{
    Channel, Context, Endpoint, Server,
    schema::{Answers, Document, Rule, ServiceSchema, changes},
    service,
};

/// What happened to the calls of one method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outcome {
    broke_bincode: bool,
    broke_json: bool,
}

/// Hands a channel to its caller to the test.
#[service]
trait Door {
    async fn enter(&self, cx: &Context);
}

struct Guest(tokio::sync::mpsc::UnboundedSender<Channel>);

impl Door for Guest {
    async fn enter(&self, cx: &Context) {
        self.0.send(cx.peer()).unwrap();
    }
}

/// A channel from a server back to a client that answers as `endpoint` does; with what keeps the connection.
async fn back_to(endpoint: Endpoint) -> (Channel, DoorClient) {
    let (send, mut guests) = tokio::sync::mpsc::unbounded_channel();
    let door =
        DoorClient::new(endpoint.in_memory(Server::new().with(DoorServer::new(Guest(send)))));
    door.enter().await.unwrap();
    (guests.recv().await.unwrap(), door)
}

/// Holds verdicts to what happened, method by method.
#[track_caller]
fn hold(
    old: &[&ServiceSchema],
    new: &[&ServiceSchema],
    answers: Answers,
    happened: &BTreeMap<String, Outcome>,
) {
    let document = |all: &[&ServiceSchema]| Document::new(all.iter().copied().cloned().collect());
    let (old, new) = (document(old), document(new));
    let found = changes(&old, &new, answers);
    let mut wrong = Vec::new();
    for (path, outcome) in happened {
        let own = || found.iter().filter(|change| change.path == *path);
        let verdict = Outcome {
            broke_bincode: own().any(|change| change.breaks_bincode),
            broke_json: own().any(|change| change.breaks_json),
        };
        if verdict != *outcome {
            let told: Vec<_> = own().map(|change| (&change.what, change.breaks_json)).collect();
            wrong.push(format!("{path}: {outcome:?}, but told {told:?}"));
        }
        // Each is an evolution: something is told of it, at least to those who may leave fields out.
        let told = own().next().is_some();
        assert!(told || answers == Answers::Clients, "nothing is told of {path}");
    }
    assert!(wrong.is_empty(), "{answers:?}:\n{}", wrong.join("\n"));
}

/// How many changes were tried, and by which rules they are told.
#[test]
fn most_rules_are_tried() {
    let (old, new) = (types::old::schemas(), types::new::schemas());
    let (older, newer) = (methods::old::schemas(), methods::new::schemas());
    let document = |one: &[&'static ServiceSchema], other: &[&'static ServiceSchema]| {
        Document::new(one.iter().chain(other).copied().cloned().collect())
    };
    let (old, new) = (document(&old, &older), document(&new, &newer));
    let mut rules: Vec<Rule> =
        changes(&old, &new, Answers::Server).into_iter().map(|change| change.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    // Services come and go without calls, order and repetition are no matter of one call, and permissions are tried where they
    // are given.
    let untried = [
        Rule::ServiceAdded,
        Rule::ServiceRemoved,
        Rule::OrderAdded,
        Rule::OrderRemoved,
        Rule::Deprecated,
        Rule::PermissionAdded,
        Rule::PermissionRemoved,
        Rule::RepetitionAdded,
        Rule::RepetitionRemoved,
    ];
    let missing: Vec<_> =
        Rule::ALL.iter().filter(|rule| !rules.contains(rule) && !untried.contains(rule)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let evolutions = types::COUNT * 2 + methods::COUNT;
    assert!(evolutions >= 75, "{evolutions}");
}
