//! A chat with rooms, in terminals over raw TCP and in browsers, on one port.
//!
//! ```sh
//! cargo run --example chat -- server            # prints the address of its page
//! cargo run --example chat -- client --nick ada
//! ```
//! Without arguments it shows itself: a server and three members in one process.

mod client;
mod page;
mod service;
mod terminal;

use std::{error::Error, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use rpc_core::{Address, Resume, Server};
use tokio::sync::mpsc;

use client::{Command, Member, Shown};
use service::protocol::Event;
use terminal::Look;

/// The longest wait for the last messages to be shown when the program ends.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A server of a chat without rooms. Who is in a room stays there when the cable is cut for a moment.
fn server() -> Server {
    Server::new().name("chat").with(service::chat()).http(page::http()).resume(Resume::new())
}

/// A chat with rooms.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Serve the chat until Ctrl-C.
    Server {
        /// The address to listen on: host:port or unix:/path.
        #[arg(long, default_value = "127.0.0.1:7100")]
        listen: String,
    },
    /// Join the chat; /help lists the commands.
    Client {
        /// The nickname that other members see.
        #[arg(long)]
        nick: String,
        /// The room to join first.
        #[arg(long, default_value = "lobby")]
        room: String,
        /// The address of the server.
        #[arg(default_value = "127.0.0.1:7100")]
        address: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Arguments::parse().role {
        Some(Role::Server { listen }) => serve(&listen).await,
        Some(Role::Client { nick, room, address }) => take_part(nick, room, address).await,
        None => demonstrate().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(listen: &str) -> Result<(), Box<dyn Error>> {
    let running = server().start(listen).await?;
    println!("{}", running.address());
    println!("join with: cargo run --example chat -- client --nick NAME {}", running.address());
    if matches!(running.address(), Address::Tcp { .. }) {
        println!("or in a browser: http://{}/", running.address());
    }
    tokio::signal::ctrl_c().await?;
    // Without a grace period: members notice at once, and have no calls to finish.
    running.shutdown_handle().abort();
    running.wait().await;
    Ok(())
}

async fn take_part(nick: String, room: String, address: String) -> Result<(), Box<dyn Error>> {
    let (shown, events) = mpsc::unbounded_channel();
    let (commands, orders) = mpsc::channel(16);
    let member = Member::new(&address, nick.clone(), room, shown)?.run(orders);
    let terminal = terminal::run(&nick, commands, events);
    tokio::pin!(member, terminal);
    tokio::select! {
        // The user has left, or the server has refused this member: the last messages are still shown.
        end = &mut member => {
            let _ = tokio::time::timeout(LAST_WORDS, terminal).await;
            end?;
        }
        () = &mut terminal => {}
    }
    Ok(())
}

/// A conversation of three members, over real sockets.
async fn demonstrate() -> Result<(), Box<dyn Error>> {
    let running = server().start("127.0.0.1:0").await?;
    let mut ada = Actor::enter(running.address(), "ada").await?;
    let mut bob = Actor::enter(running.address(), "bob").await?;
    let eve = Actor::enter(running.address(), "eve").await?;
    ada.order(Command::Say("Hello! Is this raw TCP?".to_owned())).await?;
    ada.until(|shown| matches!(shown, Shown::Event(Event::Said(_)))).await?;
    bob.order(Command::Say("It is. Both ways.".to_owned())).await?;
    ada.until(|shown| matches!(shown, Shown::Event(Event::Said(_)))).await?;
    ada.order(Command::Tell { nick: "bob".to_owned(), text: "lunch?".to_owned() }).await?;
    bob.until(|shown| matches!(shown, Shown::Private(_))).await?;
    drop(eve);
    ada.until(|shown| matches!(shown, Shown::Event(Event::Left(_)))).await?;
    ada.order(Command::Who).await?;
    ada.until(|shown| matches!(shown, Shown::Answer(client::Answer::Who(_)))).await?;
    Ok(())
}

/// A member that is driven by the program.
struct Actor {
    nick: &'static str,
    commands: mpsc::Sender<Command>,
    shown: mpsc::UnboundedReceiver<Shown>,
}

impl Actor {
    async fn enter(address: &Address, nick: &'static str) -> Result<Self, Box<dyn Error>> {
        let (shown, events) = mpsc::unbounded_channel();
        let (commands, orders) = mpsc::channel(16);
        let room = "lobby".to_owned();
        let member = Member::new(&address.to_string(), nick.to_owned(), room, shown)?;
        tokio::spawn(member.run(orders));
        let mut actor = Self { nick, commands, shown: events };
        actor.until(|shown| matches!(shown, Shown::Event(Event::Welcome { .. }))).await?;
        Ok(actor)
    }

    async fn order(&self, command: Command) -> Result<(), Box<dyn Error>> {
        Ok(self.commands.send(command).await?)
    }

    /// Prints the messages that this member sees, up to the awaited one.
    async fn until(&mut self, wanted: impl Fn(&Shown) -> bool) -> Result<(), Box<dyn Error>> {
        loop {
            let shown = self.shown.recv().await.ok_or("the member is gone")?;
            println!("[{}] {}", self.nick, Look::plain().show(&shown));
            if wanted(&shown) {
                return Ok(());
            }
        }
    }
}
