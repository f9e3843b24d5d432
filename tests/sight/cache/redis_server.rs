//! A real `redis-server` of the test's own, on a free port.

use std::{
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    process::Stdio,
    time::Duration,
};

use rpc_core::layer::Redis;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

pub(crate) struct RedisServer {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl RedisServer {
    /// Starts one; `None`, said in words, where there is none to start. It has to be there if `REQUIRE_REDIS` is set.
    pub(crate) async fn start() -> Option<Self> {
        let present = std::process::Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok();
        if !present {
            assert!(std::env::var_os("REQUIRE_REDIS").is_none(), "redis-server is not installed");
            let words =
                "skipped: redis-server is not installed (Debian: apt-get install redis-server)\n";
            // Past the harness, which keeps what tests that pass print.
            std::io::stderr().write_all(words.as_bytes()).unwrap();
            return None;
        }
        loop {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            if let Some(started) = Self::at(port).await {
                return Some(started);
            }
        }
    }

    /// Starts one on this port; `None` if another program has taken it.
    async fn at(port: u16) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--port").arg(port.to_string()).arg("--dir").arg(folder.path());
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("Ready to accept connections") {
                // It goes on writing: somebody has to read.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Some(Self { child, port, _folder: folder });
            }
        }
        None
    }

    /// As programs name it.
    pub(crate) fn redis(&self) -> Redis {
        let redis = Redis::at(&format!("redis://127.0.0.1:{}", self.port)).unwrap();
        // What is tested is not a machine that is busy with other things.
        redis.patience(Duration::from_secs(30))
    }

    /// Ends it, at once.
    pub(crate) async fn stop(mut self) -> Stopped {
        self.child.kill().await.unwrap();
        Stopped(self.port)
    }

    async fn command(&self, command: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Throws everything away.
    pub(crate) async fn flush(&self) {
        assert!(self.command("FLUSHALL").await.starts_with("+OK"));
    }

    /// Cuts all connections.
    pub(crate) async fn cut(&self) {
        assert!(self.command("CLIENT KILL TYPE normal SKIPME yes").await.starts_with(':'));
    }

    /// How many of each command it has done, those apart that ask for this; by name.
    pub(crate) async fn commands(&self) -> Vec<(String, u64)> {
        let answer = self.command("INFO commandstats").await;
        let lines = answer.lines().filter_map(|line| line.strip_prefix("cmdstat_"));
        let counts = lines.map(|line| {
            let (name, rest) = line.split_once(":calls=").unwrap();
            (name.to_owned(), rest.split(',').next().unwrap().parse().unwrap())
        });
        counts.filter(|(name, _)| name != "info" && name != "quit").collect()
    }
}

/// One that was ended, and its port.
pub(crate) struct Stopped(u16);

impl Stopped {
    /// Starts an empty one in its place.
    pub(crate) async fn start(self) -> RedisServer {
        loop {
            if let Some(started) = RedisServer::at(self.0).await {
                return started;
            }
        }
    }
}
