//! Servers that are found in a real etcd, which is restarted, killed, and forgets everything. With `PROXIES=1`, as `bash
//! .ci/proxies` has it.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rpc_core::{Endpoint, Running, Server, etcd::Etcd, service};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{LONG, skipped};

/// Says who answers.
#[service]
trait Who {
    #[rpc(idempotent)]
    async fn number(&self) -> u32;
}

struct Numbered(u32);

impl Who for Numbered {
    async fn number(&self) -> u32 {
        self.0
    }
}

/// An etcd of one member, on loopback.
struct Member {
    child: Option<Child>,
    ports: [u16; 2],
    folder: TempDir,
    /// Names the data that it has.
    life: u32,
}

impl Member {
    async fn start() -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (ports, folder) = ([free(), free()], TempDir::new().unwrap());
        let mut member = Self { child: None, ports, folder, life: 0 };
        member.begin().await;
        member
    }

    async fn begin(&mut self) {
        let [clients, peers] = self.ports.map(|port| format!("http://127.0.0.1:{port}"));
        let data: PathBuf = self.folder.path().join(self.life.to_string());
        let mut command = Command::new("etcd");
        command.args(["--name", "one", "--log-level", "error", "--data-dir"]).arg(data);
        command.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        command.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        command.args(["--initial-cluster", &format!("one={peers}")]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap_or_else(|error| panic!("{error}: .ci/proxies")));
        while TcpStream::connect(("127.0.0.1", self.ports[0])).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn place(&self) -> String {
        format!("etcd://127.0.0.1:{}/services/who", self.ports[0])
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server that is entered, with the shortest lease that etcd gives.
async fn entered(number: u32, place: &str) -> Running {
    let server = Server::new().with(WhoServer::new(Numbered(number)));
    let running = server.start("127.0.0.1:0").await.unwrap();
    let etcd: Etcd = place.parse().unwrap();
    let address = running.address().clone();
    running.register(etcd.lease(Duration::from_secs(2)), address).unwrap();
    running
}

/// Calls until exactly these servers answer, some times in a row.
async fn until_served_by(client: &WhoClient, servers: &[u32]) {
    let expected: BTreeSet<u32> = servers.iter().copied().collect();
    loop {
        let mut seen = BTreeSet::new();
        for _ in 0..60 {
            seen.insert(client.number().timeout(LONG).await.unwrap());
        }
        if seen == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The servers that somebody finds who has not looked before.
async fn newcomer(place: &str) -> WhoClient {
    loop {
        match Endpoint::new().connect(place).await {
            Ok(channel) => return WhoClient::new(channel),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_is_found_in_etcd_and_outlives_it() {
    if std::env::var_os("PROXIES").is_none() {
        skipped("PROXIES is not set: bash .ci/proxies runs etcd");
        return;
    }
    let run = async {
        let mut member = Member::start().await;
        let place = member.place();
        let (one, two) = (entered(1, &place).await, entered(2, &place).await);
        let client = newcomer(&place).await;
        until_served_by(&client, &[1, 2]).await;
        let three = entered(3, &place).await;
        until_served_by(&client, &[1, 2, 3]).await;
        // One that ends in good order is gone for those who look at once.
        two.shutdown().await;
        until_served_by(&newcomer(&place).await, &[1, 3]).await;
        until_served_by(&client, &[1, 3]).await;

        // An etcd that is gone changes nothing: what was known stays, longer than any lease.
        member.kill();
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < Duration::from_secs(4) {
            client.number().timeout(LONG).await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        until_served_by(&client, &[1, 3]).await;
        // It comes back with what it had; whoever enters now is found, by those who looked before.
        member.begin().await;
        let four = entered(4, &place).await;
        until_served_by(&client, &[1, 3, 4]).await;
        until_served_by(&newcomer(&place).await, &[1, 3, 4]).await;

        // It comes back and has forgotten everything: all enter themselves again.
        member.kill();
        member.life += 1;
        member.begin().await;
        until_served_by(&newcomer(&place).await, &[1, 3, 4]).await;
        until_served_by(&client, &[1, 3, 4]).await;
        for running in [one, three, four] {
            running.shutdown().await;
        }
        assert!(
            Endpoint::new().connect_timeout(Duration::from_secs(2)).connect(&*place).await.is_err()
        );
    };
    tokio::time::timeout(LONG, run).await.expect("it hangs");
}

#[tokio::test]
async fn a_server_is_not_entered_by_an_address_that_nobody_can_dial() {
    let running = Server::new().start("127.0.0.1:0").await.unwrap();
    let etcd = || "etcd://127.0.0.1:1/services/who".parse::<Etcd>().unwrap();
    for anywhere in ["0.0.0.0:7000", "[::]:7000", "tls:0.0.0.0:7000", "10.0.0.5:0"] {
        let error = running.register(etcd(), anywhere).unwrap_err().to_string();
        assert!(error.contains("others cannot reach a server there"), "{error}");
    }
    assert!(running.register(etcd(), "nonsense").is_err());
    for wrong in ["127.0.0.1:7000", "etcd://127.0.0.1:2379", "etcd://127.0.0.1:2379/", "etcd://"] {
        let error = wrong.parse::<Etcd>().unwrap_err().to_string();
        assert!(error.contains("write etcd://host:2379/prefix"), "{error}");
    }
    // Nobody is there to be told: that does not hold the end up for long.
    running.register(etcd(), "127.0.0.1:7000").unwrap();
    tokio::time::timeout(LONG, running.shutdown()).await.expect("it ends");
}
