//! TLS of a server: what it shows, whom it asks to show something, and how that is replaced while it runs.

use std::{fmt, path::PathBuf, sync::Arc, time::SystemTime};

use parking_lot::Mutex;
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        Error, InconsistentKeys, ServerConfig,
        crypto::aws_lc_rs::Ticketer,
        server::{
            NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier,
            danger::ClientCertVerifier,
        },
        version::TLS13,
    },
};

use super::{
    ALPN, HandshakeError, Party, Pem, TlsError, provider,
    stream::{goodbye, link, session},
};
use crate::transport::Link;

/// Spoken by those who call with a browser or curl, who are told what the port is.
const ALPN_HTTP: &[u8] = b"http/1.1";

/// Spoken by those where a server answers HTTP.
#[cfg(feature = "http")]
const ALPN_HTTP_2: &[u8] = b"h2";

/// The protocols that a server offers over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// That of this crate, and HTTP/1.1, in which others are told so.
    Ours,
    /// HTTP/2, too.
    #[cfg(feature = "http")]
    Http,
}

/// TLS of a [`Server`](crate::Server): a certificate with its key, and whether clients need one too. It speaks TLS 1.3.
///
/// Clones are the same: keep one to replace the certificate while the server runs, by [`Self::reload`].
///
/// ```no_run
/// # use rpc_core::{Server, service};
/// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
/// # struct Pocket;
/// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::tls::ServerTls;
///
/// let tls = ServerTls::from_files("server.pem", "server.key")?;
/// let server = Server::new().tls(tls.clone()).with(CalculatorServer::new(Pocket));
/// let running = server.start("0.0.0.0:7000").await?;
/// // The files were written anew.
/// tls.reload()?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ServerTls {
    current: Arc<Mutex<Current>>,
}

struct Current {
    shown: Shown,
    clients: Option<Clients>,
    tickets: Tickets,
    config: Arc<ServerConfig>,
    /// The same for servers that answer HTTP.
    #[cfg(feature = "http")]
    http: Arc<ServerConfig>,
}

/// The certificate of the server, with those between it and its authority, and its key.
#[derive(Clone)]
struct Shown {
    certificates: Pem,
    key: Pem,
}

/// What is asked of clients.
#[derive(Clone)]
struct Clients {
    authorities: Pem,
    demand: Demand,
}

/// Whether clients without a certificate are let in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    Required,
    Optional,
}

/// What seals the tickets of sessions that may go on. The tickets of clients end with the authorities that vouched for
/// those: a ticket is believed without another look at the certificate.
#[derive(Clone)]
struct Tickets {
    ticketer: Arc<dyn ProducesTickets>,
    /// The authorities, in DER.
    authorities: Vec<Vec<u8>>,
}

impl ServerTls {
    /// Shows the first of `certificates`, for which the key is; those that follow lead from it to its authority.
    ///
    /// # Errors
    /// There is no certificate or no key, a file cannot be read, or the two do not belong together.
    pub fn from_pem(certificates: impl Into<Pem>, key: impl Into<Pem>) -> Result<Self, TlsError> {
        let shown = Shown { certificates: certificates.into(), key: key.into() };
        Self::new(shown, None)
    }

    /// The same from two files, which [`Self::reload`] reads again.
    ///
    /// # Errors
    /// As for [`Self::from_pem`].
    pub fn from_files(
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        Self::from_pem(Pem::file(certificates), Pem::file(key))
    }

    /// Lets in those clients alone who show a certificate that one of these authorities vouches for (mutual TLS).
    /// Handlers see it as [`Identity::Certificate`](crate::Identity::Certificate).
    ///
    /// # Errors
    /// There is no certificate of an authority, or it cannot be read.
    pub fn client_certificates(self, authorities: impl Into<Pem>) -> Result<Self, TlsError> {
        self.ask(authorities.into(), Demand::Required)
    }

    /// Asks clients for a certificate, and lets those in who have none: handlers see who they are by
    /// [`Identity::Unknown`](crate::Identity::Unknown). A certificate that no authority vouches for is refused.
    ///
    /// # Errors
    /// As for [`Self::client_certificates`].
    pub fn optional_client_certificates(
        self,
        authorities: impl Into<Pem>,
    ) -> Result<Self, TlsError> {
        self.ask(authorities.into(), Demand::Optional)
    }

    /// Reads the files again and uses what they hold, of certificates, key and authorities, for connections that come
    /// from here on. Those that are open stay as they are. On error everything stays as it is.
    ///
    /// It reads the files where it is called. A certificate and its key that are written one after the other do not
    /// belong together in between: that is an error, and the next call is for the whole of it.
    ///
    /// # Errors
    /// As for [`Self::from_pem`].
    pub fn reload(&self) -> Result<(), TlsError> {
        self.renew(|_| {})
    }

    /// Shows another certificate, to connections that come from here on. On error everything stays as it is.
    ///
    /// # Errors
    /// As for [`Self::from_pem`].
    pub fn replace(
        &self,
        certificates: impl Into<Pem>,
        key: impl Into<Pem>,
    ) -> Result<(), TlsError> {
        let shown = Shown { certificates: certificates.into(), key: key.into() };
        self.renew(|parts| parts.0 = shown)
    }

