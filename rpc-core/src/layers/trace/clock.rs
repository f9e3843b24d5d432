//! The date of the present instant without a look at its clock, which is looked at ten times a second.

use std::{
    cell::Cell,
    time::{Duration, Instant, SystemTime},
};

/// How long the difference of the clocks is believed: a date is wrong for as long after the system's was set.
const BELIEVED: Duration = Duration::from_millis(100);

thread_local! {
    /// When both clocks were looked at.
    static BOTH: Cell<Option<(Instant, SystemTime)>> = const { Cell::new(None) };
}

/// The date of the present instant.
pub(super) fn date_of(now: Instant) -> SystemTime {
    if let Some((then, date)) = BOTH.get()
        && let Some(since) = now.checked_duration_since(then)
        && since < BELIEVED
    {
        return date + since;
    }
    let date = SystemTime::now();
    BOTH.set(Some((now, date)));
    date
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::now;

    #[test]
    fn dates_are_those_of_the_system() {
        for _ in 0..1000 {
            let before = SystemTime::now();
            let date = date_of(now());
            let after = SystemTime::now();
            let near = BELIEVED;
            assert!(before - near <= date && date <= after + near, "{before:?} {date:?} {after:?}");
        }
    }

    #[test]
    fn dates_follow_instants() {
        let at = date_of(now());
        let to = date_of(now());
        assert!(to + BELIEVED >= at);
    }
}
