//! Method keys.
use std::fmt;
/// Names a method and its signature on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MethodKey(u64);
impl MethodKey {
    /// From the wire.
    #[must_use]
    pub const fn from_u64(v: u64) -> Self {
        Self(v)
    }
    /// To the wire.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        self.0
    }
}
impl fmt::Display for MethodKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}
