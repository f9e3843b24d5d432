//! The call that a handler serves, and its end: plain data between handlers, driver and machine.

use crate::proto::{CallId, Code, Codec, Outcome, Status, connection::Request};

/// The call that a handler serves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Served {
    pub(super) id: CallId,
    pub(super) codec: Codec,
    /// What a one-way call takes of its window.
    pub(super) cost: u32,
}

/// The end of a handler.
#[derive(Debug)]
pub(super) struct End {
    pub(super) id: CallId,
    pub(super) codec: Codec,
    pub(super) cost: u32,
    pub(super) outcome: Outcome,
}

impl Served {
    pub(super) const fn of(request: &Request) -> Self {
        Self { id: request.id, codec: request.opening.codec, cost: request.cost }
    }

    pub(super) const fn ended(self, outcome: Outcome) -> End {
        let Self { id, codec, cost } = self;
        End { id, codec, cost, outcome }
    }
}

/// The end of all calls on a connection without services.
pub(super) fn serves_nothing() -> Status {
    Status::not_started(Code::Unimplemented, "this side of the connection serves nothing")
}
