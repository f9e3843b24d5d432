//! The context of a call: metadata, the time that remains, and cancellation.

use std::{sync::Arc, time::Duration};

use rpc_core::{Context, Server, service};
use tokio::sync::Notify;

#[service]
trait Kitchen {
    /// Returns the name of the guest and the time that remains.
    async fn order(&self, cx: &Context, dish: String) -> String;
    /// Never ends by itself.
    async fn stew(&self, cx: &Context);
}

#[derive(Clone, Default)]
struct Chef {
    cooking: Arc<Notify>,
    cleaned: Arc<Notify>,
}

impl Kitchen for Chef {
    async fn order(&self, cx: &Context, dish: String) -> String {
        let table = cx.metadata().value("table").unwrap_or("unknown").to_owned();
        let patience = cx.remaining().map_or("for ever", |left| {
            if left > Duration::from_secs(5) { "for a while" } else { "not for long" }
        });
        format!("{dish} for table {table}, which waits {patience}")
    }

    async fn stew(&self, cx: &Context) {
        // A task of its own outlives the handler: it watches for the end of the call.
        let (call, cleaned) = (cx.clone(), Arc::clone(&self.cleaned));
        tokio::spawn(async move {
            call.cancelled().await;
            cleaned.notify_one();
        });
        self.cooking.notify_one();
        std::future::pending::<()>().await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let chef = Chef::default();
    let server = Server::new().with(KitchenServer::new(chef.clone())).start("127.0.0.1:0").await?;
    let kitchen = KitchenClient::connect(server.address()).await?;

    let soup = kitchen.order("soup").metadata("table", "7");
    println!("{}", soup.timeout(Duration::from_secs(60)).await?);
    println!("{}", kitchen.order("bread").await?);

    // Dropping a call cancels it: here because another future is ready first.
    tokio::select! {
        _ = kitchen.stew() => println!("the stew is done"),
        () = chef.cooking.notified() => println!("the guest leaves while the stew is cooking"),
    }
    chef.cleaned.notified().await;
    println!("the kitchen has noticed");

    // A deadline does the same, on both sides.
    let late = kitchen.stew().timeout(Duration::from_millis(50)).await;
    chef.cleaned.notified().await;
    println!("the next one gives up: {}", late.is_err());
    Ok(())
}
