//! TLS of a client: which servers it believes, and what it shows them.

use std::{fmt, path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use rustls_platform_verifier::Verifier;
use tokio::{io::AsyncWriteExt as _, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, NamedGroup,
        client::{Resumption, WebPkiServerVerifier, danger::ServerCertVerifier},
        crypto::CryptoProvider,
        pki_types::ServerName,
        version::TLS13,
    },
};

use super::{
    ALPN, HandshakeError, KeyPin, Party, Pem, TlsError, provider,
    server::unusable,
    sessions::{Exchange, Server, Sessions, Store},
    stream::{LINGER, goodbye, link, session},
    verify::Keys,
};
use crate::transport::{Address, Link, Protocol};

/// TLS of an [`Endpoint`](crate::Endpoint): which servers are believed, and the certificate that is shown to those who
/// ask for one. It speaks TLS 1.3.
///
/// Clones, and the clones of an endpoint, share the sessions that may go on: whoever connects again has less to do. Such a session
/// is one that began with a key exchange which holds against quantum computers, an hour ago at most; where the server does not
/// go on with it, it is dialled once more for a new one.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Endpoint, tls::{ClientTls, Pem}};
///
/// // An authority of one's own, and a certificate for servers that ask for one.
/// let tls = ClientTls::roots_pem(Pem::file("ca.pem"))?.identity_files("client.pem", "client.key")?;
/// let channel = Endpoint::new().tls(tls).connect("calculator.example:7000").await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ClientTls {
    verifier: Arc<dyn ServerCertVerifier>,
    identity: Option<(Pem, Pem)>,
    name: Option<ServerName<'static>>,
    sessions: Arc<Sessions>,
    hybrid: Arc<ClientConfig>,
    /// With X25519 alone, for sessions that go on; all else is the same.
    classical: Arc<ClientConfig>,
}

impl ClientTls {
    /// Believes servers for whom an authority vouches that the operating system trusts: its own verifier is asked
    /// where it has one (macOS, Windows, Android), and its certificates are used elsewhere. What `tls:host:port` does
    /// without more words.
    ///
    /// # Errors
    /// The machine has no such authorities, or they cannot be read.
    pub fn platform() -> Result<Self, TlsError> {
        /// Reading them takes milliseconds; and whoever dials by address alone goes on with earlier sessions too.
        static KNOWN: Mutex<Option<ClientTls>> = Mutex::new(None);
        let mut known = KNOWN.lock();
        if let Some(known) = &*known {
            return Ok(known.clone());
        }
        let verifier =
            Verifier::new(provider()).map_err(|error| TlsError::Platform(error.to_string()))?;
        let tls = Self::new(Arc::new(verifier), None, None)?;
        Ok(known.insert(tls).clone())
    }

    /// Believes servers for whom one of these authorities vouches, and no other.
    ///
    /// # Errors
    /// There is no certificate of an authority, or it cannot be read.
    pub fn roots_pem(authorities: impl Into<Pem>) -> Result<Self, TlsError> {
        let roots = Arc::new(authorities.into().authorities()?);
        let builder = WebPkiServerVerifier::builder_with_provider(roots, provider());
        let verifier = builder.build().map_err(TlsError::setup)?;
        Self::new(verifier, None, None)
    }

    /// The same from a file.
    ///
    /// # Errors
    /// As for [`Self::roots_pem`].
    pub fn roots_file(authorities: impl Into<PathBuf>) -> Result<Self, TlsError> {
        Self::roots_pem(Pem::file(authorities))
    }

    /// Believes servers that have one of these keys, whatever else their certificate says, as SSH does: neither its
    /// name nor its issuer nor its age counts. A second pin is that of the key which will replace the first.
    ///
    /// # Errors
    /// There is no pin.
    pub fn pinned(pins: impl IntoIterator<Item = KeyPin>) -> Result<Self, TlsError> {
        let pins: Vec<_> = pins.into_iter().collect();
        if pins.is_empty() {
            return Err(TlsError::NoPin);
        }
        Self::new(Arc::new(Keys { pins: Some(pins), provider: provider() }), None, None)
    }

