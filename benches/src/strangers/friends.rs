//! Clients that are well, one of each face: each makes a call a millisecond, for as long as the bench goes on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use ::tests::{
    PlaygroundClient,
    http::{Client, JSON},
    socket::Socket,
};
use anyhow::{Context as _, Result, ensure};
use parking_lot::Mutex;
use rpc_core::{Endpoint, tls::ClientTls};
use serde_json::json;
use tokio::{task::JoinHandle, time::MissedTickBehavior};

/// What one of them has seen.
pub(super) use crate::gauge::Latencies as Seen;

/// How often each calls.
const PACE: Duration = Duration::from_millis(1);

/// How long a call may take before its client counts as not served.
const PATIENCE: Duration = Duration::from_secs(20);

enum Friend {
    Protocol(PlaygroundClient),
    Http(Client),
    Texts(Box<Socket>),
}

impl Friend {
    async fn add(&mut self) -> Result<()> {
        match self {
            Self::Protocol(client) => ensure!(client.add(1, 2).await? == 3),
            Self::Http(client) => {
                let call = r#"{"jsonrpc":"2.0","method":"Playground.add","params":[1,2],"id":1}"#;
                let answer = client.post("/", &[JSON], call).await;
                ensure!(answer.body.contains("\"result\":3"), "{answer:?}");
            }
            Self::Texts(socket) => {
                socket.call(1, "Playground.add", "[1,2]").await;
                ensure!(socket.json().await == json!({"jsonrpc": "2.0", "id": 1, "result": 3}));
            }
        }
        Ok(())
    }
}

/// One that calls.
struct Calling {
    name: &'static str,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<Result<()>>,
}

/// All of them, while they call.
pub(super) struct Friends {
    each: Vec<Calling>,
    stop: Arc<AtomicBool>,
}

impl Friends {
    /// Connects one of each face that there is a client for.
    pub(super) async fn begin(place: &str, authority: Option<&str>) -> Result<Self> {
        let mut friends = Self { each: Vec::new(), stop: Arc::default() };
        let Some(authority) = authority else {
            let protocol = |address: String| PlaygroundClient::connect(address);
            let raw = Friend::Protocol(protocol(place.to_owned()).await?);
            friends.add("the protocol", raw)?;
            friends.add("JSON-RPC over HTTP", Friend::Http(Client::dial(place).await))?;
            let frames = Friend::Protocol(protocol(format!("ws:{place}")).await?);
            friends.add("the protocol in a WebSocket", frames)?;
            friends.add(
                "JSON-RPC in a WebSocket",
                Friend::Texts(Box::new(Socket::dial(place).await)),
            )?;
            return Ok(friends);
        };
        let endpoint = Endpoint::new().tls(ClientTls::roots_pem(authority)?);
        for (name, scheme) in [("the protocol in TLS", "tls:"), ("in a WebSocket in TLS", "wss:")] {
            let channel = endpoint.connect(format!("{scheme}{place}")).await?;
            friends.add(name, Friend::Protocol(PlaygroundClient::new(channel)))?;
        }
        Ok(friends)
    }

    fn add(&mut self, name: &'static str, mut friend: Friend) -> Result<()> {
        let seen = Arc::new(Mutex::new(Seen::new()?));
        let (own, stop) = (Arc::clone(&seen), Arc::clone(&self.stop));
        let task = tokio::spawn(async move {
            let mut pace = tokio::time::interval(PACE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
            while !stop.load(Relaxed) {
                pace.tick().await;
                let sent = Instant::now();
                let called = tokio::time::timeout(PATIENCE, friend.add()).await;
                called.with_context(|| format!("{name} is not served"))??;
                own.lock().add(sent.elapsed());
            }
            Ok(())
        });
        self.each.push(Calling { name, seen, task });
        Ok(())
    }

    pub(super) fn count(&self) -> u64 {
        self.each.len() as u64
    }

    /// What each has seen since this was last asked.
    pub(super) fn seen(&self) -> Result<Vec<Seen>> {
        let each = self.each.iter();
        each.map(|one| Ok(std::mem::replace(&mut *one.seen.lock(), Seen::new()?))).collect()
    }

    /// Ends them; gives their names.
    pub(super) async fn end(self) -> Result<Vec<&'static str>> {
        self.stop.store(true, Relaxed);
        let mut names = Vec::new();
        for one in self.each {
            one.task.await??;
            names.push(one.name);
        }
        Ok(names)
    }
}
