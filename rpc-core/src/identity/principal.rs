//! A caller that was judged.

use std::{any::Any, sync::Arc};

use super::Permissions;
use crate::{extensions::Extensions, transport::Identity};

/// Who a caller is, and what it may do: what an [`Authenticator`](crate::Authenticator) says. A clone is cheap.
///
/// ```
/// use rpc_core::Principal;
///
/// let clerk = Principal::named("ada").grant("orders:*").grant("stock:read");
/// assert!(clerk.permits("orders:write") && !clerk.permits("stock:write"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Principal(Arc<Known>);

#[derive(Clone, Debug, Default)]
struct Known {
    identity: Identity,
    permissions: Permissions,
    extensions: Extensions,
}

impl Principal {
    /// A caller of this identity, who may do nothing that a method requires a permission for.
    #[must_use]
    pub fn new(identity: Identity) -> Self {
        Self(Arc::new(Known { identity, ..Known::default() }))
    }

    /// A caller of this name.
    #[must_use]
    pub fn named(name: impl Into<Arc<str>>) -> Self {
        Self::new(Identity::Named(name.into()))
    }

    /// A caller of whom no more is known than the transport tells.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// With one more permission, or all that a pattern such as `orders:*` stands for: see [`Permissions`].
    #[must_use]
    pub fn grant(mut self, permission: &str) -> Self {
        self.known().permissions.grant(permission);
        self
    }

    /// With all of these permissions.
    #[must_use]
    pub fn grant_all<S: AsRef<str>>(mut self, permissions: impl IntoIterator<Item = S>) -> Self {
        self.known().permissions.extend(permissions);
        self
    }

    /// With a value of the program's own, such as the tenant; one of the same type that is there already goes.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.known().extensions.insert(value);
        self
    }

    /// Who it is; [`Identity::Unknown`] leaves that to the transport.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// What was granted.
    #[must_use]
    pub fn permissions(&self) -> &Permissions {
        &self.0.permissions
    }

    /// Tells whether it may do what needs this permission.
    #[must_use]
    pub fn permits(&self, permission: &str) -> bool {
        self.0.permissions.permits(permission)
    }

    /// The value of this type that was put in by [`Self::with`].
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.extensions.get()
    }

    /// Whether the program has put values of its own in.
    #[cfg(feature = "cache")]
    pub(crate) fn has_values(&self) -> bool {
        !self.0.extensions.is_empty()
    }

    fn known(&mut self) -> &mut Known {
        Arc::make_mut(&mut self.0)
    }
}
