//! The closed loop: tasks that each make one call after another on a shared connection.
//!
//! Comes in: a `Caller` and the lanes. Goes out: one tally a lane. Every answer is checked, so a
//! transport that does nothing cannot win.

use std::{future::Future, sync::Arc};

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::task::JoinSet;

use super::{Link, operands};
use crate::{
    meter::{Meter, Phase, Tally, stopwatch},
    plan::{Job, Lane},
};

/// One transport's client, as its user would hold it: a cheap clone that makes calls.
pub(super) trait Caller: Clone + Send + Sync + 'static {
    fn add(&self, a: i64, b: i64) -> impl Future<Output = Result<i64>> + Send;

    /// Adds through a handler that is pending at its first poll.
    fn add_pending(&self, a: i64, b: i64) -> impl Future<Output = Result<i64>> + Send;

    fn echo(&self, payload: Bytes) -> impl Future<Output = Result<Bytes>> + Send;
}

/// A link on which each call in flight is a task of its own.
pub(super) struct Callers<C>(pub(super) C);

impl<C: Caller> Link for Callers<C> {
    fn drive(&self, lanes: Vec<Lane>, meter: Arc<Meter>) -> BoxFuture<'static, Result<Vec<Tally>>> {
        let caller = self.0.clone();
        Box::pin(async move {
            let mut tallies: Vec<Tally> = lanes.iter().map(|_| Tally::new()).collect();
            let mut running = JoinSet::new();
            for (index, lane) in lanes.into_iter().enumerate() {
                for _ in 0..lane.in_flight {
                    let (caller, meter) = (caller.clone(), Arc::clone(&meter));
                    running.spawn(async move {
                        anyhow::Ok((index, repeat(caller, lane, &meter).await?))
                    });
                }
            }
            while let Some(joined) = running.join_next().await {
                let (index, tally) = joined??;
                tallies[index].merge(&tally);
            }
            Ok(tallies)
        })
    }
}

async fn repeat<C: Caller>(caller: C, lane: Lane, meter: &Meter) -> Result<Tally> {
    let mut tally = Tally::new();
    let payload = match lane.job {
        Job::Echo { bytes } => Bytes::from(vec![0xA5; bytes]),
        Job::Add | Job::AddPending => Bytes::new(),
    };
    for call in 0..meter.calls_per_caller() {
        if meter.phase() == Phase::Closed {
            break;
        }
        let started = stopwatch(call, lane.timed_every());
        match lane.job {
            Job::Add => {
                let (a, b) = operands(call);
                ensure!(caller.add(a, b).await? == a + b, "a wrong sum came back");
            }
            Job::AddPending => {
                let (a, b) = operands(call);
                ensure!(caller.add_pending(a, b).await? == a + b, "a wrong sum came back");
            }
            Job::Echo { .. } => {
                let echoed = caller.echo(payload.clone()).await?;
                ensure!(same_ends(&echoed, &payload), "another payload came back");
            }
        }
        if meter.phase() == Phase::Counting {
            tally.count(1, started.map(|at| at.elapsed()));
        }
    }
    Ok(tally)
}

/// Compares length and ends only: reading a megabyte would be measured with the call.
fn same_ends(left: &Bytes, right: &Bytes) -> bool {
    left.len() == right.len() && left.first() == right.first() && left.last() == right.last()
}
