//! Peers that come by mistake or with bad intent, on every face of one port, plain and with TLS: what each is told, what the
//! server keeps of them, and what clients see that are served meanwhile.
//!
//! Strangers use the machine's CPUs as well, wherever they go: so clients are looked at while the same strangers are at another
//! server of this machine, and then while they are at theirs.

mod friends;

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use ::tests::{
    PlaygroundServer, Sights, TourServer, Toys, http2,
    strangers::{FACES, Face, Sent, dial, meet, rows},
};
use anyhow::{Result, bail};
use futures_util::{StreamExt as _, stream};
use rpc_core::{Http, Server};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::sleep};

use self::friends::{Friends, Seen};
use crate::{
    gauge::verdict,
    memory,
    plan::Effort,
    process::ServerProcess,
    runtime,
    transport::{
        Listening,
        certificates::{self, Certificates},
    },
};

/// The server without TLS, and that with it.
const NAMES: [&str; 2] = ["strangers", "strangers-tls"];

/// True for the servers of this bench.
pub fn is_ours(name: &str) -> bool {
    NAMES.contains(&name)
}

/// How long heads, bodies and silence may take: so that a round is short.
const SHORT: Duration = Duration::from_millis(700);

/// Serves one of them.
///
/// # Errors
/// It cannot listen.
pub async fn serve(name: &str) -> Result<Listening> {
    let server = Server::new()
        .handshake_timeout(SHORT)
        .with(PlaygroundServer::new(Toys::default()))
        .with(TourServer::new(Sights))
        .http(Http::new().head_timeout(SHORT).body_timeout(SHORT));
    if name == NAMES[0] {
        let running = server.start("127.0.0.1:0").await?;
        return Ok(Listening::new(running.address().to_string(), running));
    }
    if name != NAMES[1] {
        bail!("no server is called {name}");
    }
    let (certificates, tls): (Certificates, _) = certificates::ours()?;
    let running = server.tls(tls).start("127.0.0.1:0").await?;
    Ok(Listening::new(certificates.address(running.address()), (running, certificates)))
}

/// Peers that are there at once.
const AT_ONCE: usize = 24;

/// Connections of the last case.
const COME_AND_GO: usize = 5000;

/// What clients that are well may see of it: p99 while strangers are at their server, by that while they are at another.
const P99_BAR: f64 = 2.0;

/// What the server may grow by a second round and all after it, in KiB.
const GROWTH_BAR: u64 = 8 << 10;

/// A port, as its strangers know it.
struct Port {
    /// `host:port`.
    place: String,
    /// Who vouches for it.
    authority: Option<String>,
    /// The server.
    pid: u32,
}

/// Meets all of them, on a port without TLS and on one with it.
///
/// # Errors
/// A server cannot be started, or does not serve a client that is well.
pub fn strangers(program: &Path, effort: Effort) -> Result<String> {
    let come_and_go = COME_AND_GO / effort.divide;
    memory::allow_open_files(memory::SPARE_FILES)?;
    let mut text = String::new();
    for name in NAMES {
        let servers = [ServerProcess::start(program, name)?, ServerProcess::start(program, name)?];
        let [port, other] = servers.each_ref().map(Port::of);
        let runtime = runtime::usual()?;
        let said = runtime.block_on(port.measure(&other, effort, come_and_go))?;
        writeln!(text, "{said}")?;
        runtime.shutdown_background();
    }
    Ok(text)
}

impl Port {
    fn of(server: &ServerProcess) -> Self {
        let (place, authority) = match certificates::read(server.address()) {
            Ok((address, authority)) => (address.replace("tls:", ""), Some(authority)),
            Err(_) => (server.address().to_owned(), None),
        };
        Self { place, authority, pid: server.pid() }
    }

    async fn measure(&self, other: &Self, effort: Effort, come_and_go: usize) -> Result<String> {
        let pid = self.pid;
        // What it has open with nobody there: the one that listens, and those of its runtime.
        let own = memory::sockets(pid)?;
        let friends = Friends::begin(&self.place, self.authority.as_deref()).await?;
        sleep(effort.warm_up).await;
        friends.seen()?;
        sleep(effort.window).await;
        let alone = friends.seen()?;
        for _ in 0..effort.rounds {
            other.round(come_and_go).await;
        }
        let elsewhere = friends.seen()?;
        // What a first round leaves is the allocator's, and what is made once.
        let told = self.round(come_and_go).await;
        settled(pid, own + friends.count()).await?;
        let before = memory::resident(pid)?;
        let mut most = before;
        friends.seen()?;
        for _ in 0..effort.rounds {
            let mut round = std::pin::pin!(self.round(come_and_go));
            loop {
                tokio::select! {
                    _ = &mut round => break,
                    () = sleep(POLL) => most = most.max(memory::resident(pid)?),
                }
            }
        }
        let beside = friends.seen()?;
        let left = settled(pid, own + friends.count()).await?;
        let after = memory::resident(pid)?;
        let names = friends.end().await?;
        let mut text = self.table(&told)?;
        text += &seen_by(&names, [&alone, &elsewhere, &beside])?;
        let grown = after.saturating_sub(before) >> 10;
        let held = verdict(grown <= GROWTH_BAR);
        writeln!(text, "\n| the server | | bar | |\n|---|---|---|---|")?;
        writeln!(
            text,
            "| memory behind the first round, most, at the end | {}, {}, {} KiB | grown by <= {GROWTH_BAR} | {held} |",
            before >> 10,
            most >> 10,
            after >> 10
        )?;
        writeln!(text, "| connections left | {left} | 0 | {} |", verdict(left == 0))?;
        Ok(text)
    }

