//! What clients in all languages are tried against: every type there is, every kind of exchange, errors,
//! cancellation, and calls back to the client.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use rpc_core::{
    Context, Credentials, Http, Principal, Resume, Schema, Server, Stream, Streaming, service,
};
use serde::{Deserialize, Serialize};

/// A point of the plane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Point {
    /// To the right.
    pub x: f64,
    /// Up.
    pub y: f64,
}

/// One unnamed field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct UserId(pub u64);

/// Several unnamed fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Version(pub u8, pub u8, pub String);

/// No content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Nothing;

/// Plain names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Schema)]
#[serde(rename_all = "kebab-case")]
pub enum Colour {
    /// The colour of fire.
    Red,
    DarkGreen,
    #[deprecated = "Too cold."]
    Blue,
}

/// Every form that a variant can have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub enum Figure {
    Empty,
    Circle(f64),
    Line(Point, Point),
    Polygon { points: Vec<Point>, closed: bool },
}

/// Contains itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Tree {
    pub label: String,
    pub children: Vec<Self>,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<u32>,
}

/// Everything at once, with names that other languages have for themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    pub record_id: UserId,
    pub display_name: String,
    pub class: Option<String>,
    pub r#type: Colour,
    #[serde(default)]
    pub tags: Vec<String>,
    pub figure: Figure,
    pub scores: BTreeMap<String, i32>,
    pub raw: Bytes,
    #[deprecated(note = "Use `tags`.")]
    pub lambda: bool,
}

/// Names that come out the same, or like others, where a language writes names in a way of its own.
pub mod namesakes {
    use rpc_core::Schema;
    use serde::{Deserialize, Serialize};

    /// Called like a trait.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
    pub struct Types {
        #[serde(rename = "None")]
        pub upper: u8,
        #[serde(rename = "none")]
        pub lower: u8,
        #[serde(rename = "self")]
        pub this: u8,
        pub self_: u8,
        #[serde(rename = "foo-bar")]
        pub dashed: u8,
        #[serde(rename = "fooBar")]
        pub camel: u8,
        pub foo_bar: u8,
        pub option: Option,
    }

    /// Called like a type of the standard library.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema)]
    pub enum Option {
        #[serde(rename = "Self")]
        This,
        Self_(u8),
        #[serde(rename = "dark-green")]
        Dashed {
            #[serde(rename = "type")]
            one: u8,
            #[serde(rename = "Type")]
            other: u8,
        },
        DarkGreen,
    }
}

/// How a call may fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Schema, thiserror::Error)]
pub enum Refusal {
    #[error("not today")]
    NotToday,
    #[error("too many: {0}")]
    TooMany(u32),
    #[error("{field}: {why}")]
    Invalid { field: String, why: String },
}

