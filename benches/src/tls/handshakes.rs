//! Connections that are opened one after the other: CPU of both sides for each, whole handshakes beside those that go on
//! with an earlier session, and beside connections without TLS.

use std::{fmt::Write as _, path::Path};

use anyhow::{Context, Result, ensure};
use rpc_core::{Channel, Endpoint, tls::ClientTls};

use crate::{
    gauge::{Clock, median, verdict},
    plan::Effort,
    process::ServerProcess,
    runtime,
    transport::certificates,
};

/// Connections of one round.
const DIALS: usize = 400;
/// Dials before any are counted.
const FIRST: usize = 20;
/// The most that a handshake that goes on may take, by a whole one.
const RESUMED_BAR: f64 = 0.5;

/// How a connection is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dial {
    Plain,
    Whole,
    Resumed,
}

impl Dial {
    const ALL: [Self; 3] = [Self::Plain, Self::Whole, Self::Resumed];

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "without TLS",
            Self::Whole => "a whole handshake",
            Self::Resumed => "one that goes on with a session",
        }
    }

    const fn transport(self) -> &'static str {
        match self {
            Self::Plain => "ours-tcp",
            Self::Whole | Self::Resumed => "ours-tls",
        }
    }
}

/// Measures all of them.
pub(super) fn measure(program: &Path, effort: Effort) -> Result<String> {
    let dials = (DIALS / effort.divide).max(2);
    let mut figures = [(); 3].map(|()| Vec::new());
    for _ in 0..effort.rounds {
        for (dial, figures) in Dial::ALL.into_iter().zip(&mut figures) {
            figures.push(cpu(program, dial, dials).with_context(|| dial.name())?);
        }
    }
    let [plain, whole, resumed] = figures.map(median);
    let mut text = String::from(
        "| a connection, its first reply and its end | CPU, both sides | the handshake of TLS alone | bar | |\n|---|---|---|---|---|\n",
    );
    writeln!(text, "| {} | {plain:.0} us | | | |", Dial::Plain.name())?;
    writeln!(text, "| {} | {whole:.0} us | {:.0} us | | |", Dial::Whole.name(), whole - plain)?;
    let held = verdict(resumed - plain <= RESUMED_BAR * (whole - plain));
    let (name, alone) = (Dial::Resumed.name(), resumed - plain);
    writeln!(
        text,
        "| {name} | {resumed:.0} us | {alone:.0} us | <= {RESUMED_BAR} of a whole one | {held} |"
    )?;
    Ok(text)
}

/// CPU of both sides for each of `dials` connections, in microseconds.
fn cpu(program: &Path, dial: Dial, dials: usize) -> Result<f64> {
    let server = ServerProcess::start(program, dial.transport())?;
    let runtime = runtime::usual()?;
    let endpoints = endpoints(dial, server.address(), FIRST + dials)?;
    let address = server.address().split(' ').next().unwrap_or_default();
    let (first, counted) = endpoints.split_at(FIRST);
    runtime.block_on(open(dial, address, first))?;
    let clock = Clock::start(server.pid())?;
    runtime.block_on(open(dial, address, counted))?;
    let (_, seconds) = clock.stop()?;
    Ok(seconds * 1e6 / dials as f64)
}

/// One for each connection, made before anything is counted: what is to be whole shares no session with another.
fn endpoints(dial: Dial, address: &str, count: usize) -> Result<Vec<Endpoint>> {
    if dial == Dial::Plain {
        return Ok(vec![Endpoint::new(); count]);
    }
    let (_, authority) = certificates::read(address)?;
    let new = || Ok(Endpoint::new().tls(ClientTls::roots_pem(&authority)?));
    match dial {
        Dial::Whole => (0..count).map(|_| new()).collect(),
        _ => Ok(vec![new()?; count]),
    }
}

async fn open(dial: Dial, address: &str, endpoints: &[Endpoint]) -> Result<()> {
    for (index, endpoint) in endpoints.iter().enumerate() {
        let channel: Channel = endpoint.connect(address).await?;
        // Tickets come before the first reply.
        channel.ready().await?;
        let resumed = channel.peer().tls().is_some_and(|session| session.is_resumed());
        // The first of all has nothing to go on with.
        let may_differ = dial == Dial::Resumed && index == 0;
        ensure!(may_differ || resumed == (dial == Dial::Resumed), "{dial:?}: {resumed}");
        channel.close().await?;
    }
    Ok(())
}
