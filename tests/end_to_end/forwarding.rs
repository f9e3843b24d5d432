//! Clients where an implementation of the trait is wanted: what works on one works on the other.

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use rpc_core::{
    Code, Codec, Context, Endpoint, Schema, Server, Shared, Status, Streaming, service,
};
use serde::{Deserialize, Serialize};

/// An error that is made of a status where the call itself fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
enum ShelfError {
    NoSuchBook(String),
    Unreachable(String),
}

impl From<Status> for ShelfError {
    fn from(status: Status) -> Self {
        Self::Unreachable(status.to_string())
    }
}

/// Every kind of method that has a place for the failure of a call.
#[service]
trait Library: std::fmt::Debug + Clone {
    async fn find(&self, title: String) -> Result<u64, ShelfError>;
    async fn whoami(&self, cx: &Context, greeting: String) -> Result<Shared<String>, Status>;
    #[rpc(oneway)]
    async fn note(&self, line: String);
    fn books(&self, shelf: u32) -> impl Stream<Item = Result<String, ShelfError>>;
    fn ordered(&self) -> Result<impl Stream<Item = Result<Shared<u32>, Status>>, Status>;
    async fn opened(&self, shelf: u32)
    -> impl Stream<Item = Result<u32, Status>> + Unpin + 'static;
    async fn watched(
        &self,
        shelf: u32,
    ) -> Result<impl Stream<Item = Result<u32, ShelfError>>, ShelfError>;
    async fn store(&self, books: Streaming<String>, shelf: u32) -> Result<usize, Status>;
    fn echo(&self, books: Streaming<Shared<String>>) -> impl Stream<Item = Result<String, Status>>;
}

#[derive(Clone, Debug)]
struct House;

fn closed() -> Status {
    Status::new(Code::FailedPrecondition, "closed")
}

impl Library for House {
    async fn find(&self, title: String) -> Result<u64, ShelfError> {
        if title == "none" { Err(ShelfError::NoSuchBook(title)) } else { Ok(title.len() as u64) }
    }

    async fn whoami(&self, cx: &Context, greeting: String) -> Result<Shared<String>, Status> {
        let name = cx.metadata().value("name").ok_or_else(closed)?;
        Ok(format!("{greeting} {name}").into())
    }

    async fn note(&self, _line: String) {}

    fn books(&self, shelf: u32) -> impl Stream<Item = Result<String, ShelfError>> {
        let error = ShelfError::NoSuchBook("the third".to_owned());
        stream::iter([Ok(format!("{shelf}a")), Ok(format!("{shelf}b")), Err(error)])
    }

    fn ordered(&self) -> Result<impl Stream<Item = Result<Shared<u32>, Status>>, Status> {
        Ok(stream::iter([Ok(Shared::new(1)), Err(closed())]))
    }

    async fn opened(
        &self,
        shelf: u32,
    ) -> impl Stream<Item = Result<u32, Status>> + Unpin + 'static {
        stream::iter([Ok(shelf)])
    }

    async fn watched(
        &self,
        shelf: u32,
    ) -> Result<impl Stream<Item = Result<u32, ShelfError>>, ShelfError> {
        if shelf == 0 {
            return Err(ShelfError::NoSuchBook("zero".to_owned()));
        }
        Ok(stream::iter([Ok(shelf)]))
    }

    async fn store(&self, books: Streaming<String>, shelf: u32) -> Result<usize, Status> {
        let books: Vec<String> = books.try_collect().await?;
        Ok(books.len() + shelf as usize)
    }

    fn echo(&self, books: Streaming<Shared<String>>) -> impl Stream<Item = Result<String, Status>> {
        books.map(|book| Ok(book?.to_uppercase()))
    }
}

/// Takes an implementation, wherever it is.
async fn check(library: &impl Library) {
    assert_eq!(library.find("book".to_owned()).await, Ok(4));
    let none = ShelfError::NoSuchBook("none".to_owned());
    assert_eq!(library.find("none".to_owned()).await, Err(none));
    library.note("line".to_owned()).await;
    let books: Vec<_> = library.books(7).collect().await;
    let error = ShelfError::NoSuchBook("the third".to_owned());
    assert_eq!(books, [Ok("7a".to_owned()), Ok("7b".to_owned()), Err(error)]);
    let ordered: Vec<_> = library.ordered().unwrap().collect().await;
    assert_eq!(ordered, [Ok(Shared::new(1)), Err(closed())]);
    assert_eq!(library.opened(3).await.next().await, Some(Ok(3)));
    let watched = library.watched(5).await.unwrap();
    assert_eq!(watched.collect::<Vec<_>>().await, [Ok(5)]);
    let zero = ShelfError::NoSuchBook("zero".to_owned());
    assert_eq!(library.watched(0).await.err(), Some(zero));
}

