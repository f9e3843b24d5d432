//! Three servers in this process, which say whom they see, and restart where they are.

use std::{
    fs,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rpc_core::{
    Channel, Context, Http, Running, Schema, Server,
    health::HealthReporter,
    proxy::{Proxied, TrustedProxies},
    service,
};
use serde::{Deserialize, Serialize};
use tests::History;

/// A client as a server sees it.
#[derive(Clone, Debug, Serialize, Deserialize, Schema)]
pub(super) struct Seen {
    pub(super) address: String,
    pub(super) by_proxy: String,
    pub(super) destination: String,
}

/// Counted work.
#[service]
pub(super) trait Work {
    /// Runs, and gives the number of the server.
    async fn run(&self, number: u64) -> u32;
    /// The number of the server.
    #[rpc(idempotent)]
    async fn ping(&self) -> u32;
    /// The caller.
    async fn peer(&self, cx: &Context) -> Seen;
}

/// The work of a server, across restarts.
#[derive(Clone)]
struct Desk {
    number: u32,
    history: History,
    ran: Arc<AtomicU64>,
}

impl Work for Desk {
    async fn run(&self, number: u64) -> u32 {
        self.history.runs(number);
        self.ping().await
    }

    async fn ping(&self) -> u32 {
        self.ran.fetch_add(1, Ordering::SeqCst);
        self.number
    }

    async fn peer(&self, cx: &Context) -> Seen {
        let channel: Channel = cx.peer();
        let peer = channel.peer();
        let proxied: Option<&Proxied> = peer.get();
        let destination = proxied.and_then(Proxied::destination);
        Seen {
            address: cx.peer_address().to_string(),
            by_proxy: proxied.map(|by| by.proxy().to_string()).unwrap_or_default(),
            destination: destination.as_ref().map(SocketAddr::to_string).unwrap_or_default(),
        }
    }
}

/// The servers, and what all of them have run.
pub(super) struct Fleet {
    pub(super) history: History,
    max_age: Option<Duration>,
    desks: Vec<Desk>,
    running: Vec<Option<Running>>,
    ports: [u16; 3],
}

impl Fleet {
    pub(super) async fn start(max_age: Option<Duration>) -> Self {
        let history = History::default();
        let desks: Vec<_> = (0..3)
            .map(|number| Desk { number, history: history.clone(), ran: Arc::default() })
            .collect();
        let mut fleet =
            Self { history, max_age, desks, running: vec![None, None, None], ports: [0; 3] };
        for server in 0..3 {
            fleet.begin(server).await;
        }
        fleet
    }

    pub(super) const fn ports(&self) -> [u16; 3] {
        self.ports
    }

    /// Calls that a server has run.
    pub(super) fn ran(&self, server: usize) -> u64 {
        self.desks[server].ran.load(Ordering::SeqCst)
    }

    /// Ends a server in good order, and begins it anew at the same port.
    pub(super) async fn restart(&mut self, server: usize) {
        if let Some(running) = self.running[server].take() {
            running.shutdown().await;
        }
        self.begin(server).await;
    }

    async fn begin(&mut self, server: usize) {
        let running = Server::new()
            .with(WorkServer::new(self.desks[server].clone()))
            .http(Http::new())
            .health(&HealthReporter::new())
            .proxy_protocol(TrustedProxies::new(["127.0.0.1"]).unwrap())
            .max_connection_age(self.max_age)
            .start(format!("127.0.0.1:{}", self.ports[server]))
            .await
            .unwrap();
        let address: SocketAddr = running.address().to_string().parse().unwrap();
        self.ports[server] = address.port();
        self.running[server] = Some(running);
    }
}

/// Tells whether this process has a socket at `own` that is connected to `far`, by the system's own table.
pub(super) fn is_mine(own: &str, far: &str) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let shown = |address: &str| {
        let address: SocketAddr = address.parse().unwrap();
        format!("0100007F:{:04X}", address.port())
    };
    let (own, far) = (shown(own), shown(far));
    table.lines().any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields[1] == own && fields[2] == far
    })
}
