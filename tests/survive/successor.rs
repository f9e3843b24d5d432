//! A server that hands over to another process of the same program when it is told to: `successor ADDRESS BOOK`.

#![allow(clippy::print_stdout, reason = "who starts it reads the address")]

use std::{
    env,
    error::Error,
    process::{Command, Stdio},
    time::Duration,
};

use rpc_core::Server;
use tests::{Ledger, Succeeding, SuccessionServer};

/// Whoever started it may have failed, and ends nobody any more.
const LONGEST: Duration = Duration::from_secs(300);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    tokio::time::timeout(LONGEST, serve()).await?
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(address), Some(book)) = (arguments.next(), arguments.next()) else {
        return Err("say ADDRESS and BOOK".into());
    };
    let (ledger, mut told) = Ledger::open(book)?;
    let server = Server::new().with(SuccessionServer::new(ledger));
    let running = server.start_given(address).await?;
    println!("{}", running.address());
    match told.recv().await {
        Some(Succeeding::HandOver) => {
            let mut arguments = env::args_os();
            let mut next = Command::new(arguments.next().unwrap_or_default());
            running.hand_over(next.args(arguments).stdout(Stdio::null())).await?;
            running.wait().await;
        }
        _ => running.shutdown().await,
    }
    Ok(())
}
