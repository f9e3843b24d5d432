//! What must hold of a machine at any time, and when all is over. Looks inside; changes nothing.

use super::{Connection, End, Pair};

impl Pair {
    /// Asserts what must hold at any time.
    #[track_caller]
    pub(super) fn check(&self) {
        for end in &self.ends {
            end.check();
        }
    }

    /// Asserts that nothing is left of any call.
    #[track_caller]
    pub(super) fn check_empty(&self) {
        for end in &self.ends {
            end.check();
            let machine = &end.machine;
            assert_eq!(machine.outbound.len(), 0, "{machine:#?}");
            assert_eq!((machine.outbound.queues().len(), machine.outbound.shares().open()), (0, 0));
            assert_eq!((machine.inbound.ids().len(), machine.inbound.makes_wait()), (0, false));
            assert_eq!(machine.running_handlers(), 0);
            assert!(machine.partials.is_empty());
            if !end.write_failed {
                assert_eq!((machine.outbox.unsent(), machine.outbox.unsent_replies()), (0, 0));
            }
        }
    }
}

impl End {
    #[track_caller]
    fn check(&self) {
        let machine = &self.machine;
        let under_way = self.transmit.len() + machine.transmit.len();
        if !self.write_failed {
            assert_eq!(machine.outbox.unsent(), machine.outbox.held_bytes() + under_way);
        }
        if machine.error().is_none() {
            assert_eq!(machine.running_handlers() as usize, self.running.len());
        }
        let unary = |request: &&crate::proto::connection::Request| {
            request.id.expects_reply() && request.opening.streams == crate::proto::Streams::NONE
        };
        let calls = self.running.iter().filter(unary).count();
        assert!(calls <= 2 * machine.config.limits.max_calls as usize);
        assert_eq!(machine.outbound.shares().open() as usize, owed(machine), "{machine:#?}");
        // A side that has said that it is done may be owed replies for early calls only.
        let running = self.running.iter().filter(|request| request.id.expects_reply()).count();
        if machine.error().is_none() {
            assert!(machine.inbound.ids().len() >= running);
        }
    }
}

/// Calls of which the peer may still speak.
fn owed(machine: &Connection) -> usize {
    machine.outbound.owed(|_| true).len()
}
