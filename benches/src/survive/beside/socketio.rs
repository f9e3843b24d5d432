//! socket.io with its connection state recovery, where Node and the packages are: `SOCKET_IO=FOLDER` has them in
//! `FOLDER/node_modules` (`npm install socket.io socket.io-client`).

use std::{
    env,
    io::{BufRead as _, BufReader, Lines, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result};
use tokio::{
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::{CALLERS, PATIENCE, Seen, Upon, WORK, cutter};

/// Serves and calls in one process: the record is there.
const PROGRAM: &str = include_str!("socketio.cjs");

/// The folder that has the packages, if it was named.
pub(super) fn modules() -> Option<PathBuf> {
    env::var_os("SOCKET_IO").map(|folder| Path::new(&folder).join("node_modules"))
}

/// Ends with its owner.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) async fn endure(modules: &Path, upon: Upon, cuts: usize) -> Result<Seen> {
    let mut program = Command::new("node");
    program.args(["-e", PROGRAM]).env("NODE_PATH", modules);
    let retries = if upon == Upon::Repetition { "retries" } else { "" };
    program.env("CALLERS", CALLERS.to_string()).env("WORK", WORK.as_millis().to_string());
    program.env("RETRIES", retries).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut program = Program(program.spawn().context("node cannot be started")?);
    let mut told = program.0.stdin.take().context("stdin is piped")?;
    let tells = BufReader::new(program.0.stdout.take().context("stdout is piped")?).lines();
    let (server, tells) = line(tells).await?;
    let cutter = cutter(&server).await?;
    writeln!(told, "{}", cutter.address())?;
    while cutter.cuts() < cuts {
        sleep(WORK).await;
    }
    writeln!(told, "end")?;
    let (figures, _) = timeout(PATIENCE, line(tells)).await.context("socket.io does not end")??;
    let seen: Seen = serde_json::from_str(&figures)?;
    Ok(Seen { cuts: cutter.cuts(), ..seen })
}

type Tells = Lines<BufReader<ChildStdout>>;

/// The next line that the program tells.
async fn line(mut tells: Tells) -> Result<(String, Tells)> {
    spawn_blocking(move || {
        let line = tells.next().context("node ended without a word")??;
        Ok((line, tells))
    })
    .await?
}
