//! A slow line between a client and a server, on the test's clock: so many bytes of its sender are on their way, as
//! in the buffers of systems and routers, and so many arrive each second.
//!
//! Both ends are Unix sockets: what is written to one can be read at once, so that the paused clock moves on only when
//! neither side has anything to do.

use std::{path::PathBuf, time::Duration};

use rpc_core::{Address, Running, Server};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    time::{MissedTickBehavior, interval},
};

/// The properties of a line, from its dialler to its acceptor; the other direction is fast.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Bytes that are on their way at most.
    pub(crate) holds: usize,
    /// Bytes that arrive in a second.
    pub(crate) speed: usize,
}

/// A server behind a line.
pub(crate) struct Behind {
    /// The near end.
    pub(crate) address: Address,
    _running: Running,
    _directory: TempDir,
}

/// The interval at which bytes arrive.
const TICK: Duration = Duration::from_millis(20);

impl Line {
    /// Starts `server` at the far end.
    pub(crate) async fn before(self, server: Server) -> Behind {
        let directory = TempDir::new().unwrap();
        let (near, far) = (directory.path().join("near"), directory.path().join("far"));
        let running = server.start(Address::Unix(far.clone())).await.unwrap();
        let listener = UnixListener::bind(&near).unwrap();
        tokio::spawn(self.serve(listener, far));
        Behind { address: Address::Unix(near), _running: running, _directory: directory }
    }

    async fn serve(self, listener: UnixListener, far: PathBuf) {
        while let Ok((near, _)) = listener.accept().await {
            let (near_read, mut near_write) = near.into_split();
            let (mut far_read, far_write) = UnixStream::connect(&far).await.unwrap().into_split();
            tokio::spawn(self.carry(near_read, far_write));
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut far_read, &mut near_write).await;
                let _ = near_write.shutdown().await;
            });
        }
    }

    async fn carry(
        self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> std::io::Result<()> {
        let share = (self.speed as u128 * TICK.as_millis() / 1000) as usize;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut held, mut open) = (Vec::new(), true);
        while open || !held.is_empty() {
            let room = self.holds.saturating_sub(held.len());
            let mut bytes = (&mut from).take(room as u64);
            tokio::select! {
                biased;
                read = bytes.read_buf(&mut held), if open && room > 0 => open = read? > 0,
                _ = ticks.tick() => {
                    let arrived: Vec<u8> = held.drain(..share.min(held.len())).collect();
                    to.write_all(&arrived).await?;
                }
            }
        }
        to.shutdown().await
    }
}
