//! The present instant and its date by one look at one clock: the other one is looked at ten times a second.

use std::{
    cell::Cell,
    time::{Duration, Instant, SystemTime},
};

use crate::time::now;

/// How long the difference of the clocks is believed: a date is wrong for as long after the system's was set.
const BELIEVED: Duration = Duration::from_millis(100);

thread_local! {
    /// When both clocks were looked at.
    static BOTH: Cell<Option<(Instant, SystemTime)>> = const { Cell::new(None) };
}

/// The present instant, and its date.
pub(super) fn both() -> (Instant, SystemTime) {
    let now = now();
    if let Some((then, date)) = BOTH.get()
        && let Some(since) = now.checked_duration_since(then)
        && since < BELIEVED
    {
        return (now, date + since);
    }
    let date = SystemTime::now();
    BOTH.set(Some((now, date)));
    (now, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_system() {
        for _ in 0..1000 {
            let before = SystemTime::now();
            let (_, date) = both();
            let after = SystemTime::now();
            let near = BELIEVED;
            assert!(before - near <= date && date <= after + near, "{before:?} {date:?} {after:?}");
        }
    }

    #[test]
    fn dates_follow_instants() {
        let (began, at) = both();
        let (ended, to) = both();
        assert!(ended >= began && to + BELIEVED >= at);
    }
}
