//! Statuses that handlers choose, for calls and for streams: they come as they were sent, in every codec.

use std::time::Duration;

use futures_util::{Stream, stream};
use rpc_core::{
    Broadcast, CallError, Code, Codec, Endpoint, Schema, Server, Shared, Status, Streaming, service,
};
use serde::{Deserialize, Serialize};

/// Methods that end with a status.
#[service]
trait Stock {
    /// Fails with the code of this number.
    async fn fail(&self, code: u8, message: String) -> Result<u64, Status>;
    /// Fails as the same method of another stock does, which serves nothing.
    async fn pass_on(&self) -> Result<u64, Status>;
    /// Counts, then fails.
    fn count(&self, up_to: u64) -> impl Stream<Item = Result<u64, Status>>;
    /// Fails at the start above a limit, or counts.
    async fn open(&self, up_to: u64) -> Result<impl Stream<Item = u64>, Status>;
    /// Both.
    fn both(&self, up_to: u64) -> Result<impl Stream<Item = Result<u64, Status>>, Status>;
    /// Adds up; fails at a negative number.
    async fn sum(&self, numbers: Streaming<i64>) -> Result<i64, Status>;
    /// Streams the broadcast.
    fn prices(&self) -> impl Stream<Item = Result<Shared<u64>, Status>>;
}

struct Shelf {
    /// A stock on a connection to a side that serves nothing.
    nothing: StockClient,
    prices: Broadcast<u64>,
}

fn end(count: u64) -> Status {
    Status::new(Code::OutOfRange, format!("there are {count}"))
}

impl Stock for Shelf {
    async fn fail(&self, code: u8, message: String) -> Result<u64, Status> {
        Err(Status::new(Code::from_value(code), message))
    }

    async fn pass_on(&self) -> Result<u64, Status> {
        Ok(self.nothing.pass_on().await?)
    }

    fn count(&self, up_to: u64) -> impl Stream<Item = Result<u64, Status>> {
        stream::iter((0..up_to).map(Ok).chain([Err(end(up_to)), Ok(99)]))
    }

    async fn open(&self, up_to: u64) -> Result<impl Stream<Item = u64>, Status> {
        if up_to > 10 { Err(end(10)) } else { Ok(stream::iter(0..up_to)) }
    }

    fn both(&self, up_to: u64) -> Result<impl Stream<Item = Result<u64, Status>>, Status> {
        if up_to > 10 { Err(end(10)) } else { Ok(self.count(up_to)) }
    }

    async fn sum(&self, mut numbers: Streaming<i64>) -> Result<i64, Status> {
        let mut sum = 0;
        while let Some(number) = numbers.next().await {
            let number = number?;
            if number < 0 {
                return Err(Status::new(Code::InvalidArgument, "negative"));
            }
            sum += number;
        }
        Ok(sum)
    }

    fn prices(&self) -> impl Stream<Item = Result<Shared<u64>, Status>> {
        self.prices.subscribe().until_lag()
    }
}

fn stock(codec: Codec) -> (StockClient, Broadcast<u64>) {
    let prices = Broadcast::new(2);
    let nothing = StockClient::in_memory(Server::new());
    let shelf = Shelf { nothing, prices: prices.clone() };
    let server = Server::new().with(StockServer::new(shelf));
    (StockClient::new(Endpoint::new().codec(codec).in_memory(server)), prices)
}

async fn all<T>(mut items: Streaming<T>) -> Vec<Result<T, CallError>> {
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        all.push(item);
    }
    all
}

#[tokio::test]
async fn a_handlers_status_comes_as_it_was_sent() {
    for codec in [Codec::Bincode, Codec::Json] {
        let (stock, _) = stock(codec);
        for code in (1..=16).map(Code::from_value) {
            let message = "\t⌘ \u{0} ünïcödé\r\n";
            let error = stock.fail(code.value(), message).await.unwrap_err();
            assert_eq!(error, CallError::Status(Status::new(code, message)), "{codec}");
        }
    }
}

