//! The closed loop: each call in flight is followed by the next when it has ended.

use std::sync::Arc;

use tokio::{task::yield_now, time::Instant};

use super::shared::{Caller, Shared};

/// Makes one call after the other.
pub(super) async fn repeat<C: Caller>(caller: C, number: usize, shared: Arc<Shared>) {
    let mut draws = shared.pool.draws(number);
    let mut begun = Instant::now();
    while let Some(turn) = shared.gate.turn(begun) {
        let ended = caller.call(draws.next()).await;
        // The next call begins when this one has ended: the clock is read once for both.
        let now = Instant::now();
        let (failed, lost) = (ended.is_err(), ended.as_ref().is_err_and(|failed| failed.lost));
        if shared.gate.counts(turn, now) {
            shared.recorder.shard(number).record(ended, now.duration_since(begun));
        }
        if lost {
            break;
        }
        if failed {
            // What fails at once would leave no other task its turn.
            yield_now().await;
        }
        begun = now;
    }
}
