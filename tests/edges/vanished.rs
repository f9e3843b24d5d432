//! Peers that vanish without a word: a cable between two network namespaces is cut, and each side finds out by what the system
//! asks. Where this system lets nobody make namespaces, the tests say that they were skipped.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rpc_core::{Code, Endpoint, Reconnect, Server, TcpKeepalive};
use tests::{PlaygroundServer, RawPeer, SuccessionClient, Toys};
use tokio::sync::mpsc;

/// Time for finding out, which takes some 3 s by the options below.
const LONG: Duration = Duration::from_secs(60);

/// The defaults, but quick.
fn quick() -> TcpKeepalive {
    let second = Duration::from_secs(1);
    TcpKeepalive::new().idle(second).interval(second).probes(2).user_timeout(Some(3 * second))
}

/// A network namespace, and a cable to it.
struct Cable {
    name: String,
    /// This end and the other.
    addresses: (String, String),
    child: Option<Child>,
}

fn ip(arguments: &str) -> Result<(), String> {
    let ran = Command::new("ip").args(arguments.split(' ')).output();
    let ran = ran.map_err(|error| error.to_string())?;
    match ran.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned()),
    }
}

impl Cable {
    /// Lays a cable; `None` where that cannot be, which is said.
    fn lay() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = std::process::id() % 8000 * 4 + NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("rpc{number}");
        let subnet = format!("10.{}.{}", 128 + number / 256, number % 256);
        let cable = Self {
            addresses: (format!("{subnet}.1"), format!("{subnet}.2")),
            child: None,
            name: name.clone(),
        };
        let (near, far) = &cable.addresses;
        let laid = [
            format!("netns add {name}"),
            format!("link add {name}a type veth peer name {name}b netns {name}"),
            format!("addr add {near}/30 dev {name}a"),
            format!("link set {name}a up"),
            format!("-n {name} addr add {far}/30 dev {name}b"),
            format!("-n {name} link set {name}b up"),
        ];
        match laid.iter().try_for_each(|arguments| ip(arguments)) {
            Ok(()) => Some(cable),
            Err(why) => {
                skipped(&format!("no network namespace can be made here: {why}"));
                None
            }
        }
    }

    /// Runs a program at the other end.
    fn run(&mut self, program: &str, arguments: &[&str]) -> &mut Child {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        self.child.insert(command.spawn().unwrap())
    }

    fn cut(&self) {
        ip(&format!("-n {0} link set {0}b down", self.name)).unwrap();
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // The cable goes with its other end, and either may not be there.
        let _ = ip(&format!("link del {}a", self.name));
        let _ = ip(&format!("netns del {}", self.name));
    }
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests is to read it")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

#[tokio::test]
async fn a_client_finds_out_that_its_server_has_vanished() {
    let Some(mut cable) = Cable::lay() else { return };
    let book = tempfile::NamedTempFile::new().unwrap();
    let address = format!("{}:0", cable.addresses.1);
    let book = book.path().to_str().unwrap();
    let server = cable.run(env!("CARGO_BIN_EXE_successor"), &[&address, book]);
    let mut bound = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut bound).unwrap();
    // The protocol's own pings find it too, while calls are open; here the system is alone.
    let endpoint =
        Endpoint::new().keepalive(None).reconnect(Reconnect::off()).tcp_keepalive(quick());
    let connect = async || {
        let client = SuccessionClient::new(endpoint.connect(bound.trim()).await.unwrap());
        client.read(1).await.unwrap();
        client
    };
    let (idle, busy) = (connect().await, connect().await);
    cable.cut();
    let called = tokio::spawn(busy.read(2).into_future());
    let lost = tokio::time::timeout(LONG, idle.channel().closed()).await;
    assert_eq!(lost.expect("an idle one is found").unwrap_err().code(), Code::Unavailable);
    let called = tokio::time::timeout(LONG, called).await.expect("unacknowledged bytes are found");
    assert_eq!(called.unwrap().unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_server_finds_out_that_a_client_has_vanished() {
    let Some(mut cable) = Cable::lay() else { return };
    let (came, mut coming) = mpsc::unbounded_channel();
    let server = Server::new()
        .with(PlaygroundServer::new(Toys::default()))
        .tcp_keepalive(quick())
        .on_connection(move |connection| came.send(connection.closed()).unwrap());
    let running = server.start(format!("{}:0", cable.addresses.0)).await.unwrap();
    let (host, port) = running
        .address()
        .to_string()
        .rsplit_once(':')
        .map(|(host, port)| (host.to_owned(), port.to_owned()))
        .unwrap();
    let greeting = RawPeer::greeting().iter().fold(String::new(), |mut text, byte| {
        write!(text, "\\x{byte:02x}").unwrap();
        text
    });
    // A client that says hello, and nothing more.
    let says = format!("exec 3<>/dev/tcp/{host}/{port}; printf '{greeting}' >&3; exec sleep 300");
    cable.run("bash", &["-c", &says]);
    let closed = tokio::time::timeout(LONG, coming.recv()).await.expect("it says hello").unwrap();
    cable.cut();
    tokio::time::timeout(LONG, closed).await.expect("it is found");
    running.shutdown().await;
}
