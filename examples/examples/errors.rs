//! The errors of a call, and how a program tells them apart.

use rpc_core::{CallError, Code, Schema, Server, service};
use serde::{Deserialize, Serialize};

/// The service's own error, which reaches the caller typed.
#[derive(Debug, Serialize, Deserialize, Schema, thiserror::Error)]
enum BankError {
    #[error("{missing} are missing")]
    TooPoor { missing: u64 },
}

#[service]
trait Bank {
    /// Takes money out; returns the new balance.
    async fn withdraw(&self, amount: u64) -> Result<u64, BankError>;
}

struct Vault;

impl Bank for Vault {
    async fn withdraw(&self, amount: u64) -> Result<u64, BankError> {
        100_u64
            .checked_sub(amount)
            .ok_or(BankError::TooPoor { missing: amount.saturating_sub(100) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::new().with(BankServer::new(Vault)).start("127.0.0.1:0").await?;
    let bank = BankClient::connect(server.address()).await?;

    for amount in [30, 130] {
        match bank.withdraw(amount).await {
            Ok(left) => println!("took {amount}, {left} are left"),
            Err(CallError::App(BankError::TooPoor { missing })) => {
                println!("cannot take {amount}: {missing} are missing");
            }
            Err(CallError::Status(status)) => println!("the call itself failed: {status}"),
        }
    }

    // A call that was certainly not started is safe to repeat elsewhere.
    let address = server.address().clone();
    server.shutdown().await;
    if let Err(CallError::Status(status)) = bank.withdraw(1).await {
        assert_eq!(status.code(), Code::Unavailable);
        println!("after the shutdown: safe to retry = {}", status.is_safe_to_retry());
    }
    let again = BankClient::connect(address).await;
    println!("it can still be connected to = {}", again.is_ok());
    Ok(())
}
