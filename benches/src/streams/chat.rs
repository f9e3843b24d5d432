//! The chat of the examples with 5,000 members in one room on 50 connections: what it costs to bring a line to
//! everybody, and how long that takes.

#[allow(missing_docs, missing_debug_implementations, unreachable_pub, dead_code, clippy::pedantic)]
#[path = "../../../examples/chat/service/mod.rs"]
mod service;

use std::{
    collections::HashMap,
    fmt::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use rpc_core::{Endpoint, Server};
use service::protocol::{ChatClient, Event};
use tokio::{sync::Notify, task::JoinSet, time::timeout};

use super::{ours, start};
use crate::{
    gauge::{self, median},
    plan::Effort,
    process::ServerProcess,
    runtime,
    transport::Listening,
};

const CONNECTIONS: usize = 50;
const MEMBERS: usize = 100;
const ROOM: &str = "lobby";

/// Members that talk, and lines that each says without waiting for the others: together fewer than the room keeps for
/// whoever is behind, so that nobody may be dropped.
const TALKERS: usize = 4;
const LINES: u64 = 50;

/// Lines of which each waits until everybody has the one before.
const ONE_BY_ONE: u64 = 100;

/// No step may take longer.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) async fn serve() -> Result<Listening> {
    let server = Server::new().limits(ours::limits()).with(service::chat());
    let running = server.start("127.0.0.1:0").await?;
    Ok(Listening::new(running.address().to_string(), running))
}

/// What all members together have seen.
#[derive(Default)]
struct Seen {
    count: AtomicU64,
    /// The count that somebody waits for.
    wanted: AtomicU64,
    reached: Notify,
}

impl Seen {
    fn add(&self) {
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if count == self.wanted.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }

    /// Resolves when so many are seen; to be called with growing counts, by one task.
    async fn reach(&self, wanted: u64) -> Result<()> {
        self.wanted.store(wanted, Ordering::SeqCst);
        let reached = async {
            while self.count.load(Ordering::SeqCst) < wanted {
                self.reached.notified().await;
            }
        };
        let waited = timeout(PATIENCE, reached).await;
        waited.with_context(|| {
            format!(
                "{} of {wanted} deliveries after {PATIENCE:?}",
                self.count.load(Ordering::SeqCst)
            )
        })
    }
}

/// A room full of members that read.
struct Crowd {
    clients: Vec<ChatClient>,
    /// Those of the members that talk.
    sessions: Vec<u64>,
    members: u64,
    joins: Arc<Seen>,
    lines: Arc<Seen>,
    said: u64,
    reading: JoinSet<Result<()>>,
}

impl Crowd {
    /// Lets all members in, one of each connection at a time: who joins is announced to all that are there.
    async fn gather(address: &str, members: usize) -> Result<Self> {
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let channel = Endpoint::new().limits(ours::limits()).connect(address).await?;
            clients.push(ChatClient::new(channel));
        }
        let mut crowd = Self {
            clients,
            sessions: Vec::new(),
            members: 0,
            joins: Arc::default(),
            lines: Arc::default(),
            said: 0,
            reading: JoinSet::new(),
        };
        let mut announced = 0;
        for row in 0..members {
            let joins = crowd
                .clients
                .iter()
                .enumerate()
                .map(|(column, client)| client.join(format!("member-{row}-{column}"), ROOM));
            for mut events in try_join_all(joins).await? {
                let Some(welcome) = events.next().await.transpose()? else {
                    bail!("a member was not welcomed");
                };
                let Event::Welcome { session, .. } = welcome else {
                    bail!("{welcome:?} is not a welcome");
                };
                if crowd.sessions.len() < TALKERS {
                    crowd.sessions.push(session);
                }
                // It sees those who come after it.
                announced += crowd.members;
                crowd.members += 1;
                let (joins, lines) = (Arc::clone(&crowd.joins), Arc::clone(&crowd.lines));
                crowd.reading.spawn(async move {
                    let mut talkers = HashMap::new();
                    while let Some(event) = events.next().await {
                        match event? {
                            Event::Joined(_) => joins.add(),
                            Event::Said(line) => {
                                let next = talkers.entry(line.nick).or_insert(0_u64);
                                ensure!(line.text == next.to_string(), "{}, not {next}", line.text);
                                *next += 1;
                                lines.add();
                            }
                            Event::Dropped { missed } => {
                                bail!("a member was dropped, {missed} behind")
                            }
                            other => bail!("nobody expected {other:?}"),
                        }
                    }
                    Ok(())
                });
            }
            let joins = Arc::clone(&crowd.joins);
            crowd.until(&joins, announced).await?;
        }
        Ok(crowd)
    }

    /// Waits until everybody has all that was said.
    async fn delivered(&mut self) -> Result<()> {
        let lines = Arc::clone(&self.lines);
        self.until(&lines, self.said * self.members).await
    }

    /// Waits until so much is seen; fails as soon as a member does.
    async fn until(&mut self, seen: &Seen, wanted: u64) -> Result<()> {
        tokio::select! {
            reached = seen.reach(wanted) => reached,
            Some(ended) = self.reading.join_next() => match ended? {
                Ok(()) => bail!("a member's stream has ended"),
                Err(error) => Err(error),
            },
        }
    }
}

