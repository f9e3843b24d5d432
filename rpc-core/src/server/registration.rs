//! A server that enters itself where clients look for it.

use super::running::Running;
use crate::{
    etcd::{Etcd, Registration},
    transport::{AddressError, IntoAddress},
};

impl Running {
    /// Enters the server in etcd, by the address at which others reach it, until it shuts down: its entry is taken back first,
    /// and the shutdown waits for that. It is renewed in the background, and made again when etcd has lost it; an etcd that is gone is
    /// asked again until it is back, which the log tells. To be called within a tokio runtime.
    ///
    /// # Errors
    /// `address` is none.
    pub fn register(&self, etcd: Etcd, address: impl IntoAddress) -> Result<(), AddressError> {
        let registration = Registration::new(etcd, address.into_address()?);
        let (shutdown, draining) = (self.shutdown_handle(), self.connections.draining.clone());
        self.connections.tasks.spawn(registration.keep(async move {
            tokio::select! {
                () = shutdown.begun() => {}
                // It may end without having been told to.
                () = draining.cancelled() => {}
            }
        }));
        Ok(())
    }
}
