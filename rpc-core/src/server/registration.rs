//! A server that enters itself where clients look for it.

use std::net::IpAddr;

use super::running::Running;
use crate::{
    etcd::{Etcd, Registration},
    transport::{Address, AddressError, IntoAddress},
};

impl Running {
    /// Enters the server in etcd, by the address at which others reach it, until it shuts down: its entry is taken back first,
    /// and the shutdown waits for that. It is renewed in the background, and made again when etcd has lost it; an etcd that is gone is
    /// asked again until it is back, which the log tells. To be called within a tokio runtime.
    ///
    /// # Errors
    /// `address` is none, or none that others can dial: `0.0.0.0`, `[::]`, or port 0.
    pub fn register(&self, etcd: Etcd, address: impl IntoAddress) -> Result<(), AddressError> {
        let address = address.into_address()?;
        if is_anywhere(&address) {
            return Err(AddressError::anywhere(&address));
        }
        let registration = Registration::new(etcd, address);
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

/// Tells whether it is an address to listen at, of which nobody else knows where it is.
fn is_anywhere(address: &Address) -> bool {
    match address {
        Address::Tcp { host, port } | Address::Tls { host, port } => {
            *port == 0 || host.parse::<IpAddr>().is_ok_and(|host| host.is_unspecified())
        }
        _ => false,
    }
}