/// Gives back what it gets: the same value of each type.
#[service]
pub trait Types {
    async fn unit(&self);
    async fn bool(&self, value: bool) -> bool;
    async fn i8(&self, value: i8) -> i8;
    async fn i16(&self, value: i16) -> i16;
    async fn i32(&self, value: i32) -> i32;
    async fn i64(&self, value: i64) -> i64;
    async fn i128(&self, value: i128) -> i128;
    async fn u8(&self, value: u8) -> u8;
    async fn u16(&self, value: u16) -> u16;
    async fn u32(&self, value: u32) -> u32;
    async fn u64(&self, value: u64) -> u64;
    async fn u128(&self, value: u128) -> u128;
    async fn f32(&self, value: f32) -> f32;
    async fn f64(&self, value: f64) -> f64;
    async fn char(&self, value: char) -> char;
    async fn string(&self, value: String) -> String;
    async fn bytes(&self, value: Bytes) -> Bytes;
    async fn byte_vec(&self, value: Vec<u8>) -> Vec<u8>;
    async fn option(&self, value: Option<u32>) -> Option<u32>;
    async fn nested_option(&self, value: Option<Option<bool>>) -> Option<Option<bool>>;
    async fn list(&self, value: Vec<i32>) -> Vec<i32>;
    async fn lists(&self, value: Vec<Vec<String>>) -> Vec<Vec<String>>;
    async fn map(&self, value: HashMap<String, i64>) -> HashMap<String, i64>;
    async fn number_map(&self, value: BTreeMap<u16, Vec<bool>>) -> BTreeMap<u16, Vec<bool>>;
    async fn set(&self, value: BTreeSet<Colour>) -> BTreeSet<Colour>;
    async fn pair(&self, value: (i8, String)) -> (i8, String);
    async fn array(&self, value: [u16; 3]) -> [u16; 3];
    async fn octets(&self, value: [u8; 4]) -> [u8; 4];
    async fn duration(&self, value: Duration) -> Duration;
    async fn time(&self, value: SystemTime) -> SystemTime;
    async fn ip(&self, value: IpAddr) -> IpAddr;
    async fn ipv4(&self, value: Ipv4Addr) -> Ipv4Addr;
    async fn socket(&self, value: SocketAddr) -> SocketAddr;
    async fn path(&self, value: PathBuf) -> PathBuf;
    async fn result(&self, value: Result<u32, String>) -> Result<Result<u32, String>, Refusal>;
    async fn range(&self, value: std::ops::Range<u32>) -> std::ops::Range<u32>;
    async fn point(&self, value: Point) -> Point;
    async fn user_id(&self, value: UserId) -> UserId;
    async fn version(&self, value: Version) -> Version;
    async fn nothing(&self, value: Nothing) -> Nothing;
    async fn colour(&self, value: Colour) -> Colour;
    async fn figure(&self, value: Figure) -> Figure;
    async fn tree(&self, value: Tree) -> Tree;
    async fn page(&self, value: Page<Point>) -> Page<Point>;
    async fn record(&self, value: Record) -> Record;
    async fn namesakes(&self, value: namesakes::Types) -> namesakes::Types;
    /// The value as Rust shows it, so that both sides are known to mean the same.
    async fn show_record(&self, value: Record) -> String;
    /// The value as Rust shows it.
    async fn show_numbers(&self, a: i128, b: u128, c: f32, d: f64, e: char) -> String;
    /// A record that is known in advance.
    async fn sample(&self) -> Record;
}

