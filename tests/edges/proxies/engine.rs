//! A proxy as a child process, by its configuration in the documentation with other ports. It ends with the test.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::TcpStream;

#[derive(Clone, Copy, Debug)]
pub(super) enum Engine {
    HaProxy,
    Nginx,
}

/// A proxy that runs.
pub(super) struct Proxy {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Engine {
    /// Starts the engine in front of servers at these ports, and waits until it carries connections.
    pub(super) async fn start(self, servers: [u16; 3]) -> Proxy {
        // Somebody may have taken the port meanwhile.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let folder = TempDir::new().unwrap();
            let child = self.command(folder.path(), free, servers).spawn();
            let child = child.unwrap_or_else(|error| panic!("{self:?}: {error}: .ci/proxies"));
            let mut proxy = Proxy { child, port: free, _folder: folder };
            while proxy.child.try_wait().unwrap().is_none() {
                if TcpStream::connect(proxy.address()).await.is_ok() {
                    return proxy;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        panic!("{self:?} does not come up");
    }

    fn command(self, folder: &Path, port: u16, servers: [u16; 3]) -> Command {
        let (name, program) = match self {
            Self::HaProxy => ("haproxy.cfg", "haproxy"),
            Self::Nginx => ("nginx.conf", "nginx"),
        };
        let config = config(name, folder, port, servers);
        let mut command = Command::new(program);
        match self {
            Self::HaProxy => command.arg("-db").arg("-f").arg(config),
            Self::Nginx => {
                let log = folder.join("error.log");
                // One process: none is left when that is killed.
                let alone = "daemon off; master_process off;";
                command.arg("-p").arg(folder).arg("-e").arg(log).arg("-c").arg(config);
                command.args(["-g", alone])
            }
        };
        // What it says of itself is shown with a test that fails.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }
}

/// Writes the documented configuration with other ports, and with files of its own.
fn config(name: &str, folder: &Path, port: u16, servers: [u16; 3]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut text = fs::read_to_string(root.join("docs/deploy").join(name)).unwrap();
    let mut replace = |documented: &str, with: &str| {
        assert_eq!(text.matches(documented).count(), 1, "{documented} in {name}");
        text = text.replace(documented, with);
    };
    replace("127.0.0.1:7000", &format!("127.0.0.1:{port}"));
    for (documented, port) in [7001, 7002, 7003].into_iter().zip(servers) {
        replace(&format!("127.0.0.1:{documented}"), &format!("127.0.0.1:{port}"));
    }
    if name == "nginx.conf" {
        let within = |file: &str| folder.join(file).display().to_string();
        replace("/run/nginx.pid", &within("pid"));
        replace("/var/log/nginx/error.log", &within("error.log"));
    }
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

impl Proxy {
    /// Where it listens.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