#[tokio::test]
async fn a_status_that_is_handed_on_is_that_of_a_call_that_ran() {
    let (stock, _) = stock(Codec::Bincode);
    let error = stock.pass_on().await.unwrap_err();
    let status = error.status().unwrap();
    assert_eq!((status.code(), status.may_have_run()), (Code::Unimplemented, true), "{status}");
}

#[tokio::test]
async fn streams_start_and_end_with_statuses() {
    for codec in [Codec::Bincode, Codec::Json] {
        let (stock, _) = stock(codec);
        let expected = [Ok(0), Ok(1), Err(end(2).into())];
        assert_eq!(all(stock.count(2).await.unwrap()).await, expected);
        assert_eq!(all(stock.both(2).await.unwrap()).await, expected);
        assert_eq!(all(stock.open(2).await.unwrap()).await, expected[..2]);
        assert_eq!(stock.open(11).await.unwrap_err(), end(10).into());
        assert_eq!(stock.both(11).await.unwrap_err(), end(10).into());
        assert_eq!(stock.sum(stream::iter([1, 2])).await, Ok(3));
        let error = stock.sum(stream::iter([1, -2])).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}

/// Why a clerk cannot help.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
enum ClerkError {
    #[schema(code = "NOT_FOUND")]
    NoSuchThing(String),
    #[schema(code = "UNAVAILABLE")]
    Closed,
    Grumpy,
}

#[service]
trait Clerk {
    async fn find(&self, thing: String) -> Result<u64, ClerkError>;
    fn all(&self) -> impl Stream<Item = Result<u64, ClerkError>>;
}

struct Desk;

impl Clerk for Desk {
    async fn find(&self, thing: String) -> Result<u64, ClerkError> {
        Err(match thing.as_str() {
            "closed" => ClerkError::Closed,
            "grumpy" => ClerkError::Grumpy,
            _ => ClerkError::NoSuchThing(thing),
        })
    }

    fn all(&self) -> impl Stream<Item = Result<u64, ClerkError>> {
        stream::iter([Ok(1), Err(ClerkError::Closed)])
    }
}

#[tokio::test]
async fn errors_of_ones_own_have_codes() {
    for codec in [Codec::Bincode, Codec::Json] {
        let channel = Endpoint::new().codec(codec).in_memory(ClerkServer::new(Desk));
        let clerk = ClerkClient::new(channel);
        let codes =
            [("x", Code::NotFound), ("closed", Code::Unavailable), ("grumpy", Code::Unknown)];
        for (thing, code) in codes {
            assert_eq!(clerk.find(thing).await.unwrap_err().code(), code);
        }
        let mut items = clerk.all().await.unwrap();
        assert_eq!(items.next().await, Some(Ok(1)));
        let end = items.next().await.unwrap().unwrap_err();
        assert_eq!((end.code(), end.app()), (Code::Unavailable, Some(&ClerkError::Closed)));
    }
}

#[tokio::test]
async fn a_status_is_no_part_of_the_signature() {
    let schema = StockClient::schema();
    let signature = |name| schema.signature(schema.method(name).unwrap()).to_string();
    assert_eq!(signature("fail"), "async fn fail(&self, code: u8, message: String) -> u64");
    assert_eq!(signature("both"), "fn both(&self, up_to: u64) -> impl Stream<Item = u64>");
}

#[tokio::test]
async fn a_reader_that_fell_behind_is_told_so() {
    let (stock, broadcast) = stock(Codec::Bincode);
    let mut prices = stock.prices().await.unwrap();
    broadcast.send(1);
    assert_eq!(prices.next().await, Some(Ok(1)));
    // One thread, and nobody else runs meanwhile.
    for price in 2..9 {
        broadcast.send(price);
    }
    let end = tokio::time::timeout(Duration::from_secs(60), prices.next()).await.unwrap();
    let error = end.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::DataLoss, "{error}");
    assert!(error.to_string().contains("5 values are lost"), "{error}");
    assert_eq!(prices.next().await, None);
}
