//! Binding to one CPU, for as long as a guard lives.
//!
//! Threads and processes started meanwhile inherit the binding, which is how server and client
//! runtime come to share the CPU; those that run already are left where they are.

use anyhow::{Context, Result};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

use crate::plan::Placement;

/// Holds the calling thread to a placement; dropping it lets the thread go where it could before.
#[derive(Debug)]
pub struct Pin {
    before: Option<CpuSet>,
}

impl Pin {
    /// Places the calling thread and all that it starts from here on.
    ///
    /// # Errors
    ///
    /// When the kernel refuses to bind the thread.
    pub fn to(placement: Placement) -> Result<Self> {
        match placement {
            Placement::Free => Ok(Self { before: None }),
            Placement::OneCpu => Self::to_cpu(0),
        }
    }

    /// The same to one CPU, by its place among those that the thread may run on.
    ///
    /// # Errors
    ///
    /// When there is no such CPU, or the kernel refuses to bind the thread.
    pub fn to_cpu(place: usize) -> Result<Self> {
        let before = sched_getaffinity(THIS_THREAD).context("cannot read the CPU affinity")?;
        let mut allowed = (0..CpuSet::count()).filter(|cpu| before.is_set(*cpu).unwrap_or(false));
        let mut one = CpuSet::new();
        one.set(allowed.nth(place).context("this thread may run on no such CPU")?)?;
        sched_setaffinity(THIS_THREAD, &one).context("cannot bind to one CPU")?;
        Ok(Self { before: Some(before) })
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // The set was in force before, so only a CPU taken offline meanwhile can fail this.
            let _ = sched_setaffinity(THIS_THREAD, before);
        }
    }
}

/// The CPUs that a thread may run on, to be handed to another.
#[derive(Debug, Clone)]
pub struct Cpus(CpuSet);

impl Cpus {
    /// Those of the calling thread.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell.
    pub fn of_this_thread() -> Result<Self> {
        Ok(Self(sched_getaffinity(THIS_THREAD).context("cannot read the CPU affinity")?))
    }

    /// Has the calling thread run on them from here on.
    pub fn adopt(&self) {
        // They are those of a thread that runs, so only a CPU taken offline meanwhile can fail this.
        let _ = sched_setaffinity(THIS_THREAD, &self.0);
    }
}

const THIS_THREAD: Pid = Pid::from_raw(0);

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> usize {
        let set = sched_getaffinity(THIS_THREAD).unwrap();
        (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap()).count()
    }

    #[test]
    fn a_started_thread_inherits_the_pin_and_dropping_it_restores() {
        let before = allowed();
        let pin = Pin::to(Placement::OneCpu).unwrap();
        assert_eq!(std::thread::spawn(allowed).join().unwrap(), 1);
        drop(pin);
        assert_eq!(allowed(), before);
    }

    #[test]
    fn a_thread_that_ran_before_takes_over_the_cpus_of_another() {
        let (to_old, orders) = std::sync::mpsc::channel::<Cpus>();
        let old = std::thread::spawn(move || {
            orders.recv().unwrap().adopt();
            allowed()
        });
        let _pin = Pin::to(Placement::OneCpu).unwrap();
        to_old.send(Cpus::of_this_thread().unwrap()).unwrap();
        assert_eq!(old.join().unwrap(), 1);
    }
}