/// Every kind of exchange.
#[service]
pub trait Exchange {
    /// Adds two numbers.
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Counts `touch`es.
    async fn touched(&self) -> u32;
    /// No reply.
    #[rpc(oneway)]
    async fn touch(&self);
    /// Fails as it is told to.
    async fn refuse(&self, refusal: Option<Refusal>) -> Result<u32, Refusal>;
    /// Does not end by itself.
    async fn forever(&self) -> u32;
    /// How many calls of `forever` and streams of `endless` were cancelled.
    async fn cancelled(&self) -> u32;
    /// Panics.
    async fn panic(&self) -> u32;
    /// What the metadata of the call holds under this key.
    async fn metadata(&self, key: String, cx: &Context) -> Option<String>;
    /// The milliseconds that are left, if there is a deadline.
    async fn time_left(&self, cx: &Context) -> Option<u64>;
    /// The numbers below `until`.
    fn count(&self, until: u32) -> impl Stream<Item = u32> + Send;
    /// Numbers without end.
    fn endless(&self) -> impl Stream<Item = u64> + Send;
    /// Figures, one by one.
    fn figures(&self, figures: Vec<Figure>) -> impl Stream<Item = Figure> + Send;
    /// Numbers, then a failure; refuses at once if there are none.
    async fn fails_after(
        &self,
        items: u32,
    ) -> Result<impl Stream<Item = Result<u32, Refusal>> + Send, Refusal>;
    /// As many bytes as asked for, in items of that size.
    fn blocks(&self, count: u32, size: u32) -> impl Stream<Item = Bytes> + Send;
    /// The sum of what comes.
    async fn sum(&self, numbers: Streaming<i64>) -> i64;
    /// What comes, joined.
    async fn join(&self, separator: String, words: Streaming<String>) -> Result<String, Refusal>;
    /// The first item of what comes; the others are not read.
    async fn first(&self, numbers: Streaming<u32>) -> Option<u32>;
    /// The length of what comes.
    async fn measure(&self, blocks: Streaming<Bytes>) -> u64;
    /// Doubles each number as it comes.
    fn double(&self, numbers: Streaming<i64>) -> impl Stream<Item = i64> + Send;
    /// Echoes figures as they come.
    fn draw(&self, figures: Streaming<Figure>) -> impl Stream<Item = Figure> + Send;
    /// Asks the caller's own `Answers` to multiply, and adds one.
    async fn ask(&self, a: i64, b: i64, cx: &Context) -> Result<i64, Refusal>;
    /// Asks the caller to describe a record.
    async fn ask_about(&self, record: Record, cx: &Context) -> Result<String, Refusal>;
    /// Asks the caller for its failure.
    async fn ask_for_failure(&self, cx: &Context) -> Result<Refusal, String>;
    /// Sums what the caller streams in reply.
    async fn ask_for_stream(&self, until: u32, cx: &Context) -> Result<u64, String>;
    /// Streams to the caller, who sums.
    async fn ask_to_sum(&self, numbers: Vec<i64>, cx: &Context) -> Result<i64, String>;
    /// Begins a call of the caller's `wait`, and drops it.
    async fn ask_and_cancel(&self, cx: &Context) -> bool;
}

/// What clients implement.
#[service]
pub trait Answers {
    /// Multiplies.
    async fn multiply(&self, a: i64, b: i64) -> i64;
    /// The name of a record with its number: `name#id`.
    async fn describe(&self, record: Record) -> String;
    /// Fails with `TooMany(7)`.
    async fn fail(&self) -> Result<u32, Refusal>;
    /// The numbers below `until`.
    fn count(&self, until: u32) -> impl Stream<Item = u32> + Send;
    /// The sum of what comes.
    async fn sum(&self, numbers: Streaming<i64>) -> i64;
    /// Does not end by itself.
    async fn wait(&self) -> u32;
    /// Tells something; no reply.
    #[rpc(oneway)]
    async fn tell(&self, text: String);
}

/// Implements [`Types`].
pub struct Echo;

macro_rules! echo {
    ($($name:ident: $type:ty),* $(,)?) => {
        impl Types for Echo {
            async fn unit(&self) {}
            $(async fn $name(&self, value: $type) -> $type { value })*
            async fn result(
                &self,
                value: Result<u32, String>,
            ) -> Result<Result<u32, String>, Refusal> {
                Ok(value)
            }
            async fn show_record(&self, value: Record) -> String { format!("{value:?}") }
            async fn show_numbers(&self, a: i128, b: u128, c: f32, d: f64, e: char) -> String {
                format!("{a} {b} {c} {d} {e}")
            }
            async fn sample(&self) -> Record { sample() }
        }
    };
}

echo! {
    bool: bool, i8: i8, i16: i16, i32: i32, i64: i64, i128: i128, u8: u8, u16: u16, u32: u32, u64: u64,
    u128: u128, f32: f32, f64: f64, char: char, string: String, bytes: Bytes, byte_vec: Vec<u8>,
    option: Option<u32>, nested_option: Option<Option<bool>>, list: Vec<i32>, lists: Vec<Vec<String>>,
    map: HashMap<String, i64>, number_map: BTreeMap<u16, Vec<bool>>, set: BTreeSet<Colour>,
    pair: (i8, String), array: [u16; 3], octets: [u8; 4], duration: Duration, time: SystemTime, ip: IpAddr,
    ipv4: Ipv4Addr, socket: SocketAddr, path: PathBuf, range: std::ops::Range<u32>, point: Point,
    user_id: UserId, version: Version, nothing: Nothing, colour: Colour, figure: Figure, tree: Tree,
    page: Page<Point>, record: Record,
    namesakes: namesakes::Types,
}

