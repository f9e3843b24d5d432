//! Whoever says who calls: a trait of the program's, or a closure.

use std::{borrow::Cow, fmt, future::Future, pin::Pin};

use super::Principal;
use crate::{
    proto::{Code, Status, Token},
    transport::Peer,
};

/// Says who is at the other end, and what it may do; given to a server by
/// [`Server::authenticate`](crate::Server::authenticate).
///
/// It is asked once for each connection, before anything of that starts, and for each token that comes with a call. A
/// closure from [`Credentials`] to a future is one; [`StaticTokens`](crate::StaticTokens) is one for a few fixed tokens.
///
/// ```
/// use rpc_core::{Authenticator, Credentials, Principal, Refusal, Token};
///
/// /// Asks a database.
/// struct Accounts;
///
/// impl Accounts {
///     async fn find(&self, token: &Token) -> Option<String> {
///         // …
/// #       token.as_str()?.strip_prefix("key-of-").map(str::to_owned)
///     }
/// }
///
/// impl Authenticator for Accounts {
///     async fn authenticate(&self, credentials: Credentials) -> Result<Principal, Refusal> {
///         let Some(token) = &credentials.token else { return Ok(Principal::anonymous()) };
///         match self.find(token).await {
///             Some(name) => Ok(Principal::named(name).grant("orders:read")),
///             None => Err("no account has this token".into()),
///         }
///     }
/// }
///
/// let server = rpc_core::Server::new().authenticate(Accounts);
/// ```
pub trait Authenticator: Send + Sync + 'static {
    /// Says who shows these credentials. The future is dropped when the time is over that
    /// [`Server::authenticate`](crate::Server::authenticate) tells of, or when the other end is gone: it must be safe to
    /// be dropped at any `.await`, and must not block its thread.
    ///
    /// # Errors
    /// Why the connection, or the call, is refused. Its words reach the caller.
    fn authenticate(
        &self,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Principal, Refusal>> + Send;
}

impl<F, R> Authenticator for F
where
    F: Fn(Credentials) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Principal, Refusal>> + Send,
{
    fn authenticate(
        &self,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Principal, Refusal>> + Send {
        self(credentials)
    }
}

/// What is known of a caller before it is judged. `Debug` does not show the token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The other end of the connection: its address, what the transport vouches for, and whatever else was learned when
    /// the connection was made.
    pub peer: Peer,
    /// The token, of the connection or of the call.
    pub token: Option<Token>,
}

/// Why a caller is not let in. Its words reach the caller: they are to say what to do, and nothing that only the server
/// may know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Refusal {
    pub(super) kind: Kind,
    words: Cow<'static, str>,
}

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The caller's.
    Refused,
    /// Nobody could say.
    Unjudged,
}

impl Refusal {
    /// The caller has not proved who it is: it is told `UNAUTHENTICATED`.
    #[must_use]
    pub fn new(words: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Kind::Refused, words: words.into() }
    }

    /// Nobody can say who the caller is for the time being, as when the directory of users does not answer: it is told
    /// `UNAVAILABLE`, so that it may try again.
    #[must_use]
    pub fn unavailable(words: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Kind::Unjudged, words: words.into() }
    }

    /// The end of a call that is refused.
    pub(crate) fn into_status(self) -> Status {
        let code = match self.kind {
            Kind::Refused => Code::Unauthenticated,
            Kind::Unjudged => Code::Unavailable,
        };
        Status::not_started(code, self.words)
    }

    /// The words, and whether they say that nobody could judge.
    pub(crate) fn is_unjudged(&self) -> bool {
        self.kind == Kind::Unjudged
    }
}

impl From<&'static str> for Refusal {
    fn from(words: &'static str) -> Self {
        Self::new(words)
    }
}

impl From<String> for Refusal {
    fn from(words: String) -> Self {
        Self::new(words)
    }
}

/// An [`Authenticator`] of any type.
pub(crate) trait Judge: Send + Sync + 'static {
    fn judge<'a>(
        &'a self,
        credentials: Credentials,
    ) -> Pin<Box<dyn Future<Output = Result<Principal, Refusal>> + Send + 'a>>;
}

impl<A: Authenticator> Judge for A {
    fn judge<'a>(
        &'a self,
        credentials: Credentials,
    ) -> Pin<Box<dyn Future<Output = Result<Principal, Refusal>> + Send + 'a>> {
        Box::pin(self.authenticate(credentials))
    }
}

impl fmt::Debug for dyn Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator")
    }
}
