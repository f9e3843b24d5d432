//! A few tokens that the program knows.

use std::{fmt, future::ready};

use super::{Authenticator, Credentials, Principal, Refusal};
use crate::proto::Token;

/// An [`Authenticator`] that knows a few fixed tokens, and whom each stands for. A token is compared with all of them,
/// each to its end: how long that takes tells nothing of what they hold.
///
/// ```
/// use rpc_core::{Principal, Server, StaticTokens};
///
/// let clerk = Principal::named("clerk").grant("orders:*");
/// let tokens = StaticTokens::new()
///     .with("s3cret of the clerk", clerk)
///     .without_token(Principal::anonymous());
/// let server = Server::new().authenticate(tokens);
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct StaticTokens {
    known: Vec<(Token, Principal)>,
    without: Option<Principal>,
}

impl StaticTokens {
    /// No tokens: everybody is refused.
    pub fn new() -> Self {
        Self::default()
    }

    /// A token, and whom it stands for. Of a token that is given twice, the last counts.
    pub fn with(mut self, token: impl Into<Token>, principal: Principal) -> Self {
        self.known.push((token.into(), principal));
        self
    }

    /// Lets in those who show no token, as `principal`. Otherwise they are refused, unless the transport tells more of
    /// them; that is for an authenticator of the program's own.
    pub fn without_token(mut self, principal: Principal) -> Self {
        self.without = Some(principal);
        self
    }

    fn find(&self, token: Option<&Token>) -> Result<Principal, Refusal> {
        let Some(token) = token else {
            let words = "a token is needed, and none came with this connection";
            return self.without.clone().ok_or_else(|| Refusal::new(words));
        };
        let mut found = None;
        // All of them, wherever it is found.
        for (known, principal) in &self.known {
            if known == token {
                found = Some(principal);
            }
        }
        found.cloned().ok_or_else(|| Refusal::new("the token is not known here"))
    }
}

impl Authenticator for StaticTokens {
    fn authenticate(
        &self,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Principal, Refusal>> + Send {
        ready(self.find(credentials.token.as_ref()))
    }
}

/// Without the tokens.
impl fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let principals = self.known.iter().map(|(_, principal)| principal.identity());
        f.debug_list().entries(principals).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_for_whom_it_was_given_with() {
        let tokens = StaticTokens::new()
            .with("one", Principal::named("a"))
            .with("two", Principal::named("b"))
            .with("one", Principal::named("c"));
        let name = |token: &str| {
            let found = tokens.find(Some(&token.into()));
            found.map(|principal| format!("{:?}", principal.identity()))
        };
        assert_eq!(name("one").unwrap(), r#"Named("c")"#);
        assert_eq!(name("two").unwrap(), r#"Named("b")"#);
        for token in ["", "on", "onE", "one "] {
            assert_eq!(name(token), Err(Refusal::new("the token is not known here")));
        }
        assert!(tokens.find(None).is_err());
        assert!(tokens.without_token(Principal::anonymous()).find(None).is_ok());
    }

    #[test]
    fn tokens_do_not_show() {
        let tokens = StaticTokens::new().with("hush", Principal::named("a"));
        assert_eq!(format!("{tokens:?}"), r#"[Named("a")]"#);
    }
}
