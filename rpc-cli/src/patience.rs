//! How long the program waits: one clock for each command, from its start. Getting to where a call can be made, by
//! connecting, hello and description, always has an end; what runs after that has one where the user gave it.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::exit::Failure;

/// How long connecting, hello and description may take together, unless somebody says otherwise.
const SET_UP: Duration = Duration::from_secs(30);

/// The options that bound whole commands.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Time limits")]
pub(crate) struct Limits {
    /// Give up the whole command after this time, such as 2s; by default, connecting and reading the description may
    /// take 30s, and calls and loads as long as they need.
    #[arg(long, global = true, value_name = "TIME", value_parser = time, allow_negative_numbers = true)]
    max_time: Option<Duration>,
    /// Give up connecting after this time; connecting ends with the server's hello.
    #[arg(long, global = true, value_name = "TIME", value_parser = time, allow_negative_numbers = true)]
    connect_timeout: Option<Duration>,
}

/// A time above zero, as options have it.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    match span(text) {
        Ok(time) if time.is_zero() => Err("this takes a time above zero".to_owned()),
        other => other,
    }
}

/// A time, zero too; a number without a unit is of seconds.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as 2s, 500ms or 1m 30s, or a number of seconds".to_owned();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    humantime::parse_duration(text).map_err(|_| wrong())
}

/// What is left of a command's time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// When the command began, which `max_time` counts from.
    began: Instant,
    /// When the set-up or the call began: later than the command only at a prompt.
    step: Instant,
    limits: Limits,
    /// The time of the call, which its set-up is a part of.
    timeout: Option<Duration>,
}

/// A point in time at which something is given up, and why then.
#[derive(Clone, Copy, Debug)]
struct End {
    at: Instant,
    after: Duration,
    option: &'static str,
}

impl End {
    fn new(from: Instant, after: Duration, option: &'static str) -> Option<Self> {
        // What is too far away to be reckoned does not come.
        Some(Self { at: from.checked_add(after)?, after, option })
    }

    fn after(&self) -> String {
        let after = humantime::format_duration(self.after);
        let option = self.option;
        let why = if option.is_empty() { String::new() } else { format!(" ({option})") };
        format!("after {after}{why}")
    }

    /// What was waited for came before any call.
    fn failure(self, waiting_for: &str) -> Failure {
        let after = self.after();
        Failure::late(format!("gave up waiting for {waiting_for} {after}; no call was made"))
    }
}

impl Patience {
    /// The clock of a command that begins now.
    pub(crate) fn new(limits: Limits) -> Self {
        let began = Instant::now();
        Self { began, step: began, limits, timeout: None }
    }

    /// The same for a call that has so much time, set-up included.
    pub(crate) const fn with_timeout(self, timeout: Option<Duration>) -> Self {
        Self { timeout, ..self }
    }

    /// The same for another step of a command that goes on.
    pub(crate) fn anew(self) -> Self {
        Self { step: Instant::now(), timeout: None, ..self }
    }

    fn whole(&self) -> Option<End> {
        End::new(self.began, self.limits.max_time?, "--max-time")
    }

    fn of_call(&self) -> Option<End> {
        let timeout = self.timeout.and_then(|timeout| End::new(self.step, timeout, "--timeout"));
        earlier([timeout, self.whole()])
    }

    fn set_up(&self) -> Option<End> {
        let usual = match self.limits.max_time {
            None => End::new(self.step, SET_UP, ""),
            // Who gives a time for all of it may mean a longer one.
            Some(_) => None,
        };
        earlier([self.of_call(), usual])
    }

    /// Waits for a step of connecting.
    pub(crate) async fn connecting<T>(&self, to: &str, step: impl Future<Output = T>) -> Result<T> {
        let limit = self.limits.connect_timeout;
        let own = limit.and_then(|limit| End::new(self.step, limit, "--connect-timeout"));
        within(earlier([own, self.set_up()]), &format!("{to} to connect"), step).await
    }

    /// Waits for what comes before the call, or instead of one.
    pub(crate) async fn asking<T>(&self, what: &str, step: impl Future<Output = T>) -> Result<T> {
        within(self.set_up(), what, step).await
    }

