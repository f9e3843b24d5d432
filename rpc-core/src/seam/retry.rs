//! Calls that are made again although somebody may have begun them, or has refused them: how often, when, and how many of
//! all calls.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// How a call is made again that failed and may be: see [`Endpoint::retry`](crate::Endpoint::retry).
///
/// A call is made again where that cannot do harm: it was certainly not started, or its method is `#[rpc(idempotent)]` or
/// `#[rpc(once)]`, or [`Call::idempotent`](crate::Call::idempotent) says as much. And where there is hope: it ended with
/// `UNAVAILABLE`, or with `RESOURCE_EXHAUSTED` or `ABORTED` and a time after which to come again
/// ([`Status::with_retry_after`](crate::Status::with_retry_after)).
///
/// - It is made five times at most, under one deadline for all of them.
/// - After the loss of its connection it waits for the next one. After a refusal it waits for 25 ms, then 50 ms and so on up to
///   a second, each half as long by chance at most; longer where the server has said so. What would begin after the deadline, or for
///   a call without one after ten seconds, is not waited for: the call fails at once.
/// - All calls of a channel share a budget: of the calls of the last ten seconds a fifth may be made again, and ten each second
///   besides. So servers that are down or overloaded get a fifth more at most, not five times as much.
///
/// A call that was not started because its connection ended goes again in any case: see [`Reconnect`](crate::Reconnect). Ordered
/// calls that may have run or were refused, and those that send items of which some were taken, are not made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Retry {
    attempts: u8,
    first: Duration,
    longest: Duration,
    percent: u32,
    per_second: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

impl Retry {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            attempts: 5,
            first: Duration::from_millis(25),
            longest: Duration::from_secs(1),
            percent: 20,
            per_second: 10,
        }
    }

    /// No call is made again that was refused, or may have run.
    pub const fn off() -> Self {
        Self { attempts: 1, ..Self::new() }
    }

    /// How often a call is made at most, the first time included. Default: 5; zero stands for one.
    pub const fn attempts(mut self, attempts: u8) -> Self {
        self.attempts = attempts;
        self
    }

    /// The time after the first refusal; each later one is twice as long. Default: 25 ms.
    pub const fn first_delay(mut self, delay: Duration) -> Self {
        self.first = delay;
        self
    }

    /// The longest time after a refusal, unless the server has asked for more. Default: 1 s.
    pub const fn longest_delay(mut self, delay: Duration) -> Self {
        self.longest = delay;
        self
    }

    /// The budget that all calls of a channel share: how many of the calls of the last ten seconds may be made again, in percent, and
    /// how many in each second besides. Default: 20 and 10. It is the channel's; that of a single call has no effect.
    pub const fn budget(mut self, percent: u32, per_second: u32) -> Self {
        (self.percent, self.per_second) = (percent, per_second);
        self
    }

    /// Tells whether a call may be made once more that was made so often.
    pub(crate) const fn allows(&self, attempts: u8) -> bool {
        attempts < self.attempts
    }

    /// The time between the refusal of a call that was made so often and the next attempt.
    pub(crate) fn delay(&self, attempts: u8) -> Duration {
        let doubled = self.first.saturating_mul(1 << u32::from(attempts.saturating_sub(1)).min(16));
        let longest = doubled.min(self.longest);
        longest.mul_f64(0.5 + chance() / 2.0)
    }
}

/// The longest that a call without a deadline waits to be made again.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// For how long a call counts for the budget.
const MEMORY: Duration = Duration::from_secs(10);

/// The policy of a channel and what is left of its budget.
#[derive(Debug)]
pub(crate) struct Retries {
    pub(crate) policy: Retry,
    budget: Mutex<Budget>,
}

impl Retries {
    pub(crate) fn new(policy: Retry, now: Instant) -> Self {
        Self { policy, budget: Mutex::new(Budget::new(now)) }
    }

    /// Takes from the budget what one more attempt costs, if it is there. So many calls were `sent` on the link that is
    /// identified by `link`: they are counted when somebody asks, so that calls which succeed cost nothing.
    pub(crate) fn withdraw(&self, now: Instant, link: usize, sent: u64) -> bool {
        self.budget.lock().withdraw(&self.policy, now, link, sent)
    }
}