/// Hands on to a library what it is asked.
#[service]
trait Branch {
    async fn ask(&self, cx: &Context) -> Result<String, Status>;
    async fn hand_on(&self, books: Streaming<String>) -> Result<usize, Status>;
    fn echo(&self, books: Streaming<Shared<String>>) -> impl Stream<Item = Result<String, Status>>;
}

/// One that has the library at hand, or far away: it does not know.
struct Office<L>(L);

impl<L: Library> Branch for Office<L> {
    async fn ask(&self, cx: &Context) -> Result<String, Status> {
        Ok(self.0.whoami(cx, "hello".to_owned()).await?.into_inner())
    }

    async fn hand_on(&self, books: Streaming<String>) -> Result<usize, Status> {
        self.0.store(books, 10).await
    }

    fn echo(&self, books: Streaming<Shared<String>>) -> impl Stream<Item = Result<String, Status>> {
        self.0.echo(books)
    }
}

async fn check_branch(branch: BranchClient) {
    assert_eq!(branch.ask().metadata("name", "ada").await, Ok("hello ada".to_owned()));
    assert_eq!(branch.ask().await.unwrap_err().code(), Code::FailedPrecondition);
    let books = || stream::iter(["a".to_owned(), "b".to_owned()]);
    assert_eq!(branch.hand_on(books()).await, Ok(12));
    let torn = Status::new(Code::DataLoss, "torn");
    let broken = stream::iter([Ok("a".to_owned()), Err(torn.clone())]);
    assert_eq!(branch.hand_on(rpc_core::fallible(broken)).await, Err(torn.into()));
    let echo = branch.echo(books().map(Shared::new)).await.unwrap();
    let echo: Vec<_> = echo.collect().await;
    assert_eq!(echo, [Ok("A".to_owned()), Ok("B".to_owned())]);
}

#[tokio::test]
async fn a_client_is_an_implementation_where_all_failures_have_a_place() {
    check(&House).await;
    check_branch(BranchClient::in_memory(BranchServer::new(Office(House)))).await;
    for codec in [Codec::Bincode, Codec::Json] {
        let channel = Endpoint::new().codec(codec).in_memory(LibraryServer::new(House));
        let library = LibraryClient::new(channel);
        check(&library).await;
        check_branch(BranchClient::in_memory(BranchServer::new(Office(library.clone())))).await;
        // It is even served, as a relay.
        check(&LibraryClient::in_memory(LibraryServer::new(library))).await;
    }
}

#[tokio::test]
async fn the_failure_of_a_call_has_its_place_in_every_method() {
    // A server without the library.
    let library = &LibraryClient::in_memory(Server::new());
    let missing = |error: &ShelfError| matches!(error, ShelfError::Unreachable(words) if words.starts_with("UNIMPLEMENTED"));
    assert!(missing(&Library::find(library, "book".to_owned()).await.unwrap_err()));
    Library::note(library, "lost".to_owned()).await;
    let books: Vec<_> = Library::books(library, 1).collect().await;
    assert!(matches!(&books[..], [Err(error)] if missing(error)), "{books:?}");
    let ordered: Vec<_> = Library::ordered(library).unwrap().collect().await;
    assert_eq!(ordered[0].as_ref().unwrap_err().code(), Code::Unimplemented);
    let opened: Vec<_> = Library::opened(library, 1).await.collect().await;
    assert_eq!(opened[0].as_ref().unwrap_err().code(), Code::Unimplemented);
    assert!(missing(&Library::watched(library, 1).await.err().unwrap()));
}

/// One whose errors cannot be made of a status: its client is a client, and nothing else.
#[service]
trait Plain {
    async fn find(&self, title: String) -> Result<u64, String>;
}

impl Plain for House {
    async fn find(&self, title: String) -> Result<u64, String> {
        Err(title)
    }
}

#[tokio::test]
async fn a_service_without_such_places_is_called_in_memory() {
    async fn check(plain: &PlainClient) {
        assert_eq!(plain.find("x").await.unwrap_err().app().map(String::as_str), Some("x"));
    }
    check(&PlainClient::in_memory(PlainServer::new(House))).await;
}
