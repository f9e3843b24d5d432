//! A type that has nothing of what travelling needs gives one error, however many methods name it; so does one that is
//! described but not serde's.

use rpc_core::{Schema, Server, Shared, Stream, Streaming, service};

struct User;

struct Sent;

struct Item;

struct Fault;

#[derive(Schema)]
struct Described {
    name: String,
}

#[service]
trait Directory {
    async fn find(&self, name: String) -> User;
    async fn put(&self, user: User) -> Result<User, Fault>;
    async fn all(&self, described: Described) -> Described;
    fn list(&self) -> impl Stream<Item = Result<Item, Fault>>;
    fn watch(&self) -> impl Stream<Item = Shared<Item>>;
    async fn fill(&self, items: Streaming<Sent>) -> Result<(), Fault>;
}

fn serve(directory: impl Directory) -> DirectoryClient {
    DirectoryClient::in_memory(Server::new().with(DirectoryServer::new(directory)))
}

async fn ask(client: DirectoryClient) {
    let _ = client.put(User).await;
    let _ = client.find("Ada").await;
}

fn main() {}
