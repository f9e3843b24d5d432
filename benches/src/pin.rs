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
        if placement == Placement::Free {
            return Ok(Self { before: None });
        }
        let before = sched_getaffinity(THIS_THREAD).context("cannot read the CPU affinity")?;
        let first = (0..CpuSet::count()).find(|cpu| before.is_set(*cpu).unwrap_or(false));
        let mut one = CpuSet::new();
        one.set(first.context("this thread may run on no CPU")?)?;
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
}
