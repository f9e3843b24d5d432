//! The closed loop: tasks that each make one call after another on a shared connection.
//!
//! Comes in: a `Caller` and the lanes. Goes out: one tally a lane. Every answer is checked, so a
//! transport that does nothing cannot win.

use std::{future::Future, sync::Arc};

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use rpc_cli::load::record::{Recorder, Tally};
use tokio::task::JoinSet;

use super::{Link, operands};
use crate::{
    jobs::Order,
    meter::{DIGITS, Meter, Phase, SHARDS, stopwatch},
    plan::{Job, Lane},
};

/// One transport's client, as its user would hold it: a cheap clone that makes calls.
pub(super) trait Caller: Clone + Send + Sync + 'static {
    fn add(&self, a: i64, b: i64) -> impl Future<Output = Result<i64>> + Send;

    /// Has the server do what `jobs::perform` does.
    fn work(&self, kind: u32, amount: u32) -> impl Future<Output = Result<i64>> + Send;

    fn echo(&self, payload: Bytes) -> impl Future<Output = Result<Bytes>> + Send;

    /// For transports that perform [`Job::EchoVec`].
    fn echo_vec(&self, _: Vec<u8>) -> impl Future<Output = Result<Vec<u8>>> + Send {
        async { bail!("this transport was not to be asked to echo a vector") }
    }

    /// Sends an order there and back; where the client's method takes it whole, a clone is part of
    /// the call.
    fn record(&self, order: &Order) -> impl Future<Output = Result<Order>> + Send;
}

/// The same where futures stay on their thread; every `Caller` is one.
#[allow(async_fn_in_trait, reason = "whether these are `Send` is the implementation's to say")]
pub(super) trait LocalCaller {
    async fn add(&self, a: i64, b: i64) -> Result<i64>;
    async fn work(&self, kind: u32, amount: u32) -> Result<i64>;
    async fn echo(&self, payload: Bytes) -> Result<Bytes>;
    async fn echo_vec(&self, _: Vec<u8>) -> Result<Vec<u8>> {
        bail!("this transport was not to be asked to echo a vector")
    }
    async fn record(&self, order: &Order) -> Result<Order>;
}

impl<C: Caller> LocalCaller for C {
    async fn add(&self, a: i64, b: i64) -> Result<i64> {
        Caller::add(self, a, b).await
    }

    async fn work(&self, kind: u32, amount: u32) -> Result<i64> {
        Caller::work(self, kind, amount).await
    }

    async fn echo(&self, payload: Bytes) -> Result<Bytes> {
        Caller::echo(self, payload).await
    }

    async fn echo_vec(&self, payload: Vec<u8>) -> Result<Vec<u8>> {
        Caller::echo_vec(self, payload).await
    }

    async fn record(&self, order: &Order) -> Result<Order> {
        Caller::record(self, order).await
    }
}

/// A link on which each call in flight is a task of its own.
pub(super) struct Callers<C>(pub(super) C);

impl<C: Caller> Link for Callers<C> {
    fn drive(&self, lanes: Vec<Lane>, meter: Arc<Meter>) -> BoxFuture<'static, Result<Vec<Tally>>> {
        let caller = self.0.clone();
        Box::pin(async move {
            let mut tallies = Vec::new();
            let mut running = JoinSet::new();
            for lane in lanes {
                let tally = Arc::new(Recorder::new(SHARDS, DIGITS));
                for number in 0..lane.in_flight {
                    let (caller, meter) = (caller.clone(), Arc::clone(&meter));
                    let tally = Arc::clone(&tally);
                    running
                        .spawn(async move { repeat(caller, number, lane, &meter, &tally).await });
                }
                tallies.push(tally);
            }
            while let Some(joined) = running.join_next().await {
                joined??;
            }
            Ok(tallies.iter().map(|tally| tally.take()).collect())
        })
    }

    fn work(&self, kind: u32, amount: u32) -> BoxFuture<'static, Result<i64>> {
        let caller = self.0.clone();
        Box::pin(async move { Caller::work(&caller, kind, amount).await })
    }
}

/// One caller: a call after another, until the meter says that it is enough. Its number decides which
/// of its calls are timed, so that not all callers time the same ones.
pub(super) async fn repeat<C: LocalCaller>(
    caller: C,
    number: usize,
    lane: Lane,
    meter: &Meter,
    tally: &Recorder,
) -> Result<()> {
    let mut untimed = 0;
    let payload = match lane.job {
        Job::Echo { bytes } => Bytes::from(vec![0xA5; bytes]),
        Job::Add | Job::Work(_) | Job::Record | Job::EchoVec { .. } => Bytes::new(),
    };
    let mut vector = match lane.job {
        Job::EchoVec { bytes } => vec![0xA5; bytes],
        _ => Vec::new(),
    };
    let order = if lane.job == Job::Record { Order::sample() } else { Order::default() };
    for call in 0..meter.calls_per_caller() {
        if meter.phase() == Phase::Closed {
            break;
        }
        let started = stopwatch(call + number as u64, lane.timed_every());
        match lane.job {
            Job::Add => {
                let (a, b) = operands(call);
                ensure!(caller.add(a, b).await? == a + b, "a wrong sum came back");
            }
            Job::Work(work) => {
                let (kind, amount) = work.request(call);
                let answer = caller.work(kind, amount).await?;
                ensure!(answer == i64::from(amount), "a wrong amount came back");
            }
            Job::Record => {
                ensure!(caller.record(&order).await?.resembles(&order), "another order came back");
            }
            Job::EchoVec { bytes } => {
                vector = caller.echo_vec(vector).await?;
                let ends = (vector.len(), vector.first(), vector.last());
                ensure!(ends == (bytes, Some(&0xA5), Some(&0xA5)), "another vector came back");
            }
            Job::Echo { .. } => {
                let echoed = caller.echo(payload.clone()).await?;
                ensure!(same_ends(&echoed, &payload), "another payload came back");
            }
        }
        if meter.phase() == Phase::Counting {
            match started {
                Some(started) => tally.shard(number).count(1, Some(started.elapsed())),
                None => untimed += 1,
            }
        }
    }
    tally.shard(number).count(untimed, None);
    Ok(())
}

/// Compares length and ends only: reading a megabyte would be measured with the call.
fn same_ends(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && left.first() == right.first() && left.last() == right.last()
}
