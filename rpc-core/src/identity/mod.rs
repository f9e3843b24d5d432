//! Who calls, and what the caller may do.
//!
//! ```text
//! connection: peer, token of its hello ─┐
//! call:       peer, token of its head ──┴─▶ Credentials ─▶ Authenticator ─▶ Principal: identity and permissions
//!                                                (within a time, by Gate)   └▶ Refusal, in words
//! ```
//!
//! What the transport vouches for is the peer's own, and stands where nobody judges.

mod authenticator;
mod gate;
mod permissions;
mod principal;
mod static_tokens;

pub(crate) use authenticator::Judge;
pub use authenticator::{Authenticator, Credentials, Refusal};
pub(crate) use gate::{Gate, Verdicts};
pub use permissions::Permissions;
pub use principal::Principal;
pub use static_tokens::StaticTokens;