/// The record that is known in advance.
#[allow(deprecated)]
pub fn sample() -> Record {
    let (origin, corner) = (Point { x: 0.0, y: 0.0 }, Point { x: 1.5, y: -2.25 });
    Record {
        record_id: UserId(u64::MAX),
        display_name: "Zoë 🦀".to_owned(),
        class: None,
        r#type: Colour::DarkGreen,
        tags: vec!["a".to_owned(), String::new()],
        figure: Figure::Polygon { points: vec![origin, corner], closed: true },
        scores: BTreeMap::from([("x".to_owned(), -1), ("y".to_owned(), i32::MAX)]),
        raw: Bytes::from_static(&[0, 255, 7]),
        lambda: true,
    }
}

/// Implements [`Exchange`].
#[derive(Default)]
pub struct Partner {
    touches: AtomicU32,
    cancelled: std::sync::Arc<AtomicU32>,
}

/// Counts when it is dropped.
struct OnDrop(std::sync::Arc<AtomicU32>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Exchange for Partner {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    async fn touched(&self) -> u32 {
        self.touches.load(Ordering::SeqCst)
    }

    async fn touch(&self) {
        self.touches.fetch_add(1, Ordering::SeqCst);
    }

    async fn refuse(&self, refusal: Option<Refusal>) -> Result<u32, Refusal> {
        refusal.map_or(Ok(42), Err)
    }

    async fn forever(&self) -> u32 {
        let _on_drop = OnDrop(self.cancelled.clone());
        std::future::pending().await
    }

    async fn cancelled(&self) -> u32 {
        self.cancelled.load(Ordering::SeqCst)
    }

    async fn panic(&self) -> u32 {
        panic!("as asked for")
    }

    async fn metadata(&self, key: String, cx: &Context) -> Option<String> {
        let texts = cx.metadata().values(&key).map(str::to_owned);
        let bytes = cx.metadata().values_bin(&key).map(|bytes| format!("{bytes:?}"));
        let all: Vec<String> = texts.chain(bytes).collect();
        (!all.is_empty()).then(|| all.join("|"))
    }

    async fn time_left(&self, cx: &Context) -> Option<u64> {
        let left = cx.deadline()?.saturating_duration_since(std::time::Instant::now());
        u64::try_from(left.as_millis()).ok()
    }

    fn count(&self, until: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(0..until)
    }

    fn endless(&self) -> impl Stream<Item = u64> + Send {
        let on_drop = OnDrop(self.cancelled.clone());
        stream::iter(0..).map(move |number| {
            let _kept = &on_drop;
            number
        })
    }

    fn figures(&self, figures: Vec<Figure>) -> impl Stream<Item = Figure> + Send {
        stream::iter(figures)
    }

    async fn fails_after(
        &self,
        items: u32,
    ) -> Result<impl Stream<Item = Result<u32, Refusal>> + Send, Refusal> {
        if items == 0 {
            return Err(Refusal::NotToday);
        }
        let failure = stream::iter([Err(Refusal::TooMany(items))]);
        Ok(stream::iter(0..items).map(Ok).chain(failure))
    }

    fn blocks(&self, count: u32, size: u32) -> impl Stream<Item = Bytes> + Send {
        stream::iter(0..count)
            .map(move |index| Bytes::from(vec![index.to_le_bytes()[0]; size as usize]))
    }

    async fn sum(&self, mut numbers: Streaming<i64>) -> i64 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    async fn join(
        &self,
        separator: String,
        mut words: Streaming<String>,
    ) -> Result<String, Refusal> {
        let mut all = Vec::new();
        while let Some(Ok(word)) = words.next().await {
            if word.is_empty() {
                let why = "is empty".to_owned();
                return Err(Refusal::Invalid { field: "words".to_owned(), why });
            }
            all.push(word);
        }
        Ok(all.join(&separator))
    }

    async fn first(&self, mut numbers: Streaming<u32>) -> Option<u32> {
        numbers.next().await?.ok()
    }

    async fn measure(&self, mut blocks: Streaming<Bytes>) -> u64 {
        let mut length = 0;
        while let Some(Ok(block)) = blocks.next().await {
            length += block.len() as u64;
        }
        length
    }

    fn double(&self, numbers: Streaming<i64>) -> impl Stream<Item = i64> + Send {
        numbers.filter_map(async |number| number.ok().map(|number| number * 2))
    }

    fn draw(&self, figures: Streaming<Figure>) -> impl Stream<Item = Figure> + Send {
        figures.filter_map(async |figure| figure.ok())
    }

    async fn ask(&self, a: i64, b: i64, cx: &Context) -> Result<i64, Refusal> {
        let product = cx.peer::<AnswersClient>().multiply(a, b).await;
        product.map(|product| product + 1).map_err(|error| unanswered(&error))
    }

    async fn ask_about(&self, record: Record, cx: &Context) -> Result<String, Refusal> {
        let answers = cx.peer::<AnswersClient>();
        let _ = answers.tell("asking").await;
        answers.describe(record).await.map_err(|error| unanswered(&error))
    }

    async fn ask_for_failure(&self, cx: &Context) -> Result<Refusal, String> {
        match cx.peer::<AnswersClient>().fail().await {
            Err(rpc_core::CallError::App(refusal)) => Ok(refusal),
            other => Err(format!("{other:?}")),
        }
    }

    async fn ask_for_stream(&self, until: u32, cx: &Context) -> Result<u64, String> {
        let items = cx.peer::<AnswersClient>().count(until).await;
        let mut items = items.map_err(|error| error.to_string())?;
        let mut sum = 0;
        while let Some(item) = items.next().await {
            sum += u64::from(item.map_err(|error| error.to_string())?);
        }
        Ok(sum)
    }

    async fn ask_to_sum(&self, numbers: Vec<i64>, cx: &Context) -> Result<i64, String> {
        let sum = cx.peer::<AnswersClient>().sum(stream::iter(numbers)).await;
        sum.map_err(|error| error.to_string())
    }

    async fn ask_and_cancel(&self, cx: &Context) -> bool {
        let answers = cx.peer::<AnswersClient>();
        let call = answers.wait().timeout(Duration::from_millis(50));
        call.await.is_err()
    }
}

fn unanswered(error: &rpc_core::CallError) -> Refusal {
    Refusal::Invalid { field: "peer".to_owned(), why: error.to_string() }
}

/// A server with all of it.
pub fn server() -> Server {
    Server::new()
        .with(TypesServer::new(Echo))
        .with(ExchangeServer::new(Partner::default()))
        .with(AnswersServer::new(Answering))
        .http(Http::new())
        .resume(Resume::new())
        .authenticate(async |credentials: Credentials| match credentials.token {
            Some(token) if token != "let me in".into() => Err("nobody has this token".into()),
            _ => Ok(Principal::anonymous()),
        })
}

/// Implements [`Answers`] where a Rust client is called back; on the server, for its description.
pub struct Answering;

impl Answers for Answering {
    async fn multiply(&self, a: i64, b: i64) -> i64 {
        a * b
    }

    async fn describe(&self, record: Record) -> String {
        format!("{}#{}", record.display_name, record.record_id.0)
    }

    async fn fail(&self) -> Result<u32, Refusal> {
        Err(Refusal::TooMany(7))
    }

    fn count(&self, until: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(0..until)
    }

    async fn sum(&self, mut numbers: Streaming<i64>) -> i64 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    async fn wait(&self) -> u32 {
        std::future::pending().await
    }

    async fn tell(&self, _text: String) {}
}
