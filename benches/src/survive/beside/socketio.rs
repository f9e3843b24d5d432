//! socket.io with its connection state recovery, where Node and the packages are: `SOCKET_IO=FOLDER` has them in
//! `FOLDER/node_modules` (`npm install socket.io socket.io-client`).

use std::{
    env,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::Command,
    time::{sleep, timeout},
};

use super::{CALLERS, PATIENCE, Seen, Upon, WORK, cutter};

/// Serves and calls in one process: the record is there.
const PROGRAM: &str = include_str!("socketio.cjs");

/// The folder that has the packages, if it was named.
pub(super) fn modules() -> Option<PathBuf> {
    env::var_os("SOCKET_IO").map(|folder| Path::new(&folder).join("node_modules"))
}

pub(super) async fn endure(modules: &Path, upon: Upon, cuts: usize) -> Result<Seen> {
    let mut program = Command::new("node");
    program.args(["-e", PROGRAM]).env("NODE_PATH", modules).kill_on_drop(true);
    let retries = if upon == Upon::Repetition { "retries" } else { "" };
    program.env("CALLERS", CALLERS.to_string()).env("WORK", WORK.as_millis().to_string());
    program.env("RETRIES", retries).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut program = program.spawn().context("node cannot be started")?;
    let mut told = program.stdin.take().context("stdin is piped")?;
    let mut tells = BufReader::new(program.stdout.take().context("stdout is piped")?).lines();
    let server = tells.next_line().await?.context("node ended before it listened")?;
    let cutter = cutter(&server).await?;
    told.write_all(format!("{}\n", cutter.address()).as_bytes()).await?;
    while cutter.cuts() < cuts {
        sleep(WORK).await;
    }
    told.write_all(b"end\n").await?;
    let line = timeout(PATIENCE, tells.next_line()).await.context("socket.io does not end")??;
    let seen: Seen = serde_json::from_str(&line.context("node ended without a word")?)?;
    Ok(Seen { cuts: cutter.cuts(), ..seen })
}
