//! Callers that call without a pause, and a line which says what they see.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::{AbortHandle, JoinHandle};

use super::server::ShopClient;

/// How many call at once.
const CALLERS: u32 = 32;

/// What was seen in a while.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    /// Calls that each of the servers has answered.
    answered: [u32; 3],
    failed: u32,
}

/// What was seen, and by which processes.
#[derive(Default)]
struct Book {
    lately: Seen,
    servers: [u32; 3],
    answered: u64,
    failed: u64,
}

/// All that was seen.
pub(crate) struct Told {
    answered: u64,
    pub(crate) failed: u64,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} calls were answered, {} failed", self.answered, self.failed)
    }
}

pub(crate) struct Callers {
    book: Arc<Mutex<Book>>,
    over: Arc<AtomicBool>,
    calling: Vec<JoinHandle<()>>,
}

fn open(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Callers {
    pub(crate) fn begin(shop: ShopClient, servers: impl Iterator<Item = u32>) -> Self {
        let (book, over) = (Arc::<Mutex<Book>>::default(), Arc::<AtomicBool>::default());
        for (place, server) in open(&book).servers.iter_mut().zip(servers) {
            *place = server;
        }
        let calling = (0..CALLERS).map(|item| {
            let (shop, book, over) = (shop.clone(), Arc::clone(&book), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let reply = shop.price(item).timeout(Duration::from_secs(10)).await;
                    let mut book = open(&book);
                    book.lately.times.push(began.elapsed());
                    match reply {
                        Ok((_, server)) => {
                            book.answered += 1;
                            if let Some(index) = book.servers.iter().position(|one| *one == server)
                            {
                                book.lately.answered[index] += 1;
                            }
                        }
                        Err(error) => {
                            eprintln!("{error}");
                            book.failed += 1;
                            book.lately.failed += 1;
                        }
                    }
                }
            })
        });
        let calling = calling.collect();
        Self { book, over, calling }
    }

    /// The server at this place is another process now.
    pub(crate) fn knows(&self, index: usize, server: u32) {
        open(&self.book).servers[index] = server;
    }

    pub(crate) async fn end(self) -> Told {
        self.over.store(true, Ordering::Relaxed);
        for caller in self.calling {
            let _ = caller.await;
        }
        let book = open(&self.book);
        Told { answered: book.answered, failed: book.failed }
    }
}

/// Says from time to time what callers saw.
pub(crate) struct Line {
    says: Arc<Mutex<&'static str>>,
    task: AbortHandle,
}

impl Line {
    pub(crate) fn follow(callers: &Callers, pace: Duration) -> Self {
        let says: Arc<Mutex<&'static str>> = Arc::default();
        let (book, saying) = (Arc::clone(&callers.book), Arc::clone(&says));
        println!("     time   calls/s  failed      p50      p99     a    b    c");
        let task = tokio::spawn(async move {
            let began = Instant::now();
            let mut ticks = tokio::time::interval(pace);
            ticks.tick().await;
            loop {
                ticks.tick().await;
                let seen = std::mem::take(&mut open(&book).lately);
                let says =
                    std::mem::take(&mut *saying.lock().unwrap_or_else(PoisonError::into_inner));
                println!("{}  {says}", line(began.elapsed(), seen, pace));
            }
        });
        Self { says, task: task.abort_handle() }
    }

    /// Says this in the next line.
    pub(crate) fn says(&self, what: &'static str) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn line(at: Duration, mut seen: Seen, pace: Duration) -> String {
    seen.times.sort_unstable();
    let part = |percent: usize| {
        let index = (seen.times.len() * percent / 100).min(seen.times.len().saturating_sub(1));
        seen.times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let all = seen.answered.iter().sum::<u32>().max(1);
    let shares = seen.answered.map(|one| format!("{:3}%", one * 100 / all)).join(" ");
    format!(
        "{:7.1} s  {:8.0}  {:6}  {:4.1} ms  {:4.1} ms  {shares}",
        at.as_secs_f64(),
        seen.times.len() as f64 / pace.as_secs_f64(),
        seen.failed,
        part(50),
        part(99),
    )
}
