//! Methods that require permissions, and calls that prove for whom they are made: judged before a byte of the
//! arguments is read.

use std::sync::Arc;

use super::{
    Dispatch, Memory, Request,
    explain::{self, Times},
    once::Once,
    request::refuse,
};
use crate::{
    identity::{Principal, Verdicts},
    proto::{CallId, Code, Failure, Outcome, Status, Token},
    schema::MethodSchema,
    seam::{HandlerSlot, IncomingCall},
    transport::{Identity, Peer},
};

/// The permissions that a method requires, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Requires(Arc<[String]>);

impl Requires {
    /// What the service says, and what its server adds.
    pub(super) fn new<'a>(own: &'a [String], added: &'a [String]) -> Self {
        let mut all: Vec<String> = Vec::new();
        for permission in own.iter().chain(added) {
            if !all.contains(permission) {
                all.push(permission.clone());
            }
        }
        Self(all.into())
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses whoever lacks one of them, in words that name what is required. `principal` was judged, `peer` is what
    /// its transport knows.
    pub(super) fn check(
        &self,
        path: &str,
        principal: Option<&Principal>,
        peer: &Peer,
    ) -> Result<(), Status> {
        let lacks = |permission: &&String| {
            !principal.is_some_and(|principal| principal.permits(permission))
        };
        let lacking: Vec<&str> = self.0.iter().filter(lacks).map(String::as_str).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let (all, lacking) = (self.0.join(" and "), lacking.join(" and "));
        let known = identity(principal, peer) != &Identity::Unknown;
        Err(if known {
            let message = format!("{path} requires {all}, and this caller lacks {lacking}");
            Status::not_started(Code::PermissionDenied, message)
        } else {
            let message = format!("{path} requires {all}, and nothing proves who calls");
            Status::not_started(Code::Unauthenticated, message)
        })
    }
}

/// Who calls: as was judged, else as the transport vouches.
pub(super) fn identity<'a>(principal: Option<&'a Principal>, peer: &'a Peer) -> &'a Identity {
    match principal.map(Principal::identity) {
        Some(identity) if *identity != Identity::Unknown => identity,
        _ => peer.identity(),
    }
}

/// A method that is called, and its service.
#[derive(Clone, Copy)]
pub(super) struct Called<'a> {
    pub(super) service: &'a Arc<dyn Dispatch>,
    pub(super) method: usize,
    pub(super) schema: &'static MethodSchema,
    pub(super) requires: &'a Requires,
    /// What remembers its calls, if it runs once.
    pub(super) memory: Option<&'a Arc<Memory>>,
    /// What those have who may ask for the times of calls, if anybody may.
    pub(super) explains: Option<&'a Requires>,
}

impl Called<'_> {
    /// Puts the handler of a call into `slot` whose caller is to be looked at first; tells whether there is one, or will
    /// be.
    #[cold]
    pub(super) fn admit(self, mut call: IncomingCall, slot: &mut HandlerSlot) -> Admitted {
        let peer = call.origin.peer();
        // Where nobody judges tokens, they are passed over (PROTOCOL §8).
        let token = call.request.opening.token.take();
        let judged = match token.zip(peer.get::<Arc<Verdicts>>()) {
            None => None,
            Some((token, verdicts)) => match verdicts.known(&token) {
                Some(principal) => Some(principal),
                None => {
                    let verdicts = Arc::clone(verdicts);
                    self.judge(call, token, verdicts, slot);
                    return Admitted::Yes;
                }
            },
        };
        let principal = judged.as_ref().or_else(|| peer.get());
        if let Err(status) = self.requires.check(&self.schema.path, principal, peer) {
            refuse(slot, status);
            return Admitted::No;
        }
        let identity = identity(principal, peer).clone();
        let times = self.times(&call, principal, peer);
        let Self { service, method, schema, memory, .. } = self;
        start(memory, &identity, schema, judged, times, call, slot, |request, slot| {
            service.dispatch(method, request, slot);
        });
        Admitted::Yes
    }

    /// What takes the times of a call, if it asks for that and its caller may.
    fn times(
        &self,
        call: &IncomingCall,
        principal: Option<&Principal>,
        peer: &Peer,
    ) -> Option<Arc<Times>> {
        let may = |requires: &&Requires| requires.check("", principal, peer).is_ok();
        explain::clock(&call.request.opening, self.explains.filter(may))
    }

    /// Puts a handler into `slot` that asks first for whom the call is made.
    fn judge(
        self,
        call: IncomingCall,
        token: Token,
        verdicts: Arc<Verdicts>,
        slot: &mut HandlerSlot,
    ) {
        let Self { method, schema, .. } = self;
        let memory = self.memory.cloned();
        let (service, requires) = (Arc::clone(self.service), self.requires.clone());
        let explains = self.explains.cloned();
        slot.run(async move {
            let peer = call.origin.peer().clone();
            let judged = verdicts.judge(peer.clone(), token).await;
            let judged = judged.map_err(|refusal| Failure::Status(refusal.into_status()))?;
            requires.check(&schema.path, Some(&judged), &peer).map_err(Failure::Status)?;
            let identity = identity(Some(&judged), &peer).clone();
            let may = |requires: &&Requires| requires.check("", Some(&judged), &peer).is_ok();
            let times = explain::clock(&call.request.opening, explains.as_ref().filter(may));
            let mut slot = HandlerSlot::default();
            start(
                memory.as_ref(),
                &identity,
                schema,
                Some(judged),
                times,
                call,
                &mut slot,
                |request, slot| {
                    service.dispatch(method, request, slot);
                },
            );
            drop(service);
            match slot.take() {
                Some(reply) => reply.await,
                None => undispatched(schema),
            }
        });
    }
}

/// Puts the handler of a call into `slot` that was admitted: as it is, or by way of what remembers it.
#[allow(clippy::too_many_arguments, reason = "all that is known of a call")]
fn start(
    memory: Option<&Arc<Memory>>,
    identity: &Identity,
    schema: &'static MethodSchema,
    judged: Option<Principal>,
    times: Option<Arc<Times>>,
    mut call: IncomingCall,
    slot: &mut HandlerSlot,
    dispatch: impl FnOnce(Request, &mut HandlerSlot),
) {
    let handle = |call: IncomingCall, slot: &mut HandlerSlot| {
        let mut request = Request::new(call, schema);
        if let Some(principal) = judged {
            request.insert(principal);
        }
        match times {
            Some(times) => explain::dispatch(times, request, slot, dispatch),
            None => dispatch(request, slot),
        }
    };
    let Some((memory, key)) = memory.zip(call.request.opening.idempotency.take()) else {
        return handle(call, slot);
    };
    let (codec, method) = (call.request.opening.codec, schema.key.name_hash());
    let once = Once::new(memory, identity, method, key, codec, &call.request.arguments);
    once.run(slot, |slot| {
        // It may outlive the call, whose id is then another one's: nothing is to be sent by that.
        call.request.id = CallId::NO_REPLY;
        handle(call, slot);
    });
}

/// Whether a call has a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    Yes,
    No,
}

fn undispatched(schema: &MethodSchema) -> Outcome {
    let message = format!("{} is not dispatched by its service", schema.path);
    Err(Failure::Status(Status::not_started(Code::Unimplemented, message)))
}
