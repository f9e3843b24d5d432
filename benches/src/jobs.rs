//! What servers are asked to do: the values that travel and the work behind a call.
//!
//! One place for all transports, so that each has the same handler and sends the same values.
//! Knows nothing of any transport; the derives are those of their codecs.

use std::{
    cell::RefCell,
    collections::HashMap,
    hint, io,
    os::fd::{AsFd as _, OwnedFd},
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use dxr::{TryFromValue, TryToValue};
use nix::{
    sys::{
        time::TimeSpec,
        timerfd::{self, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
    time::ClockId,
};
use rpc_core::Schema;
use serde::{Deserialize, Serialize};
use tokio::io::{Interest, unix::AsyncFd};

/// An order as a shop would send it: nested structs, strings, and a vector.
#[derive(
    Clone, PartialEq, prost::Message, Serialize, Deserialize, Schema, TryFromValue, TryToValue,
)]
pub struct Order {
    /// Its number.
    #[prost(int64, tag = "1")]
    pub id: i64,
    /// When, in milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub placed: i64,
    /// Whether it is paid.
    #[prost(bool, tag = "3")]
    pub paid: bool,
    /// What the customer wants said.
    #[prost(string, tag = "4")]
    pub note: String,
    /// Who ordered.
    #[prost(message, required, tag = "5")]
    pub customer: Customer,
    /// What was ordered.
    #[prost(message, repeated, tag = "6")]
    pub items: Vec<Item>,
}

/// Who ordered.
#[derive(
    Clone, PartialEq, prost::Message, Serialize, Deserialize, Schema, TryFromValue, TryToValue,
)]
pub struct Customer {
    /// Their number.
    #[prost(int64, tag = "1")]
    pub id: i64,
    /// Their name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Where to write to.
    #[prost(string, tag = "3")]
    pub email: String,
    /// Where to send it.
    #[prost(message, required, tag = "4")]
    pub address: Address,
}

/// Where to send an order.
#[derive(
    Clone, PartialEq, prost::Message, Serialize, Deserialize, Schema, TryFromValue, TryToValue,
)]
pub struct Address {
    /// Street and number.
    #[prost(string, tag = "1")]
    pub street: String,
    /// The town.
    #[prost(string, tag = "2")]
    pub city: String,
    /// Its code.
    #[prost(string, tag = "3")]
    pub postcode: String,
    /// The country, in two letters.
    #[prost(string, tag = "4")]
    pub country: String,
}

/// One line of an order.
#[derive(
    Clone, PartialEq, prost::Message, Serialize, Deserialize, Schema, TryFromValue, TryToValue,
)]
pub struct Item {
    /// The article's number.
    #[prost(string, tag = "1")]
    pub sku: String,
    /// Its name.
    #[prost(string, tag = "2")]
    pub title: String,
    /// How many.
    #[prost(int32, tag = "3")]
    pub quantity: i32,
    /// The price of one.
    #[prost(int64, tag = "4")]
    pub cents: i64,
}

impl Order {
    /// The order that every client sends: 50 items.
    pub fn sample() -> Self {
        let item = |n: i32| Item {
            sku: format!("SKU-{:06}", n * 7919 % 1_000_000),
            title: format!("Widget, size {n}, brushed steel"),
            quantity: n % 9 + 1,
            cents: i64::from(n) * 137 + 999,
        };
        Self {
            id: 9_007_199_254,
            placed: 1_750_000_000_000,
            paid: true,
            note: "Please leave it with the neighbour if nobody is at home.".to_owned(),
            customer: Customer {
                id: 48_151_623,
                name: "Ada Lovelace".to_owned(),
                email: "ada@example.org".to_owned(),
                address: Address {
                    street: "12 St James's Square".to_owned(),
                    city: "London".to_owned(),
                    postcode: "SW1Y 4JH".to_owned(),
                    country: "GB".to_owned(),
                },
            },
            items: (0..ITEMS).map(item).collect(),
        }
    }

    /// Compares what a mix-up would change, not every byte: that would be measured with the call.
    pub fn resembles(&self, other: &Self) -> bool {
        self.id == other.id
            && self.customer.address == other.customer.address
            && self.items.len() == other.items.len()
            && self.items.last() == other.items.last()
    }
}

/// What a handler does before it answers with the amount that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Nothing: it is ready at its first poll.
    Ready,
    /// Yields once.
    Yield,
    /// Sleeps so many milliseconds, by tokio's timer: it wakes at a full millisecond, up to two later.
    Sleep(u32),
    /// Sleeps so many milliseconds, by a timer of the kernel's: it wakes then.
    SleepExactly(u32),
    /// Uses so many microseconds of CPU.
    Burn(u32),
    /// Looks a key up in a cache; one call in fifty misses and waits [`MISS`].
    Cached,
}

