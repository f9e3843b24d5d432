//! A server that takes the place of another one, without a moment in which nobody listens: the listening socket goes from
//! process to process.
//!
//! ```text
//! old process ──starts, with the socket as its standard input──▶ new process
//!      │  serves on                                                  │ serves as well: both accept
//!      ◀──────────────── READY=1 (as systemd is told) ───────────────┘
//!      drains, ends
//! ```

use std::{
    env, io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::net::UnixDatagram;

use super::{Running, ServeError, Server};
use crate::transport::{IntoAddress, given};

/// The variable that names the socket at which a supervisor listens.
const NOTIFY: &str = "NOTIFY_SOCKET";

/// What a server says there when it serves.
const READY: &[u8] = b"READY=1";

/// The pause between two looks at a child that has not said anything yet.
const PAUSE: Duration = Duration::from_millis(50);

impl Server {
    /// Serves in the background at the listening socket that this process was given, or at `address` if it was given none;
    /// then tells whoever has started it that it serves. A socket is given by systemd (`StandardInput=socket`, or any socket
    /// unit with the feature `listenfd`), by inetd and its like, and by [`Running::hand_over`]. Whoever started it is told as
    /// `Type=notify` asks for, if `NOTIFY_SOCKET` says where.
    ///
    /// ```no_run
    /// # use rpc_core::{Server, service};
    /// # #[service] trait Calculator { async fn add(&self, a: i64, b: i64) -> i64; }
    /// # struct Pocket;
    /// # impl Calculator for Pocket { async fn add(&self, a: i64, b: i64) -> i64 { a + b } }
    /// # async fn run() -> Result<(), rpc_core::ServeError> {
    /// let server = Server::new().with(CalculatorServer::new(Pocket));
    /// server.start_given("127.0.0.1:7000").await?.wait().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As for [`Self::start`]; and the socket is not one that can be served.
    ///
    /// # Cancel safety
    /// Safe: until it resolves, nothing listens.
    pub async fn start_given(self, address: impl IntoAddress) -> Result<Running, ServeError> {
        let running = match given().map_err(ServeError::Given)? {
            Some(listener) => self.start_on(listener)?,
            None => self.start(address).await?,
        };
        if let Err(error) = tell_ready().await {
            tracing::warn!(target: "rpc_core::server", %error, "whoever started this server cannot be told that it serves");
        }
        Ok(running)
    }
}

impl Running {
    /// Has another process take the place of this server: starts `command` with the listening socket as its standard input,
    /// waits until it says that it serves (see [`Server::start_given`]), and then ends this server in good order, as
    /// [`Self::shutdown`] does; [`Self::wait`] resolves when that is done. At no time does nobody listen: connections that come
    /// meanwhile are served by either. Channels of clients go on to the new process by themselves, with all calls that this one
    /// has not accepted.
    ///
    /// ```no_run
    /// # async fn run(running: rpc_core::Running) -> std::io::Result<()> {
    /// use std::{env, process::Command};
    ///
    /// // The same program with the same arguments, as it is on the disk by now.
    /// let mut arguments = env::args_os();
    /// let mut next = Command::new(arguments.next().unwrap_or_default());
    /// running.hand_over(next.args(arguments)).await?;
    /// running.wait().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The server has no listening socket or has stopped listening, the process cannot be started, or it ended before it
    /// served. This server goes on then.
    ///
    /// # Cancel safety
    /// Dropping the future leaves both processes serving.
    pub async fn hand_over(&self, command: &mut Command) -> io::Result<Child> {
        let socket = self.socket.duplicate()?;
        let ear = Ear::open()?;
        let child = command.env(NOTIFY, &ear.path).stdin(Stdio::from(socket)).spawn();
        // It holds a handle of the socket: when both servers have ended, nobody is to listen.
        command.stdin(Stdio::null()).env_remove(NOTIFY);
        let mut child = child?;
        ear.ready(&mut child).await?;
        self.socket.keep();
        self.shutdown_handle().shutdown();
        Ok(child)
    }
}

/// Where a child says that it serves.
struct Ear {
    path: PathBuf,
    socket: UnixDatagram,
}

impl Ear {
    fn open() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rpc-{}-{number}.ready", std::process::id());
        let path = env::temp_dir().join(name);
        // A process that had the same number may have left one.
        let _ = std::fs::remove_file(&path);
        Ok(Self { socket: UnixDatagram::bind(&path)?, path })
    }

    /// Resolves when the child serves.
    async fn ready(&self, child: &mut Child) -> io::Result<()> {
        let mut words = [0; 256];
        loop {
            tokio::select! {
                length = self.socket.recv(&mut words) => {
                    let said = &words[..length?];
                    if said.split(|byte| *byte == b'\n').any(|line| line == READY) {
                        return Ok(());
                    }
                }
                () = tokio::time::sleep(PAUSE) => {
                    if let Some(status) = child.try_wait()? {
                        let message = format!("the new process ended before it served: {status}");
                        return Err(io::Error::other(message));
                    }
                }
            }
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Tells whoever started this process that it serves, if that was asked for.
async fn tell_ready() -> io::Result<()> {
    let Some(path) = env::var_os(NOTIFY) else { return Ok(()) };
    let socket = UnixDatagram::unbound()?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = path.as_encoded_bytes().strip_prefix(b"@") {
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt as _;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        return socket.into_std()?.send_to_addr(READY, &address).map(drop);
    }
    socket.send_to(READY, Path::new(&path)).await.map(drop)
}