    /// Believes whoever answers: what is said is hidden from those who listen, and not from those who stand in between.
    /// For a look at a server whose certificate is broken; for nothing else.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn dangerous_without_verification() -> Result<Self, TlsError> {
        Self::new(Arc::new(Keys { pins: None, provider: provider() }), None, None)
    }

    /// Shows a certificate to servers that ask for one: the first of `certificates`, for which the key is; those that
    /// follow lead from it to its authority.
    ///
    /// # Errors
    /// There is no certificate or no key, a file cannot be read, or the two do not belong together.
    pub fn identity_pem(
        self,
        certificates: impl Into<Pem>,
        key: impl Into<Pem>,
    ) -> Result<Self, TlsError> {
        Self::new(self.verifier, Some((certificates.into(), key.into())), self.name)
    }

    /// The same from two files.
    ///
    /// # Errors
    /// As for [`Self::identity_pem`].
    pub fn identity_files(
        self,
        certificates: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        self.identity_pem(Pem::file(certificates), Pem::file(key))
    }

    /// The name that the server's certificate has to have, where it is not the host that is dialled: behind a tunnel,
    /// or over a Unix socket. A DNS name or an IP address.
    ///
    /// # Errors
    /// It is neither.
    pub fn server_name(mut self, name: &str) -> Result<Self, TlsError> {
        self.name = Some(server_name(name)?);
        Ok(self)
    }

    /// The same, with that name unless another one was given.
    #[cfg(feature = "fleet")]
    pub(crate) fn with_default_name(self, name: &str) -> Result<Self, TlsError> {
        if self.name.is_some() { Ok(self) } else { self.server_name(name) }
    }

    fn new(
        verifier: Arc<dyn ServerCertVerifier>,
        identity: Option<(Pem, Pem)>,
        name: Option<ServerName<'static>>,
    ) -> Result<Self, TlsError> {
        let usual = provider();
        let build = |provider| {
            let builder = ClientConfig::builder_with_provider(provider)
                .with_protocol_versions(&[&TLS13])
                .map_err(TlsError::setup)?
                .dangerous()
                .with_custom_certificate_verifier(Arc::clone(&verifier));
            Ok(match &identity {
                None => builder.with_no_client_auth(),
                Some((certificates, key)) => builder
                    .with_client_auth_cert(certificates.certificates()?, key.key()?)
                    .map_err(|error| unusable(&error, certificates, key))?,
            })
        };
        let kx_groups = usual.kx_groups.iter().copied();
        let kx_groups = kx_groups.filter(|group| group.name() == NamedGroup::X25519).collect();
        let classical = CryptoProvider { kx_groups, ..(*usual).clone() };
        let (mut hybrid, mut classical) = (build(usual)?, build(Arc::new(classical))?);
        // Sessions are those of whoever shows the same, by its place in memory.
        classical.client_auth_cert_resolver = Arc::clone(&hybrid.client_auth_cert_resolver);
        for config in [&mut hybrid, &mut classical] {
            config.alpn_protocols = vec![ALPN.to_vec()];
        }
        let (hybrid, classical) = (Arc::new(hybrid), Arc::new(classical));
        Ok(Self { verifier, identity, name, sessions: Arc::default(), hybrid, classical })
    }

    /// The same for HTTP: what stands between two of this protocol may know no other.
    #[cfg(any(feature = "etcd", feature = "http"))]
    pub(crate) fn for_http(&self) -> Self {
        let changed = |config: &Arc<ClientConfig>| {
            let mut config = (**config).clone();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(config)
        };
        let (hybrid, classical) = (changed(&self.hybrid), changed(&self.classical));
        Self { hybrid, classical, ..self.clone() }
    }

    /// The name that a server at this address has to have.
    pub(crate) fn name_at(&self, address: &Address) -> Result<ServerName<'static>, TlsError> {
        match (&self.name, address) {
            (Some(name), _) => Ok(name.clone()),
            (
                None,
                Address::Tcp { host, .. }
                | Address::Tls { host, .. }
                | Address::Ws { host, .. }
                | Address::Wss { host, .. },
            ) => server_name(host),
            (None, other) => Err(TlsError::NoServerName(other.to_string())),
        }
    }

    /// Has a server prove who it is; `None` where a classical exchange was to go on with a session and does not: the next attempt, over
    /// another link, has a hybrid one. To be called within a tokio runtime.
    pub(crate) async fn connect(
        &self,
        mut below: Link,
        name: ServerName<'static>,
        attempt: Attempt,
    ) -> Result<Option<Link>, HandshakeError> {
        below.read.refuse_strangers(Protocol::Tls);
        let server = (name.clone(), below.peer().address().clone());
        let exchange = match attempt {
            Attempt::First => self.sessions.exchange_with(&server),
            Attempt::Again => Exchange::Hybrid,
        };
        let config = self.config(&server, exchange);
        let mut stream = match TlsConnector::from(config).connect(name, below).into_fallible().await
        {
            Ok(stream) => stream,
            Err((error, below)) => {
                // The server is to read why; whoever called need not wait for that.
                tokio::spawn(goodbye(below));
                if exchange == Exchange::Classical {
                    // It may be that the server has the hybrid exchange alone.
                    self.sessions.refused(&server);
                    return Ok(None);
                }
                return Err(HandshakeError::of(&error, Party::Client));
            }
        };
        let (below, state) = stream.get_ref();
        let (peer, session) = (below.peer().clone(), session(state));
        if exchange == Exchange::Classical && !session.is_resumed() {
            self.sessions.refused(&server);
            // Nothing was said inside of it; whoever called need not wait for a server that does not read.
            tokio::spawn(async move { timeout(LINGER, stream.shutdown()).await });
            return Ok(None);
        }
        if session.is_resumed() {
            self.sessions.resumed(&server, exchange);
        }
        Ok(Some(link(stream, &peer, session, Party::Client)))
    }

    /// A server of this name could not be dialled: it may be that it starts anew.
    pub(crate) fn unreachable(&self, name: &ServerName<'_>) {
        self.sessions.unreachable(name);
    }

    /// What a connection to a server is opened with.
    fn config(&self, server: &Server, exchange: Exchange) -> Arc<ClientConfig> {
        let mut config = ClientConfig::clone(match exchange {
            Exchange::Hybrid => &self.hybrid,
            Exchange::Classical => &self.classical,
        });
        let (sessions, server) = (Arc::clone(&self.sessions), server.clone());
        config.resumption = Resumption::store(Arc::new(Store::new(sessions, server, exchange)));
        Arc::new(config)
    }
}

/// Which attempt it is to connect to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The first one.
    First,
    /// The one after a session did not go on.
    Again,
}

fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsError::ServerName(name.to_owned()))
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = self.identity.as_ref().map(|(certificates, _)| certificates);
        let mut debug = f.debug_struct("ClientTls");
        debug.field("identity", &identity).field("server_name", &self.name);
        debug.finish_non_exhaustive()
    }
}
