//! The answer to a call that began well, as layers see it.

use std::fmt;

use crate::proto::{Failure, Payload};

/// How a call ended whose answer was good, or had been so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ending<'a> {
    /// In good order: with its reply, or after its last item.
    Done,
    /// Its stream broke off.
    Failed(&'a Failure),
    /// Nobody reads its stream any more.
    Dropped,
}

/// The answer to a call: an encoded reply on the server, a [`ClientReply`](crate::layer::ClientReply) on the client.
pub trait Answer: Send + 'static {
    /// Tells `hook` of the end of the call: at once, unless items come first.
    fn on_end(&mut self, hook: impl FnOnce(Ending<'_>) + Send + Sync + 'static);

    /// The bytes of the encoded reply; none of a stream.
    fn reply(&self) -> Option<&Payload>;
}

/// On a server the handler's future is the whole life of its stream.
impl Answer for Payload {
    fn on_end(&mut self, hook: impl FnOnce(Ending<'_>) + Send + Sync + 'static) {
        hook(Ending::Done);
    }

    fn reply(&self) -> Option<&Payload> {
        Some(self)
    }
}

/// Tells of an end once.
type Hook = Box<dyn FnOnce(Ending<'_>) + Send + Sync>;

/// Those who are told of the end of a stream. Dropped before that, it tells them so.
#[derive(Default)]
pub(crate) struct Hooks(Vec<Hook>);

impl Hooks {
    pub(crate) fn add(&mut self, hook: impl FnOnce(Ending<'_>) + Send + Sync + 'static) {
        self.0.push(Box::new(hook));
    }

    /// Tells them, the one that was added first first: that is the innermost.
    pub(crate) fn tell(&mut self, ending: Ending<'_>) {
        std::mem::take(&mut self.0).into_iter().for_each(|hook| hook(ending));
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.tell(Ending::Dropped);
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hooks").field(&self.0.len()).finish()
    }
}
