//! What an answer is found by.

use std::hash::{Hash, Hasher};

use super::{Cacheable, Caller, options::For, plan::Read};
use crate::{
    identity::Principal,
    layers::Kind,
    proto::{Codec, MethodKey, Payload, Token},
    transport::Identity,
};

/// The method with its signature, the codec and the arguments, and whose answer it is. All of it is compared, byte by byte:
/// callers choose arguments, and hashes alone could be made to meet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The channel, on a client: another one may lead to another server, or be of another identity.
    space: Option<u64>,
    method: MethodKey,
    codec: Codec,
    arguments: Arguments,
    who: Option<Who>,
    /// What the program and the metadata add.
    extra: Option<Box<[u8]>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Arguments(Payload);

impl Hash for Arguments {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_slice().hash(state);
    }
}

/// A caller that has answers of its own.
#[derive(Clone, Debug)]
struct Who {
    identity: Identity,
    /// Its permissions count: an answer may depend on them.
    principal: Option<Principal>,
    token: Option<Token>,
}

impl Who {
    /// `None` where the program has put values of its own into the principal, which cannot be compared.
    fn of(caller: &Caller<'_>) -> Option<Self> {
        if caller.principal.is_some_and(Principal::has_values) {
            return None;
        }
        let identity = match caller.identity {
            // A program that is started anew is the same caller.
            Identity::Process { user, group, .. } => {
                Identity::Process { user: *user, group: *group, process: None }
            }
            other => other.clone(),
        };
        Some(Self { identity, principal: caller.principal.cloned(), token: caller.token.cloned() })
    }

    fn permissions(&self) -> impl Iterator<Item = &str> {
        self.principal.iter().flat_map(|principal| principal.permissions().iter())
    }
}

impl PartialEq for Who {
    fn eq(&self, other: &Self) -> bool {
        self.identity == other.identity
            && self.token == other.token
            && self.permissions().eq(other.permissions())
    }
}

impl Eq for Who {}

impl Hash for Who {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity.hash(state);
        self.token.as_ref().map(Token::as_bytes).hash(state);
        self.permissions().for_each(|permission| permission.hash(state));
    }
}

impl Key {
    /// The key of a call; `None` where it cannot be told whose the answer is.
    pub(super) fn of<R: Cacheable>(request: &R, read: &Read, space: u64) -> Option<Self> {
        let caller = request.caller();
        let mut extra = Vec::new();
        let who = match &read.by {
            For::All => None,
            For::Caller => Some(Who::of(&caller)?),
            For::Same(whose) => {
                add(&mut extra, Some(whose(&caller)?.as_bytes()));
                None
            }
        };
        for name in &read.metadata {
            let values: Vec<_> = caller.metadata.values(name).collect();
            extra.extend((values.len() as u64).to_be_bytes());
            values.iter().for_each(|value| add(&mut extra, Some(value.as_bytes())));
        }
        Some(Self {
            space: (R::KIND == Kind::Client).then_some(space),
            method: request.key(),
            codec: request.codec(),
            arguments: Arguments(request.arguments().clone()),
            who,
            extra: (!extra.is_empty()).then(|| extra.into()),
        })
    }

    /// The same with memory of its own: arguments may be a slice of a buffer that is much larger.
    pub(super) fn owned(&self) -> Self {
        let arguments = Arguments(Payload::copy_from_slice(&self.arguments.0));
        Self { arguments, ..self.clone() }
    }

    /// Bytes that it takes beside its own size.
    pub(super) fn bytes(&self) -> usize {
        self.arguments.0.len() + self.extra.as_deref().map_or(0, <[u8]>::len)
    }

    /// Whether others than the channel that called may find it.
    #[cfg(feature = "redis")]
    pub(super) const fn is_for_others(&self) -> bool {
        self.space.is_none() || self.who.is_none()
    }

    /// Tells all of it, each part in a form that no other has; not the channel: who shares an answer shares that.
    #[cfg(feature = "redis")]
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        add(out, Some(self.method.to_string().as_bytes()));
        add(out, Some(&[u8::from(self.codec == Codec::Json)]));
        add(out, Some(&self.arguments.0));
        add(out, self.extra.as_deref());
        let Some(who) = &self.who else { return add(out, None) };
        match &who.identity {
            Identity::Unknown => add(out, Some(b"unknown")),
            Identity::Process { user, group, .. } => {
                add(out, Some(format!("process {user} {group}").as_bytes()));
            }
            Identity::Named(name) => add(out, Some(format!("named {name}").as_bytes())),
            #[cfg(feature = "tls")]
            Identity::Certificate(certificate) => {
                add(out, Some(b"certificate"));
                add(out, Some(certificate.der()));
            }
        }
        add(out, who.token.as_ref().map(Token::as_bytes));
        who.permissions().for_each(|permission| add(out, Some(permission.as_bytes())));
    }
}

/// Adds a part with its length, so that no two lists of parts are the same bytes.
fn add(out: &mut Vec<u8>, part: Option<&[u8]>) {
    out.extend(part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
    out.extend(part.unwrap_or_default());
}
