//! Tokens and two roles: a clerk reads orders, a manager cancels them, and whoever shows nothing is refused.
//!
//! `cargo run --example secure` plays all of it in one process. With an address it serves there until it is ended, for
//! the `rpc` program: `cargo run --example secure -- 127.0.0.1:7001`.

use std::{collections::BTreeSet, sync::Mutex};

use rpc_core::{
    Address, CallError, Code, Context, Endpoint, Principal, Server, StaticTokens, Status, service,
};

/// The orders of a shop.
#[service]
#[rpc(requires = "orders:read")]
trait Orders {
    /// How many orders are open.
    async fn count(&self) -> u64;
    /// Cancels an order.
    #[rpc(requires = "orders:write")]
    async fn cancel(&self, cx: &Context, number: u64) -> Result<String, Status>;
}

/// The open orders, by number.
struct Book(Mutex<BTreeSet<u64>>);

impl Orders for Book {
    async fn count(&self) -> u64 {
        self.0.lock().map_or(0, |open| open.len() as u64)
    }

    async fn cancel(&self, cx: &Context, number: u64) -> Result<String, Status> {
        // What depends on the arguments is for the method itself to check.
        if number == 1 && !cx.permits("orders:first") {
            return Err(Status::new(Code::PermissionDenied, "the first order stays"));
        }
        let mut open = self.0.lock().map_err(|_| Status::new(Code::Internal, "poisoned"))?;
        match open.remove(&number) {
            true => Ok(format!("{:?} cancelled order {number}", cx.identity())),
            false => Err(Status::new(Code::NotFound, format!("no order {number}"))),
        }
    }
}

const CLERK: &str = "token-of-the-clerk";
const MANAGER: &str = "token-of-the-manager";

/// Who may do what. A service of your own asks its accounts instead: see `rpc_core::Authenticator`.
fn roles() -> StaticTokens {
    StaticTokens::new()
        .with(CLERK, Principal::named("clerk").grant("orders:read"))
        .with(MANAGER, Principal::named("manager").grant_all(["orders:read", "orders:write"]))
}

/// How the server lets in.
fn guarded() -> Server {
    let book = Book(Mutex::new((1..=3).collect()));
    Server::new()
        .with(OrdersServer::new(book))
        .authenticate(roles())
        .reflection_requires("orders:read")
}

/// How clients get in.
fn endpoint(token: &str) -> Endpoint {
    Endpoint::new().name("secure").token(token)
}

/// The code of a refusal, and its words.
fn refusal<T>(result: Result<T, CallError>) -> Option<(Code, String)> {
    match result {
        Err(CallError::Status(status)) => Some((status.code(), status.message().to_owned())),
        _ => None,
    }
}

async fn play(address: &Address) -> Result<(), Box<dyn std::error::Error>> {
    let clerk = OrdersClient::new(endpoint(CLERK).connect(address).await?);
    println!("the clerk counts {} orders", clerk.count().await?);
    let (code, words) = refusal(clerk.cancel(2).await).ok_or("the clerk cancels an order")?;
    println!("the clerk may not cancel: {code}: {words}");
    assert_eq!(code, Code::PermissionDenied);

    // One call in the manager's name, over the clerk's connection.
    let cancelled = clerk.cancel(2).token(MANAGER).await?;
    println!("with the manager's token: {cancelled}");

    let manager = OrdersClient::new(endpoint(MANAGER).connect(address).await?);
    println!("the manager: {}", manager.cancel(3).await?);
    let (code, words) = refusal(manager.cancel(1).await).ok_or("the first order is gone")?;
    println!("even the manager is told: {code}: {words}");
    assert_eq!(manager.count().await?, 1);

    let stranger = OrdersClient::connect(address).await?;
    let (code, words) = refusal(stranger.count().await).ok_or("a stranger counts")?;
    println!("a stranger: {code}: {words}");
    assert_eq!(code, Code::Unauthenticated);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Some(address) = std::env::args().nth(1) {
        guarded().listen(address).await?;
        return Ok(());
    }
    let server = guarded().start("127.0.0.1:0").await?;
    play(server.address()).await?;
    server.shutdown().await;
    Ok(())
}
