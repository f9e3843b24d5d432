//! Services that are guarded and one that is open, and a server of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, stream};
use rpc_core::{
    CallError, Code, Context, Credentials, Endpoint, Principal, Refusal, Running, Server, Status,
    Streaming, Token, service,
};

#[service]
#[rpc(requires = "orders:read")]
pub(crate) trait Orders {
    async fn count(&self) -> u64;
    #[rpc(requires = "orders:write")]
    async fn cancel(&self, cx: &Context, number: u64) -> String;
    #[rpc(oneway, requires = "orders:write")]
    async fn note(&self, number: u64);
    #[rpc(requires = "orders:write")]
    fn watch(&self, from: u64) -> impl Stream<Item = u64>;
    #[rpc(requires = "orders:write")]
    async fn import(&self, numbers: Streaming<u64>) -> u64;
    #[rpc(requires = "orders:write", ordered)]
    async fn append(&self, number: u64) -> u64;
}

/// Anybody may call it.
#[service]
pub(crate) trait Lobby {
    /// Who the caller is taken for.
    async fn who(&self, cx: &Context) -> String;
    async fn may(&self, cx: &Context, permission: String) -> bool;
    #[rpc(oneway)]
    async fn ring(&self);
}

/// How many handlers have started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book(Arc<AtomicUsize>);

impl Book {
    pub(crate) fn started(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    fn start(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) as u64
    }
}

impl Orders for Book {
    async fn count(&self) -> u64 {
        self.start()
    }

    async fn cancel(&self, cx: &Context, number: u64) -> String {
        self.start();
        format!("{:?} cancelled {number}", cx.identity())
    }

    async fn note(&self, _number: u64) {
        self.start();
    }

    fn watch(&self, from: u64) -> impl Stream<Item = u64> {
        self.start();
        stream::iter(from..from + 3)
    }

    async fn import(&self, mut numbers: Streaming<u64>) -> u64 {
        self.start();
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    async fn append(&self, number: u64) -> u64 {
        self.start();
        number
    }
}

impl Lobby for Book {
    async fn who(&self, cx: &Context) -> String {
        self.start();
        format!("{:?}", cx.identity())
    }

    async fn may(&self, cx: &Context, permission: String) -> bool {
        cx.permits(&permission)
    }

    async fn ring(&self) {
        self.start();
    }
}

/// Takes a token for `NAME PERMISSION PERMISSION…`; the name `nobody` is refused. Without a token nobody is known.
pub(crate) fn by_words(credentials: &Credentials) -> Result<Principal, Refusal> {
    let Some(token) = &credentials.token else { return Ok(Principal::anonymous()) };
    let mut words = token.as_str().unwrap_or_default().split(' ');
    match words.next() {
        Some("nobody") | None => Err("nobody has this token".into()),
        Some(name) => Ok(Principal::named(name).grant_all(words)),
    }
}

pub(crate) const CLERK: &str = "clerk orders:read";
pub(crate) const CHIEF: &str = "chief orders:*";
pub(crate) const NOBODY: &str = "nobody";

/// A server with both services, and the count of its handlers.
pub(crate) fn server() -> (Server, Book) {
    let book = Book::default();
    let server = Server::new().with(OrdersServer::new(book.clone()));
    (server.with(LobbyServer::new(book.clone())), book)
}

/// The same, where tokens are taken by their words.
pub(crate) async fn judging() -> (Running, Book) {
    let (server, book) = server();
    let judge = async |credentials: Credentials| by_words(&credentials);
    (server.authenticate(judge).start("127.0.0.1:0").await.unwrap(), book)
}

/// Clients that show a token.
pub(crate) async fn connect(
    running: &Running,
    token: impl Into<Token>,
) -> (OrdersClient, LobbyClient) {
    let channel = Endpoint::new().token(token).connect(running.address()).await.unwrap();
    (OrdersClient::new(channel.clone()), LobbyClient::new(channel))
}

/// The code and the words of a refusal of what was not started.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, CallError>) -> (Code, String) {
    let status: Status = match result {
        Err(CallError::Status(status)) => status,
        other => panic!("not refused: {other:?}"),
    };
    assert!(!status.may_have_run(), "{status}");
    (status.code(), status.message().to_owned())
}

/// Gives up what takes so long that it will not come.
pub(crate) async fn soon<F: IntoFuture>(what: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), what.into_future()).await.expect("it comes soon")
}