    fn new(shown: Shown, clients: Option<Clients>) -> Result<Self, TlsError> {
        let current = Current::build(shown, clients, None)?;
        Ok(Self { current: Arc::new(Mutex::new(current)) })
    }

    fn ask(self, authorities: Pem, demand: Demand) -> Result<Self, TlsError> {
        let shown = self.current.lock().shown.clone();
        Self::new(shown, Some(Clients { authorities, demand }))
    }

    fn renew(&self, change: impl FnOnce(&mut (Shown, Option<Clients>))) -> Result<(), TlsError> {
        let (mut parts, tickets) = {
            let current = self.current.lock();
            ((current.shown.clone(), current.clients.clone()), current.tickets.clone())
        };
        change(&mut parts);
        let current = Current::build(parts.0, parts.1, Some(tickets))?;
        *self.current.lock() = current;
        Ok(())
    }

    /// Accepts a client. Who is refused has been told why when this resolves.
    pub(crate) async fn accept(&self, below: Link, offer: Offer) -> Result<Link, HandshakeError> {
        let config = match offer {
            Offer::Ours => Arc::clone(&self.current.lock().config),
            #[cfg(feature = "http")]
            Offer::Http => Arc::clone(&self.current.lock().http),
        };
        let mut stream = match TlsAcceptor::from(config).accept(below).into_fallible().await {
            Ok(stream) => stream,
            Err((error, below)) => {
                goodbye(below).await;
                return Err(HandshakeError::of(&error, Party::Server));
            }
        };
        let (below, state) = stream.get_ref();
        let (peer, session) = (below.peer().clone(), session(state));
        // A session that goes on is not looked at again, and the certificate may have expired meanwhile.
        let until = session.peer_certificate().and_then(|certificate| certificate.not_after());
        if session.is_resumed() && until.is_some_and(|until| until < SystemTime::now()) {
            let _ = stream.shutdown().await;
            goodbye(stream.into_inner().0).await;
            return Err(HandshakeError::Expired { whose: Party::Client, day: None });
        }
        Ok(link(stream, &peer, session, Party::Server))
    }
}

impl Current {
    fn build(
        shown: Shown,
        clients: Option<Clients>,
        before: Option<Tickets>,
    ) -> Result<Self, TlsError> {
        let (verifier, authorities) = match &clients {
            None => (WebPkiClientVerifier::no_client_auth(), Vec::new()),
            Some(clients) => (clients.verifier()?, clients.authorities()?),
        };
        let tickets = match before.filter(|before| before.authorities == authorities) {
            Some(before) => before,
            None => Tickets { ticketer: Ticketer::new().map_err(TlsError::setup)?, authorities },
        };
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13])
            .map_err(TlsError::setup)?
            .with_client_cert_verifier(verifier);
        let chain = shown.certificates.certificates()?;
        let mut config = builder
            .with_single_cert(chain, shown.key.key()?)
            .map_err(|error| unusable(&error, &shown.certificates, &shown.key))?;
        config.alpn_protocols = vec![ALPN.to_vec(), ALPN_HTTP.to_vec()];
        config.ticketer = Arc::clone(&tickets.ticketer);
        // Tickets hold all that is needed: nothing is kept here for those who may come back.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        #[cfg(feature = "http")]
        let http = {
            let mut http = config.clone();
            http.alpn_protocols = vec![ALPN.to_vec(), ALPN_HTTP_2.to_vec(), ALPN_HTTP.to_vec()];
            Arc::new(http)
        };
        Ok(Self {
            shown,
            clients,
            tickets,
            config: Arc::new(config),
            #[cfg(feature = "http")]
            http,
        })
    }
}

impl Clients {
    /// What looks at certificates.
    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let roots = Arc::new(self.authorities.authorities()?);
        let builder = WebPkiClientVerifier::builder_with_provider(roots, provider());
        let builder = match self.demand {
            Demand::Required => builder,
            Demand::Optional => builder.allow_unauthenticated(),
        };
        builder.build().map_err(TlsError::setup)
    }

    /// The authorities that it trusts, in DER.
    fn authorities(&self) -> Result<Vec<Vec<u8>>, TlsError> {
        let certificates = self.authorities.certificates()?;
        Ok(certificates.iter().map(|der| der.to_vec()).collect())
    }
}

/// Why a certificate and a key cannot be shown.
pub(super) fn unusable(error: &Error, certificates: &Pem, key: &Pem) -> TlsError {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::KeyMismatch { key: key.name(), certificates: certificates.name() }
        }
        Error::InvalidCertificate(reason) => {
            TlsError::Certificate { from: certificates.name(), reason: reason.to_string() }
        }
        Error::General(reason) => TlsError::Key { from: key.name(), reason: reason.clone() },
        error => TlsError::Key { from: key.name(), reason: error.to_string() },
    }
}

/// Shows where the certificate is from.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.current.lock().shown.clone();
        let mut debug = f.debug_struct("ServerTls");
        debug.field("certificates", &shown.certificates).field("key", &shown.key);
        debug.finish_non_exhaustive()
    }
}
