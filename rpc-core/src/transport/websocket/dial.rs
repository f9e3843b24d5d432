//! Dialling a server's HTTP face for an upgrade.

use std::io;

use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{
        Error,
        client::IntoClientRequest as _,
        http::{HeaderValue, Request, header::SEC_WEBSOCKET_PROTOCOL},
    },
};

use super::{Messages, RPC, Socket, config};
use crate::transport::{Address, Connector, DialError, Link, Underlay};

/// Dials an address of WebSocket.
pub(crate) struct Dial {
    pub(crate) address: Address,
    pub(crate) tls: Below,
    pub(crate) underlay: Underlay,
}

/// What the WebSocket is put around.
pub(crate) enum Below {
    /// TCP.
    Plain,
    /// TLS, as this says.
    #[cfg(feature = "tls")]
    Tls(Box<crate::transport::tls::ClientTls>),
}

impl Below {
    /// What an address asks for.
    ///
    /// # Errors
    /// It asks for TLS, and there is none.
    pub(crate) fn of(address: &Address) -> Result<Self, DialError> {
        match address {
            #[cfg(feature = "tls")]
            Address::Wss { .. } => {
                let tls = crate::transport::tls::ClientTls::platform()?;
                Ok(Self::Tls(Box::new(tls.for_http())))
            }
            #[cfg(not(feature = "tls"))]
            Address::Wss { .. } => {
                let message =
                    "this program is built without TLS: turn on the feature `tls` of rpc-core";
                let reason = io::Error::new(io::ErrorKind::Unsupported, message);
                Err(DialError::new(address.clone(), reason))
            }
            _ => Ok(Self::Plain),
        }
    }
}

impl Connector for Dial {
    fn address(&self) -> Address {
        self.address.clone()
    }

    async fn connect(&self) -> Result<Link, DialError> {
        let failed = |reason| DialError::new(self.address.clone(), reason);
        let (Address::Ws { host, port, path } | Address::Wss { host, port, path }) = &self.address
        else {
            return Err(failed(io::ErrorKind::Unsupported.into()));
        };
        let dial = || self.address.dial_tcp(host, *port, &self.underlay);
        let link = match &self.tls {
            Below::Plain => dial().await?,
            #[cfg(feature = "tls")]
            Below::Tls(tls) => crate::transport::secure(tls, &self.address, dial).await?,
        };
        upgrade(link, host, *port, path).await.map_err(failed)
    }
}

/// Asks the other side of a link to go on with WebSocket.
async fn upgrade(link: Link, host: &str, port: u16, path: &str) -> io::Result<Link> {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let request = format!("ws://{host}:{port}{path}").into_client_request();
    let mut request: Request<()> = request.map_err(io::Error::other)?;
    request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(RPC));
    let peer = link.peer().clone();
    match client_async_with_config(request, link, Some(config())).await {
        Ok((stream, _)) => Ok(Link::new(Messages::new(Socket::new(stream)), peer)),
        Err(Error::Io(error)) => Err(error),
        Err(Error::Http(answer)) => {
            let said = answer.body().as_deref().unwrap_or_default();
            let said = String::from_utf8_lossy(said);
            let status = answer.status();
            let message =
                format!("the server does not go on with WebSocket: {status} {}", said.trim());
            Err(io::Error::other(message.trim_end().to_owned()))
        }
        Err(error) => Err(io::Error::other(format!("no WebSocket: {error}"))),
    }
}
