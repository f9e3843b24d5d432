//! What callers were told of their calls, held against what handlers did.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rpc_core::CallError;

use super::ledger::Run;

/// What a caller knows of how often its handler has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was answered: once.
    Answered,
    /// It was told that the handler was not started: never.
    NotStarted,
    /// It was told that the handler may have run, or gave the call up: once or never.
    MayHaveRun,
}

impl Fate {
    /// What an outcome tells.
    pub(super) fn of<T, E>(outcome: &Result<T, CallError<E>>) -> Self {
        match outcome {
            Ok(_) | Err(CallError::App(_)) => Self::Answered,
            Err(CallError::Status(status)) if status.may_have_run() => Self::MayHaveRun,
            Err(CallError::Status(_)) => Self::NotStarted,
        }
    }
}

/// The fates of a phase's calls, and what went wrong beside them.
#[derive(Debug, Default)]
pub(super) struct Book(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    // Bounded by: the calls of a phase.
    fates: HashMap<u64, Fate>,
    verdict: Verdict,
}

/// What all phases together have shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub answered: u64,
    pub not_started: u64,
    pub may_have_run: u64,
    /// Calls back that were answered.
    pub recalled: u64,
    /// Connections that were cut.
    pub cuts: u64,
    /// Answered calls that did not run exactly once.
    pub answered_wrongly: u64,
    /// Calls that were told not to have been started, and ran.
    pub started: u64,
    /// Calls that may have run, and ran more than once.
    pub repeated: u64,
    /// Handlers of calls that nobody made, or that never ended.
    pub strange: u64,
    /// Streams with items missing or out of order, and wrong answers.
    pub disorder: u64,
    /// Failures that nothing explains.
    pub unexplained: u64,
    /// The first of them.
    pub first_unexplained: Option<String>,
}

impl Book {
    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters what became of a call.
    pub(super) fn enter(&self, id: u64, fate: Fate) {
        self.lock().fates.insert(id, fate);
    }

    /// Enters a stream that is not in order, or an answer that is wrong.
    pub(super) fn disorder(&self) {
        self.lock().verdict.disorder += 1;
    }

    /// Enters a failure that nothing explains.
    pub(super) fn unexplained(&self, failure: String) {
        let verdict = &mut self.lock().verdict;
        verdict.unexplained += 1;
        verdict.first_unexplained.get_or_insert(failure);
    }

    /// Enters a connection that was cut.
    pub(super) fn cut(&self) {
        self.lock().verdict.cuts += 1;
    }

    /// Holds the fates of a phase against the histories of both sides, and forgets them. Both are to be at rest.
    pub(super) fn close_phase(&self, served: HashMap<u64, Run>, recalled: &HashMap<u64, Run>) {
        let mut pages = self.lock();
        let fates = std::mem::take(&mut pages.fates);
        pages.verdict.judge(&fates, &served, recalled);
    }

    pub(super) fn verdict(&self) -> Verdict {
        self.lock().verdict.clone()
    }
}

impl Verdict {
    fn judge(
        &mut self,
        fates: &HashMap<u64, Fate>,
        served: &HashMap<u64, Run>,
        recalled: &HashMap<u64, Run>,
    ) {
        for (id, fate) in fates {
            let runs = served.get(id).map_or(0, |run| run.begun);
            match fate {
                Fate::Answered => {
                    self.answered += 1;
                    self.answered_wrongly += u64::from(runs != 1);
                }
                Fate::NotStarted => {
                    self.not_started += 1;
                    self.started += u64::from(runs != 0);
                }
                Fate::MayHaveRun => {
                    self.may_have_run += 1;
                    self.repeated += u64::from(runs > 1);
                }
            }
        }
        for (id, run) in served {
            self.strange += u64::from(!fates.contains_key(id) || run.ended != run.begun);
            self.disorder += u64::from(run.disorder);
        }
        for (id, run) in recalled {
            // Made by the handler of the call with the same id, and by no other.
            let asked = served.get(id).map_or(0, |run| run.begun);
            self.recalled += 1;
            self.repeated += u64::from(run.begun > 1);
            self.strange += u64::from(asked == 0 || run.ended != run.begun);
        }
    }

    /// True if nothing went wrong.
    #[cfg(test)]
    fn is_clean(&self) -> bool {
        [
            self.answered_wrongly,
            self.started,
            self.repeated,
            self.strange,
            self.disorder,
            self.unexplained,
        ]
        .iter()
        .all(|count| *count == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(fate: Fate, begun: u32, ended: u32) -> Verdict {
        let mut verdict = Verdict::default();
        let served = (begun > 0).then_some((7, Run { begun, ended, disorder: 0 }));
        verdict.judge(&[(7, fate)].into(), &served.into_iter().collect(), &HashMap::new());
        verdict
    }

    #[test]
    fn a_fate_allows_its_number_of_runs_and_no_other() {
        let clean = |fate, runs| judged(fate, runs, runs).is_clean();
        assert_eq!([0, 1, 2].map(|runs| clean(Fate::Answered, runs)), [false, true, false]);
        assert_eq!([0, 1, 2].map(|runs| clean(Fate::NotStarted, runs)), [true, false, false]);
        assert_eq!([0, 1, 2].map(|runs| clean(Fate::MayHaveRun, runs)), [true, true, false]);
    }

    #[test]
    fn handlers_that_never_ended_or_that_nobody_called_are_seen() {
        assert_eq!(judged(Fate::Answered, 1, 0).strange, 1);
        let mut verdict = Verdict::default();
        let served = HashMap::from([(1, Run { begun: 1, ended: 1, disorder: 0 })]);
        verdict.judge(&HashMap::new(), &served, &HashMap::new());
        assert_eq!(verdict.strange, 1);
    }

    #[test]
    fn a_call_back_without_its_call_is_seen() {
        let mut verdict = Verdict::default();
        let run = Run { begun: 1, ended: 1, disorder: 0 };
        verdict.judge(&HashMap::new(), &HashMap::new(), &[(1, run)].into());
        assert_eq!((verdict.recalled, verdict.strange), (1, 1));
    }
}