/// Figures of one round.
#[derive(Default)]
struct Figures {
    /// Deliveries a second.
    rate: Vec<f64>,
    client: Vec<f64>,
    server: Vec<f64>,
    /// Seconds until everybody has a line.
    all: Vec<f64>,
}

impl Figures {
    async fn measure(&mut self, server: &ServerProcess, members: usize) -> Result<u64> {
        let mut crowd = Crowd::gather(server.address(), members).await?;
        let used =
            || anyhow::Ok((gauge::time_of(std::process::id())?, gauge::time_of(server.pid())?));
        let (before, began) = (used()?, Instant::now());
        let talking = crowd.sessions.iter().enumerate().map(|(talker, &session)| {
            let client = crowd.clients[talker].clone();
            async move {
                for line in 0..LINES {
                    client.say(session, line.to_string()).await?;
                }
                anyhow::Ok(())
            }
        });
        let talking = try_join_all(talking.collect::<Vec<_>>());
        crowd.said += LINES * TALKERS as u64;
        let (talked, delivered) = tokio::join!(talking, crowd.delivered());
        talked.and(delivered)?;
        let (after, seconds) = (used()?, began.elapsed().as_secs_f64());
        let deliveries = (crowd.said * crowd.members) as f64;
        self.rate.push(deliveries / seconds);
        self.client.push((after.0 - before.0).as_secs_f64() / deliveries);
        self.server.push((after.1 - before.1).as_secs_f64() / deliveries);
        for line in LINES..LINES + ONE_BY_ONE {
            let said = Instant::now();
            crowd.clients[0].say(crowd.sessions[0], line.to_string()).await?;
            crowd.said += 1;
            crowd.delivered().await?;
            self.all.push(said.elapsed().as_secs_f64());
        }
        Ok(crowd.members)
    }
}

/// Measures it, with a new server in each round. Every member checks that it has every line once, in the order in
/// which its author said it; one that is dropped ends the run.
///
/// # Errors
///
/// When the server cannot be started, a line is lost, or a member is.
pub fn chat(program: &Path, effort: Effort) -> Result<String> {
    let runtime = runtime::usual()?;
    let (mut figures, mut members) = (Figures::default(), 0);
    for _ in 0..effort.rounds {
        let server = start(program, "streams-chat")?;
        members = runtime.block_on(figures.measure(&server, MEMBERS / effort.divide))?;
    }
    let Figures { rate, client, server, mut all } = figures;
    all.sort_by(f64::total_cmp);
    let slowest = all[(all.len() - 1) * 99 / 100];
    let mut text = String::from("| chat | figure |\n|---|---|\n");
    writeln!(text, "| members of the room, on {CONNECTIONS} connections | {members} |")?;
    writeln!(text, "| deliveries | {:.2}M/s |", median(rate) / 1e6)?;
    writeln!(text, "| CPU per delivery, members | {:.0} ns |", median(client) * 1e9)?;
    writeln!(text, "| CPU per delivery, server | {:.0} ns |", median(server) * 1e9)?;
    writeln!(text, "| until everybody has a line, p50 | {:.2} ms |", median(all) * 1e3)?;
    writeln!(text, "| until everybody has a line, p99 | {:.2} ms |", slowest * 1e3)?;
    Ok(text)
}