impl Work {
    /// What travels: which work, and its amount.
    pub fn request(self, call: u64) -> (u32, u32) {
        match self {
            Self::Ready => (READY, 20),
            Self::Yield => (YIELD, 20),
            Self::Sleep(ms) => (SLEEP, ms),
            Self::SleepExactly(ms) => (SLEEP_EXACTLY, ms),
            Self::Burn(us) => (BURN, us),
            Self::Cached if call % MISS_EVERY == MISS_EVERY - 1 => {
                (CACHED, KEYS.fetch_add(1, Ordering::Relaxed))
            }
            Self::Cached => (CACHED, (call % u64::from(HOT)) as u32),
        }
    }
}

/// The handler of all servers: does the work and gives the amount back.
pub async fn perform(kind: u32, amount: u32) -> i64 {
    match kind {
        YIELD => tokio::task::yield_now().await,
        SLEEP => tokio::time::sleep(Duration::from_millis(amount.into())).await,
        SLEEP_EXACTLY => {
            let slept = sleep_exactly(Duration::from_millis(amount.into())).await;
            return slept.map_or(-1, |()| amount.into());
        }
        BURN => burn(Duration::from_micros(amount.into())),
        CACHED => return lookup(amount).await,
        _ => {}
    }
    amount.into()
}

/// Sleeps until a timer of the kernel's fires.
async fn sleep_exactly(time: Duration) -> io::Result<()> {
    let kept = TIMERS.with_borrow_mut(Vec::pop);
    let timer = kept.map_or_else(Timer::new, Ok)?;
    timer.sleep(time).await?;
    TIMERS.with_borrow_mut(|timers| timers.push(timer));
    Ok(())
}

thread_local! {
    /// Timers that were used: making one costs more than a call. Bounded by: the calls in flight.
    static TIMERS: RefCell<Vec<Timer>> = const { RefCell::new(Vec::new()) };
}

/// A timer of the kernel's, with another descriptor of it that the runtime watches.
struct Timer {
    timer: TimerFd,
    fires: AsyncFd<OwnedFd>,
}

impl Timer {
    fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(timerfd::ClockId::CLOCK_MONOTONIC, flags)?;
        let fires = timer.as_fd().try_clone_to_owned()?;
        #[allow(
            deprecated,
            reason = "a descriptor that is owned stays open while it is registered"
        )]
        let fires = AsyncFd::with_interest(fires, Interest::READABLE)?;
        Ok(Self { timer, fires })
    }

    async fn sleep(&self, time: Duration) -> io::Result<()> {
        self.timer.set(Expiration::OneShot(TimeSpec::from(time)), TimerSetTimeFlags::empty())?;
        let mut fired = self.fires.readable().await?;
        self.timer.wait()?;
        fired.clear_ready();
        Ok(())
    }
}

/// Uses CPU for so long by the thread's own clock, so that other threads do not shorten it.
fn burn(time: Duration) {
    let now = || ClockId::CLOCK_THREAD_CPUTIME_ID.now().map_or(Duration::MAX, Duration::from);
    let end = now().saturating_add(time);
    while now() < end {
        for _ in 0..100 {
            hint::spin_loop();
        }
    }
}

/// A value from the cache, or after a wait from behind it.
async fn lookup(key: u32) -> i64 {
    static CACHE: LazyLock<Mutex<HashMap<u32, i64>>> = LazyLock::new(|| {
        let hot = (0..HOT).map(|key| (key, i64::from(key)));
        Mutex::new(hot.collect())
    });
    let cached = CACHE.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
    if let Some(value) = cached {
        return value;
    }
    tokio::time::sleep(MISS).await;
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    // Bounded by: what is not hot goes when there is much of it.
    if cache.len() > LARGEST_CACHE {
        cache.retain(|key, _| *key < HOT);
    }
    cache.insert(key, key.into());
    key.into()
}

/// How long the handler behind the cache takes.
pub const MISS: Duration = Duration::from_millis(10);

/// Often enough that the p99 is a miss for certain.
const MISS_EVERY: u64 = 50;
/// Keys that miss: none is asked for twice.
static KEYS: AtomicU32 = AtomicU32::new(HOT);
/// Keys that always hit.
const HOT: u32 = 64;
const LARGEST_CACHE: usize = 10_000;
const ITEMS: i32 = 50;

const READY: u32 = 0;
const YIELD: u32 = 1;
const SLEEP: u32 = 2;
const BURN: u32 = 3;
const CACHED: u32 = 4;
const SLEEP_EXACTLY: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_lost_an_item_does_not_resemble_the_whole() {
        let order = Order::sample();
        let mut less = order.clone();
        less.items.pop();
        assert!(order.resembles(&order.clone()) && !less.resembles(&order));
    }

    #[tokio::test]
    async fn all_work_answers_with_its_amount() {
        let sleeps = [Work::Sleep(1), Work::SleepExactly(1)];
        let all =
            [Work::Ready, Work::Yield, Work::Burn(50), Work::Cached].into_iter().chain(sleeps);
        for work in all {
            for call in [0, 99] {
                let (kind, amount) = work.request(call);
                assert_eq!(perform(kind, amount).await, i64::from(amount), "{work:?}");
            }
        }
    }
}