/// What is left of a budget.
#[derive(Debug)]
struct Budget {
    /// The link whose calls were counted last, and how many there were.
    counted: (usize, u64),
    /// Attempts that the calls of the last while have earned.
    earned: f64,
    /// Attempts that time has brought.
    reserve: f64,
    /// Attempts that were paid for and not yet counted among the calls that were sent.
    paid: u64,
    at: Option<Instant>,
    since: Instant,
}

impl Budget {
    const fn new(since: Instant) -> Self {
        Self { counted: (0, 0), earned: 0.0, reserve: 0.0, paid: 0, at: None, since }
    }

    fn withdraw(&mut self, policy: &Retry, now: Instant, link: usize, sent: u64) -> bool {
        self.count(policy, now, link, sent);
        let purse = if self.earned >= 1.0 { &mut self.earned } else { &mut self.reserve };
        let enough = *purse >= 1.0;
        if enough {
            *purse -= 1.0;
            self.paid += 1;
        }
        enough
    }

    fn count(&mut self, policy: &Retry, now: Instant, link: usize, sent: u64) {
        let memory = MEMORY.as_secs_f64();
        let most = f64::from(policy.per_second) * memory;
        let passed = now.saturating_duration_since(self.at.unwrap_or(self.since)).as_secs_f64();
        self.reserve = match self.at {
            // A channel begins with what its first seconds would have brought.
            None => most,
            Some(_) => (self.reserve + f64::from(policy.per_second) * passed).min(most),
        };
        let before = if self.counted.0 == link { self.counted.1 } else { 0 };
        // Attempts are sent some time after they were paid for.
        let sent_since = sent.saturating_sub(before);
        let attempts = self.paid.min(sent_since);
        self.paid -= attempts;
        let calls = sent_since - attempts;
        // As if they had come at one rate: of a long time only the last part counts.
        let recent = calls as f64 * (memory / passed.max(memory));
        self.earned *= (1.0 - passed / memory).max(0.0);
        self.earned += recent * f64::from(policy.percent) / 100.0;
        (self.counted, self.at) = ((link, sent), Some(now));
    }
}

/// A number from 0 to 1: the hash of nothing, with keys that are others each time.
fn chance() -> f64 {
    let bits = RandomState::new().hash_one(0) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withdrawn(retries: &Retries, now: Instant, sent: u64) -> usize {
        (0..).take_while(|_| retries.withdraw(now, 1, sent)).count()
    }

    #[test]
    fn delays_double_up_to_the_longest_and_are_shorter_by_half_at_most() {
        let retry = Retry::new();
        for (attempts, most) in [(1, 25), (2, 50), (3, 100), (9, 1000), (255, 1000)] {
            let most = Duration::from_millis(most);
            for _ in 0..100 {
                let delay = retry.delay(attempts);
                assert!(delay <= most && delay >= most / 2, "{delay:?} after {attempts}");
            }
        }
    }

    #[test]
    fn a_fifth_of_the_last_calls_and_ten_a_second_may_be_made_again() {
        let began = Instant::now();
        let retries = Retries::new(Retry::new(), began);
        let second = Duration::from_secs(1);
        assert_eq!(withdrawn(&retries, began, 0), 100, "the first ten seconds");
        assert_eq!(withdrawn(&retries, began, 100), 0, "attempts that were paid for earn nothing");
        assert_eq!(withdrawn(&retries, began + second, 1100), 10 + 200);
        assert_eq!(withdrawn(&retries, began + 2 * second, 1310), 10);
        // An hour of 1,000 calls a second is not saved up.
        let later = began + 3602 * second;
        let earned = withdrawn(&retries, later, 3_601_320);
        assert!((2090..=2101).contains(&earned), "{earned}");
    }

    #[test]
    fn what_was_earned_is_forgotten_and_another_link_begins_at_nothing() {
        let began = Instant::now();
        let retries = Retries::new(Retry::new().budget(20, 0), began);
        assert!(retries.withdraw(began, 1, 1000));
        let later = began + MEMORY;
        assert!(!retries.withdraw(later, 1, 1001));
        assert_eq!((0..).take_while(|_| retries.withdraw(later, 2, 50)).count(), 10);
    }

    #[test]
    fn no_attempt_is_allowed_beyond_the_last() {
        assert!(Retry::new().allows(4) && !Retry::new().allows(5));
        assert!(!Retry::off().allows(1));
    }
}
