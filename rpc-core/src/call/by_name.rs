//! Calls over a link at whose other end methods are called by name, with JSON: the name is told when a call is sent.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    outgoing::{Method, Outgoing},
    target::{Next, Picker, Way},
};
use crate::{
    proto::{MethodKey, Outcome, Status},
    seam::Caller,
};

/// Sends all calls to one caller, and tells it the names of their methods.
#[derive(Debug)]
pub(super) struct ByName(pub(super) Arc<dyn Caller>);

impl Picker for ByName {
    fn poll_pick(
        &self,
        call: &mut Outgoing,
        _cx: &mut Context<'_>,
    ) -> Poll<Result<Arc<dyn Caller>, Status>> {
        if let Method::Known { method, .. } = &call.method {
            self.learn(method.key, &method.path);
        }
        Poll::Ready(Ok(Arc::clone(&self.0)))
    }

    fn ended(&self, _call: &mut Outgoing, _on: &Arc<dyn Caller>, _end: Option<&Outcome>) -> Next {
        Next::Settled
    }

    fn way(&self) -> Way {
        Way::Caller(Arc::clone(&self.0))
    }

    fn learn(&self, key: MethodKey, path: &str) {
        if let Some(names) = self.0.names() {
            names.learn(key, path);
        }
    }
}
