//! A server of the fleet, and the process that it is.

use std::{
    error::Error,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rpc_core::{Server, service};

#[service]
pub(crate) trait Shop {
    /// The price of an item, and the process that said it.
    #[rpc(idempotent)]
    async fn price(&self, item: u32) -> (u32, u32);
    /// Takes so many times as long from here on.
    async fn slow(&self, times: u32);
    /// Ends the server in good order.
    async fn end(&self);
}

#[derive(Clone)]
struct Corner {
    times: Arc<AtomicU32>,
    end: Arc<tokio::sync::Notify>,
}

impl Shop for Corner {
    async fn price(&self, item: u32) -> (u32, u32) {
        let times = self.times.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(2) * times).await;
        (item * 3, std::process::id())
    }

    async fn slow(&self, times: u32) {
        self.times.store(times, Ordering::Relaxed);
    }

    async fn end(&self) {
        self.end.notify_one();
    }
}

/// Serves until it is told to end.
pub(crate) async fn serve(address: &str) -> Result<(), Box<dyn Error>> {
    let corner = Corner { times: Arc::new(AtomicU32::new(1)), end: Arc::default() };
    let end = Arc::clone(&corner.end);
    let running = Server::new().with(ShopServer::new(corner)).start(address).await?;
    println!("{}", running.address());
    end.notified().await;
    running.shutdown().await;
    Ok(())
}

/// A server in a process of its own.
pub(crate) struct ServerProcess {
    pub(crate) address: String,
    process: Child,
}

impl ServerProcess {
    pub(crate) async fn start(address: &str) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["server", address])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let said = process.stdout.take().ok_or("it has no output")?;
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(said).read_line(&mut line).map(|_| line)
        });
        let address = read.await??.trim().to_owned();
        match address.is_empty() {
            true => Err("a server did not start".into()),
            false => Ok(Self { address, process }),
        }
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as the power would.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Ends it in good order.
    pub(crate) async fn end(&mut self) -> Result<(), Box<dyn Error>> {
        ShopClient::connect(self.address.as_str()).await?.end().await?;
        while self.process.try_wait()?.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Starts it again, at the same address.
    pub(crate) async fn restart(&mut self) -> Result<(), Box<dyn Error>> {
        *self = Self::start(&self.address.clone()).await?;
        Ok(())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}
