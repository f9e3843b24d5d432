//! The playground served over one of the transports, with a client of it.

use std::future::Future;

use rpc_core::{Address, Codec, Endpoint, Reconnect, Running, Server};
use tempfile::TempDir;

use crate::{PlaygroundClient, PlaygroundServer, Toys};

/// A transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A TCP socket on loopback.
    Tcp,
    /// A Unix domain socket.
    Unix,
    /// A pipe in memory.
    Memory,
}

/// A server of the playground and a client of it.
#[derive(Debug)]
pub struct Served {
    /// The state of the implementation that tests watch.
    pub toys: Toys,
    /// A client.
    pub client: PlaygroundClient,
    /// The server; none over memory.
    pub running: Option<Running>,
    _directory: Option<TempDir>,
}

impl Served {
    /// Serves with the defaults.
    pub async fn over(transport: Transport, codec: Codec) -> Self {
        Self::with(Server::new(), transport, codec).await
    }

    /// Serves with the options of `server`.
    pub async fn with(server: Server, transport: Transport, codec: Codec) -> Self {
        let toys = Toys::default();
        let server = server.with(PlaygroundServer::new(toys.clone()));
        let directory = TempDir::new().expect("a temporary directory");
        let address = match transport {
            Transport::Tcp => Address::Tcp { host: "127.0.0.1".to_owned(), port: 0 },
            Transport::Unix => Address::Unix(directory.path().join("socket")),
            Transport::Memory => {
                let client = PlaygroundClient::in_memory(server);
                return Self { toys, client, running: None, _directory: None };
            }
        };
        let running = server.start(address).await.expect("a free address can be bound");
        let channel = Endpoint::new().codec(codec).connect(running.address()).await;
        let client = PlaygroundClient::new(channel.expect("the server listens"));
        Self { toys, client, running: Some(running), _directory: Some(directory) }
    }

    /// A client of the server whose channel ends with its connection.
    pub async fn client_once(&self) -> PlaygroundClient {
        let endpoint = Endpoint::new().reconnect(Reconnect::off());
        PlaygroundClient::new(endpoint.connect(self.address()).await.expect("the server listens"))
    }

    /// The address of the server.
    pub fn address(&self) -> &Address {
        self.running.as_ref().expect("not over memory").address()
    }
}

/// Runs a scenario over every transport with every codec.
pub fn each_transport_and_codec<S, F>(scenario: S)
where
    S: Fn(Served) -> F,
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for transport in [Transport::Tcp, Transport::Unix, Transport::Memory] {
        for codec in [Codec::Bincode, Codec::Json] {
            if (transport, codec) != (Transport::Memory, Codec::Json) {
                runtime.block_on(async { scenario(Served::over(transport, codec).await).await });
            }
        }
    }
}
