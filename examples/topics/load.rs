//! A server in a process of its own, and clients that load it.

use std::{
    error::Error,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use rpc_cli::load::cpu;
use rpc_core::Endpoint;
use tokio::task::JoinSet;

use crate::{forum::TopicsClient, serve::Kept};

/// A server in another process, which ends with this value.
pub struct Remote {
    process: Child,
    /// Where it listens.
    pub address: String,
}

impl Remote {
    /// Starts this very program as a server.
    pub fn start(kept: &Kept) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", "127.0.0.1:0", "--cache", kept.cache.name()]);
        command.arg("--ttl").arg(kept.ttl.to_string());
        if kept.never_forget {
            command.arg("--never-forget");
        }
        if !kept.redis.is_empty() {
            command.args(["--redis", &kept.redis]);
        }
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        let address = address.trim().to_owned();
        let remote = Self { process, address };
        match remote.address.is_empty() {
            true => Err("the server did not start".into()),
            false => Ok(remote),
        }
    }

    /// CPU time that it has used.
    fn used(&self) -> Option<Duration> {
        cpu::time_of(self.process.id())
    }

    /// A client of it.
    pub async fn client(&self) -> Result<TopicsClient, Box<dyn Error + Send + Sync>> {
        Ok(TopicsClient::new(Endpoint::new().connect(self.address.as_str()).await?))
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        // It has nothing to say at its end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// How a server is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Programs that call; each has connections of its own.
    pub clients: usize,
    /// Connections of each.
    pub connections: usize,
    /// Calls in flight on each connection.
    pub in_flight: usize,
    /// Between two posts; none if nobody posts.
    pub posts: Option<Duration>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Lists that were given, a second.
    pub rate: f64,
    /// The time within which half of them were given, and 99 %.
    pub p50: Duration,
    pub p99: Duration,
    /// Cores that the clients were busy on, and the server.
    pub clients: f64,
    pub server: f64,
    /// The part of the lists that was not computed for its caller.
    pub hit_rate: f64,
    /// Reads that began after the reply of a write and did not see it.
    pub stale: usize,
}

type Failed = Box<dyn Error + Send + Sync>;

/// Loads a server for a time.
pub async fn load(remote: &Remote, shape: Shape, time: Duration) -> Result<Figures, Failed> {
    let over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..shape.clients {
        for _ in 0..shape.connections {
            let client = remote.client().await?;
            for _ in 0..shape.in_flight {
                callers.spawn(call(client.clone(), Arc::clone(&over)));
            }
        }
    }
    let own = || cpu::time_of(std::process::id());
    let (began, before) = (Instant::now(), (own(), remote.used()));
    let asked = remote.client().await?;
    let computed = asked.computed().await?;
    let stale = write(remote, shape.posts, time).await?;
    over.store(true, Ordering::Relaxed);
    let (took, after) = (began.elapsed(), (own(), remote.used()));
    let mut times = Vec::new();
    while let Some(caller) = callers.join_next().await {
        times.extend(caller??);
    }
    let computed = asked.computed().await? - computed;
    times.sort();
    let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied();
    let busy = |now: Option<Duration>, before: Option<Duration>| {
        now.zip(before).map_or(f64::NAN, |(now, before)| {
            now.saturating_sub(before).as_secs_f64() / took.as_secs_f64()
        })
    };
    Ok(Figures {
        rate: times.len() as f64 / took.as_secs_f64(),
        p50: at(0.5).unwrap_or_default(),
        p99: at(0.99).unwrap_or_default(),
        clients: busy(after.0, before.0),
        server: busy(after.1, before.1),
        hit_rate: 1.0 - (computed as f64 / times.len().max(1) as f64).min(1.0),
        stale,
    })
}

/// One caller: calls until it is over.
async fn call(client: TopicsClient, over: Arc<AtomicBool>) -> Result<Vec<Duration>, Failed> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let began = Instant::now();
        client.all().await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

/// Posts now and then, and looks whether that is seen; gives how often it was not.
async fn write(remote: &Remote, posts: Option<Duration>, time: Duration) -> Result<usize, Failed> {
    let Some(between) = posts else {
        tokio::time::sleep(time).await;
        return Ok(0);
    };
    let (writer, reader) = (remote.client().await?, remote.client().await?);
    let mut ticks = tokio::time::interval(between);
    let (began, mut stale) = (Instant::now(), 0);
    while began.elapsed() < time {
        ticks.tick().await;
        let number = writer.post(0, "ada", "a post").await?;
        let seen = reader.all().await?.iter().map(|topic| topic.last).max();
        stale += usize::from(seen < Some(number));
    }
    Ok(stale)
}

/// How long after its reply a post is not seen yet, for each of so many.
pub async fn staleness(remote: &Remote, posts: usize) -> Result<Vec<Duration>, Failed> {
    let (writer, reader) = (remote.client().await?, remote.client().await?);
    let mut all = Vec::with_capacity(posts);
    for _ in 0..posts {
        let number = writer.post(0, "ada", "a post").await?;
        let replied = Instant::now();
        let mut last = Duration::ZERO;
        loop {
            let began = replied.elapsed();
            let seen = reader.all().await?.iter().map(|topic| topic.last).max();
            if seen >= Some(number) {
                break;
            }
            last = began;
        }
        all.push(last);
    }
    all.sort();
    Ok(all)
}
