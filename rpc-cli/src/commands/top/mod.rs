//! `rpc top`: a server at work, on a terminal. It is asked at each interval; what is shown is what has come between two
//! answers.
//!
//! ```text
//!  keys ─▶ Screen (which view, order, filter) ─┐
//!  server ─▶ Samples (rates between answers) ──┴─▶ draw
//! ```

mod draw;
mod keys;
mod rows;
mod samples;
mod screen;
#[cfg(test)]
mod tests;

use std::{io::IsTerminal as _, time::Duration};

use anyhow::{Context as _, Result};
use crossterm::event::{Event, EventStream, KeyEventKind};
use futures_util::StreamExt as _;
use rpc_core::inspect::CallQuery;
use tokio::time::{MissedTickBehavior, interval};

use self::{
    keys::Action,
    samples::{Sample, Samples},
    screen::{Screen, View},
};
use crate::{
    exit::Failure,
    inspected::{self, Inspected},
    output,
    patience::{Patience, span},
};

const EXAMPLES: &str = "\
Keys:
  1 2 3        methods, calls, connections
  ↑ ↓          choose a row
  Enter        the calls of the chosen method
  s            sort by the next column
  r            reverse the order
  /            filter
  K            end the chosen call
  p            pause
  q            quit

The server has to allow it: Server::inspect.

Examples:
  rpc top 127.0.0.1:7000
  rpc top 127.0.0.1:7000 --interval 250ms
  rpc top 127.0.0.1:7000 --once                    print the methods once, for scripts";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where the server listens: host:port or unix:/path.
    pub(super) address: String,
    /// How often to ask the server, 100ms at least.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = span)]
    interval: Duration,
    /// Print the figures of one interval and exit.
    #[arg(long)]
    once: bool,
}

/// The shortest interval.
const SHORTEST: Duration = Duration::from_millis(100);

/// Calls that are asked for at once.
const MOST_CALLS: u32 = 500;

pub(super) async fn run(args: Args, patience: Patience) -> Result<()> {
    if args.interval < SHORTEST {
        return Err(Failure::usage("--interval has to be at least 100ms").into());
    }
    if !args.once && !std::io::stdout().is_terminal() {
        let message = "rpc top needs a terminal: --once prints what it would show";
        return Err(Failure::usage(message).into());
    }
    let server = inspected::connect(&args.address, patience).await?;
    let mut samples = Samples::default();
    // What is wrong is told before the terminal is taken.
    samples.add(sample(&server, View::Methods, None).await?);
    if args.once {
        tokio::time::sleep(args.interval).await;
        samples.add(sample(&server, View::Methods, None).await?);
        draw::once(&samples).iter().for_each(|line| output::line(line));
        return Ok(());
    }
    let mut terminal = ratatui::try_init().context("cannot take the terminal")?;
    let watched = watch(&mut terminal, &server, samples, args.interval).await;
    ratatui::restore();
    watched
}

async fn sample(server: &Inspected, view: View, method: Option<&str>) -> Result<Sample> {
    let overview = server.overview().await?;
    let query = || CallQuery {
        method: method.map(str::to_owned),
        older_than: None,
        limit: Some(MOST_CALLS),
    };
    let (mut calls, mut connections) = (None, None);
    match view {
        View::Methods => {}
        View::Calls => calls = Some(server.calls(query()).await?),
        View::Connections => connections = Some(server.connections().await?),
    }
    Ok(Sample { at: std::time::Instant::now(), overview, calls, connections })
}

async fn watch(
    terminal: &mut ratatui::DefaultTerminal,
    server: &Inspected,
    mut samples: Samples,
    every: Duration,
) -> Result<()> {
    let mut screen = Screen::new(&server.server.address);
    let mut events = EventStream::new();
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        terminal.draw(|frame| draw::draw(frame, &mut screen, &samples))?;
        let mut ask = false;
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(Event::Key(key))) if key.kind != KeyEventKind::Release => {
                    match keys::press(&mut screen, &samples, key) {
                        Action::Leave => return Ok(()),
                        Action::Draw => {}
                        Action::Ask => ask = true,
                        Action::Kill(call) => {
                            screen.said = Some(match server.kill(call).await {
                                Ok(was) => format!("ended call {call}: {}", was.method),
                                Err(error) => format!("{error:#}"),
                            });
                            ask = true;
                        }
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error).context("cannot read the keys"),
                None => return Ok(()),
            },
            _ = ticks.tick() => ask = !screen.paused,
        }
        if ask {
            match sample(server, screen.view, screen.method.as_deref()).await {
                Ok(sample) => {
                    samples.add(sample);
                    screen.lost = None;
                }
                Err(error) => screen.lost = Some(format!("{error:#}")),
            }
        }
    }
}