    /// Meets each of them once, many at a time, and lets those of the last case come and go.
    async fn round(&self, come_and_go: usize) -> Vec<(u8, Face, String)> {
        let rows = rows();
        let met = rows.iter().map(|row| async {
            let io = dial(&self.place, self.authority.as_deref()).await;
            let answer = meet(io, row.face, &row.send).await;
            let fits = row.told.fits(&answer).await;
            let told = said(row.face, &answer).await;
            (row.case, row.face, if fits { told } else { format!("{told} (WRONG)") })
        });
        let met = stream::iter(met.collect::<Vec<_>>()).buffered(AT_ONCE).collect();
        let churn = async {
            for turn in 0..come_and_go {
                let Ok(mut socket) = TcpStream::connect(&self.place).await else { continue };
                // Some say how they would begin.
                let opening = FACES[turn % FACES.len()].opening();
                let _ = socket.write_all(&opening[..opening.len() * (turn % 3) / 2]).await;
                let _ = socket.set_zero_linger();
            }
        };
        let (mut met, ()): (Vec<_>, ()) = tokio::join!(met, churn);
        met.extend(self.of_other_layers().await);
        met
    }

    /// Those who speak TLS where it is not spoken, or do not where it is.
    async fn of_other_layers(&self) -> Vec<(u8, Face, String)> {
        let hello = vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
        let mut met = Vec::new();
        for face in FACES {
            let (case, bytes) = match self.authority {
                None => (6, hello.clone()),
                Some(_) => (7, [face.opening(), face.request().into_bytes()].concat()),
            };
            let answer = meet(dial(&self.place, None).await, Face::Raw, &Sent::AtOnce(bytes)).await;
            met.push((case, face, said(Face::Raw, &answer).await));
        }
        met
    }

    /// What each was told, a row for each case.
    fn table(&self, told: &[(u8, Face, String)]) -> Result<String> {
        let mut text = match self.authority {
            None => String::from("| case |"),
            Some(_) => String::from("| case, inside of TLS |"),
        };
        for face in FACES {
            write!(text, " {face:?} |")?;
        }
        writeln!(text, "\n|---|{}", "---|".repeat(FACES.len()))?;
        for case in 1..=13 {
            if !told.iter().any(|(known, ..)| *known == case) {
                continue;
            }
            write!(text, "| {case} |")?;
            for face in FACES {
                let of = told.iter().find(|(known, of, _)| (*known, *of) == (case, face));
                write!(text, " {} |", of.map_or("", |(.., told)| told))?;
            }
            writeln!(text)?;
        }
        writeln!(text)?;
        Ok(text)
    }
}

/// In short what was answered before the end.
async fn said(face: Face, answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let statuses: Vec<&str> = text
        .match_indices("HTTP/1.1 ")
        .filter_map(|(at, start)| text[at + start.len()..].get(..3))
        .collect();
    let behind_upgrade = statuses == ["101"];
    if !statuses.is_empty() && !behind_upgrade {
        return statuses.join(", ");
    }
    let head = answer.windows(4).position(|part| part == b"\r\n\r\n").filter(|_| behind_upgrade);
    let inside = &answer[head.map_or(0, |at| at + 4)..];
    if face == Face::SocketOfTexts && behind_upgrade {
        let code = inside.windows(4).rev().find(|part| part[0] == 0x88 && part[1] >= 2);
        return code.map_or_else(
            || "closed".to_owned(),
            |part| format!("close {}", u16::from_be_bytes([part[2], part[3]])),
        );
    }
    if face == Face::Http2
        && let Some(reason) = http2::goaway(inside).await
    {
        return format!("goaway {reason}");
    }
    let told = match inside {
        [] => "closed",
        [0x15, 3, ..] => "TLS alert",
        // Settings, and the end.
        [0, ..] if face == Face::Http2 => "closed",
        _ => "goaway",
    };
    told.to_owned()
}

/// What clients saw: alone, while strangers were at another server, and while they were at theirs.
fn seen_by(names: &[&str], [alone, elsewhere, beside]: [&[Seen]; 3]) -> Result<String> {
    let mut text = String::from(
        "| a client that is well, a call each ms: calls, p50, p99 us | alone | strangers at another server | at this one \
         | p99 of these two | bar | |\n",
    );
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    for (at, name) in names.iter().enumerate() {
        let [alone, elsewhere, beside] = [alone, elsewhere, beside].map(|seen| &seen[at]);
        let ratio = beside.at(0.99) as f64 / elsewhere.at(0.99) as f64;
        let figures =
            |seen: &Seen| format!("{}, {}, {}", seen.count(), seen.at(0.5), seen.at(0.99));
        writeln!(
            text,
            "| {name} | {} | {} | {} | {ratio:.2}x | < {P99_BAR}x | {} |",
            figures(alone),
            figures(elsewhere),
            figures(beside),
            verdict(ratio < P99_BAR)
        )?;
    }
    Ok(text)
}

/// Waits until the server has no more sockets than these; gives how many more it has even so.
async fn settled(pid: u32, known: u64) -> Result<u64> {
    let began = Instant::now();
    loop {
        let more = memory::sockets(pid)?.saturating_sub(known);
        if more == 0 || began.elapsed() > PATIENCE {
            return Ok(more);
        }
        sleep(POLL).await;
    }
}

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
