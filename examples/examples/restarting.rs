//! A server that hands over to a new process of the same program on SIGHUP, and ends in good order on SIGTERM.
//!
//! ```console
//! $ cargo run -p examples --example restarting -- 127.0.0.1:7002
//! ```

use std::{env, error::Error, process::Command};

use rpc_core::{Running, Server, service};

#[service]
trait Life {
    /// The number of the process that answers.
    #[rpc(idempotent)]
    async fn process(&self) -> u32;
}

struct Alive;

impl Life for Alive {
    async fn process(&self) -> u32 {
        std::process::id()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1);
    let server = Server::new().with(LifeServer::new(Alive));
    let running = server.start_given(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    println!("process {} serves at {}", std::process::id(), running.address());
    if address.is_none() {
        // As in tests: a moment is enough.
        let life = LifeClient::connect(running.address()).await?;
        assert_eq!(life.process().await?, std::process::id());
        running.shutdown().await;
        return Ok(());
    }
    let ended = running.until_signal()?;
    tokio::select! {
        () = ended => Ok(()),
        succeeded = succeed(&running) => succeeded,
    }
}

/// Hands over when it is told to, and again if the new process does not come up.
async fn succeed(running: &Running) -> Result<(), Box<dyn Error>> {
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    while hangup.recv().await.is_some() {
        let mut arguments = env::args_os();
        let mut next = Command::new(arguments.next().unwrap_or_default());
        match running.hand_over(next.args(arguments)).await {
            Ok(child) => {
                println!("process {} takes over", child.id());
                running.wait().await;
                break;
            }
            Err(error) => eprintln!("going on: {error}"),
        }
    }
    Ok(())
}