    /// Waits for all of a command, if that has an end.
    pub(crate) async fn command<T>(&self, step: impl Future<Output = Result<T>>) -> Result<T> {
        let Some(end) = self.whole() else { return step.await };
        // What it did so far is not known here.
        let late = || Failure::late(format!("the command was given up {}", end.after()));
        let done = tokio::time::timeout_at(end.at.into(), step).await;
        done.unwrap_or_else(|_| Err(late().into()))
    }

    /// What is left for the call itself, none if it has no limit.
    ///
    /// # Errors
    /// Nothing is left, and the call is not to be sent.
    pub(crate) fn left(&self) -> Result<Option<Duration>> {
        let Some(end) = self.of_call() else { return Ok(None) };
        let left = end.at.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(end.failure("the call to begin").into()) } else { Ok(Some(left)) }
    }
}

fn earlier(ends: [Option<End>; 2]) -> Option<End> {
    ends.into_iter().flatten().min_by_key(|end| end.at)
}

async fn within<T>(
    end: Option<End>,
    waiting_for: &str,
    step: impl Future<Output = T>,
) -> Result<T> {
    let Some(end) = end else { return Ok(step.await) };
    let done = tokio::time::timeout_at(end.at.into(), step).await;
    done.map_err(|_| end.failure(waiting_for).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patience(max_time: Option<Duration>, connect_timeout: Option<Duration>) -> Patience {
        Patience::new(Limits { max_time, connect_timeout })
    }

    #[test]
    fn a_number_without_a_unit_is_of_seconds() {
        assert_eq!(time("2"), Ok(2 * SECOND));
        assert_eq!(time("0.5"), Ok(SECOND / 2));
        assert_eq!(time("1500ms"), Ok(3 * SECOND / 2));
        assert_eq!(span("0"), Ok(Duration::ZERO));
        for wrong in ["0", "-1", "inf", "NaN", "soon", "1e300"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_set_up_ends_by_whatever_comes_first() {
        let set_up = |patience: Patience| patience.set_up().map(|end| (end.after, end.option));
        assert_eq!(set_up(patience(None, None)), Some((SET_UP, "")));
        assert_eq!(
            set_up(patience(None, None).with_timeout(Some(SECOND))),
            Some((SECOND, "--timeout"))
        );
        let longer = SET_UP * 2;
        assert_eq!(set_up(patience(Some(longer), None)), Some((longer, "--max-time")));
        let both = patience(Some(SECOND), None).with_timeout(Some(2 * SECOND));
        assert_eq!(set_up(both), Some((SECOND, "--max-time")));
        // At a prompt the call is new, and the command is not.
        assert_eq!(set_up(both.anew()), Some((SECOND, "--max-time")));
        assert_eq!(set_up(patience(Some(Duration::MAX), None)), None);
    }

    #[test]
    fn a_call_has_what_its_set_up_left() {
        assert_eq!(patience(None, None).left().unwrap(), None);
        let left = patience(Some(SECOND), None).left().unwrap().unwrap();
        assert!(left <= SECOND, "{left:?}");
        let none = patience(None, None).with_timeout(Some(Duration::from_nanos(1)));
        let error = none.left().unwrap_err().to_string();
        assert_eq!(
            error,
            "gave up waiting for the call to begin after 1ns (--timeout); no call was made"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_is_given_up() {
        let patience = patience(None, Some(SECOND));
        let never = std::future::pending::<()>();
        let error = patience.connecting("x:1", never).await.unwrap_err().to_string();
        let words =
            "gave up waiting for x:1 to connect after 1s (--connect-timeout); no call was made";
        assert_eq!(error, words);
        assert_eq!(patience.connecting("x:1", async { 7 }).await.unwrap(), 7);
        let whole = self::patience(Some(SECOND), None);
        let never = std::future::pending::<Result<()>>();
        let error = whole.command(never).await.unwrap_err().to_string();
        assert_eq!(error, "the command was given up after 1s (--max-time)");
    }
}
