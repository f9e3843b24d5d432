//! Options of a byte stream that was dialled, before anything is put around it.

use super::{DialError, Link, TcpKeepalive, connector::Connector};
use crate::transport::Address;

/// The wishes of an endpoint below all protocols.
#[derive(Clone, Debug, Default)]
pub(crate) struct Underlay {
    /// The system's watch over it, where it was said.
    pub(crate) keepalive: Option<TcpKeepalive>,
    /// Said first.
    #[cfg(feature = "proxy")]
    pub(crate) header: Option<super::proxy::ProxyHeader>,
}

impl Underlay {
    /// Does it to a link on which nothing was said.
    pub(crate) async fn lay(&self, link: &mut Link) -> std::io::Result<()> {
        if let Some(keepalive) = &self.keepalive {
            link.watch(keepalive);
        }
        #[cfg(feature = "proxy")]
        if let Some(header) = &self.header {
            header.say(link).await?;
        }
        Ok(())
    }
}

impl Link {
    /// Has the system watch over the connection as this says, if it is a socket of TCP.
    pub(crate) fn watch(&self, keepalive: &TcpKeepalive) {
        if let Err(error) = self.write.watch(keepalive) {
            let peer = self.peer();
            tracing::debug!(%error, %peer, "the system does not watch over this connection");
        }
    }
}

/// A connector of the program's own, below which an endpoint asks for something.
pub(crate) struct Underlaid<C> {
    pub(crate) connector: C,
    pub(crate) underlay: Underlay,
}

impl<C: Connector> Connector for Underlaid<C> {
    fn address(&self) -> Address {
        self.connector.address()
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let mut link = self.connector.connect().await?;
        let laid = self.underlay.lay(&mut link).await;
        laid.map_err(|reason| DialError::new(self.connector.address(), reason))?;
        Ok(link)
    }
}
