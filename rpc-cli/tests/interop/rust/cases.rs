//! The suite from Rust, with the client that was generated from the server's description: types in both directions,
//! each kind of exchange, errors, cancellation, calls back.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    time::{Duration, SystemTime},
};

use futures_util::{future::join_all, stream};
use rpc_core::{Call, CallError, Code, Endpoint, Streaming};

use crate::{
    beside_server,
    generated::{
        Colour, ExchangeClient, Figure, Nothing, Option2, PagePoint, Point, RangeU32, Record,
        Refusal, Tree, Types2, TypesClient, UserId, Version,
    },
    services::Answering,
};

/// How many cases have passed.
#[derive(Default)]
struct Suite(usize);

impl Suite {
    /// The method gives back each of these values.
    async fn echoes<T, E>(
        &mut self,
        values: impl IntoIterator<Item = T>,
        echo: impl Fn(T) -> Call<T, E>,
    ) where
        T: Clone + PartialEq + Debug,
        E: PartialEq + Debug,
    {
        for value in values {
            assert_eq!(echo(value.clone()).await, Ok(value));
            self.0 += 1;
        }
    }

    #[track_caller]
    fn is<T: PartialEq + Debug>(&mut self, found: T, expected: T) {
        assert_eq!(found, expected);
        self.0 += 1;
    }
}

async fn all<T, E>(mut items: Streaming<T, E>) -> Result<Vec<T>, CallError<E>> {
    let mut found = Vec::new();
    while let Some(item) = items.next().await {
        found.push(item?);
    }
    Ok(found)
}

fn figures() -> Vec<Figure> {
    let (a, b) = (Point { x: 0.5, y: -1.0 }, Point { x: f64::MAX, y: f64::MIN_POSITIVE });
    vec![
        Figure::Empty,
        Figure::Circle(2.25),
        Figure::Line(a.clone(), b.clone()),
        Figure::Polygon { points: Vec::new(), closed: false },
        Figure::Polygon { points: vec![a, b], closed: true },
    ]
}

#[allow(deprecated)]
fn record(name: &str, figure: Figure) -> Record {
    Record {
        record_id: UserId(7),
        display_name: name.to_owned(),
        class: Some("class".to_owned()),
        r#type: Colour::Red,
        tags: vec![name.to_owned(); 3],
        figure,
        scores: BTreeMap::from([("a".to_owned(), i32::MIN)]),
        raw: vec![1, 2, 255],
        lambda: false,
    }
}

async fn numbers(suite: &mut Suite, types: &TypesClient) {
    suite.echoes([false, true], |value| types.bool(value)).await;
    suite.echoes([i8::MIN, -1, 0, 1, i8::MAX], |value| types.i8(value)).await;
    suite.echoes([i16::MIN, -126, 0, 125, i16::MAX], |value| types.i16(value)).await;
    suite.echoes([i32::MIN, -1, 0, 32_768, i32::MAX], |value| types.i32(value)).await;
    suite.echoes([i64::MIN, -1, 0, 1 << 33, i64::MAX], |value| types.i64(value)).await;
    suite.echoes([i128::MIN, -1, 0, 1 << 65, i128::MAX], |value| types.i128(value)).await;
    suite.echoes([0, 1, u8::MAX], |value| types.u8(value)).await;
    suite.echoes([0, 250, 251, u16::MAX], |value| types.u16(value)).await;
    suite.echoes([0, 251, 65_536, u32::MAX], |value| types.u32(value)).await;
    suite.echoes([0, 65_535, 1 << 32, u64::MAX], |value| types.u64(value)).await;
    suite.echoes([0, 1 << 64, u128::MAX], |value| types.u128(value)).await;
    suite.echoes([0.0, -0.5, f32::MAX, f32::INFINITY], |value| types.f32(value)).await;
    suite.echoes([0.0, 0.1, f64::MIN_POSITIVE, f64::NEG_INFINITY], |value| types.f64(value)).await;
    suite.is(types.f64(f64::NAN).await.unwrap().is_nan(), true);
    suite.echoes(['a', 'é', '🦀', '\0', char::MAX], |value| types.char(value)).await;
}

async fn containers(suite: &mut Suite, types: &TypesClient) {
    let texts = ["", "plain", "Zoë 🦀", "\0\n\"", &"long ".repeat(50_000)];
    suite.echoes(texts.map(str::to_owned), |value| types.string(value)).await;
    let bytes = [vec![], vec![0, 255], vec![7; 300_000]];
    suite.echoes(bytes.clone(), |value| types.bytes(value)).await;
    suite.echoes(bytes, |value| types.byte_vec(value)).await;
    suite.echoes([None, Some(0), Some(u32::MAX)], |value| types.option(value)).await;
    let nested = [None, Some(None), Some(Some(false)), Some(Some(true))];
    suite.echoes(nested, |value| types.nested_option(value)).await;
    suite.echoes([vec![], vec![-1, 0, 1], vec![9; 1000]], |value| types.list(value)).await;
    let lists = [vec![], vec![vec![]], vec![vec!["a".to_owned()], vec![String::new(); 2]]];
    suite.echoes(lists, |value| types.lists(value)).await;
    let maps = [BTreeMap::new(), BTreeMap::from([("a".to_owned(), -1), ("ü".to_owned(), 1)])];
    suite.echoes(maps, |value| types.map(value)).await;
    let maps = [BTreeMap::new(), BTreeMap::from([(0, vec![]), (u16::MAX, vec![true, false])])];
    suite.echoes(maps, |value| types.number_map(value)).await;
    suite.echoes([vec![], vec![Colour::Red, Colour::DarkGreen]], |value| types.set(value)).await;
    suite.echoes([(0, String::new()), (-128, "x".to_owned())], |value| types.pair(value)).await;
    suite.echoes([[0, 1, u16::MAX], [9; 3]], |value| types.array(value)).await;
    suite.echoes([[0, 1, 2, 255], [7; 4]], |value| types.octets(value)).await;
    suite.echoes([Ok(3), Err("no".to_owned())], |value| types.result(value)).await;
}

async fn named(suite: &mut Suite, types: &TypesClient) {
    suite.is(types.unit().await, Ok(()));
    let spans = [Duration::ZERO, Duration::new(u64::MAX, 999_999_999)];
    suite.echoes(spans, |value| types.duration(value)).await;
    let times = [SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::new(1 << 33, 5)];
    suite.echoes(times, |value| types.time(value)).await;
    suite.echoes(["127.0.0.1", "::1"].map(|ip| ip.parse().unwrap()), |value| types.ip(value)).await;
    suite.echoes([[0, 0, 0, 0].into(), [255, 1, 2, 3].into()], |value| types.ipv4(value)).await;
    let sockets = ["10.0.0.1:80", "[2001:db8::1]:65535"].map(|socket| socket.parse().unwrap());
    suite.echoes(sockets, |value| types.socket(value)).await;
    suite.echoes(["", "/tmp/ü"].map(str::to_owned), |value| types.path(value)).await;
    let ranges = [RangeU32 { start: 0, end: 0 }, RangeU32 { start: 9, end: u32::MAX }];
    suite.echoes(ranges, |value| types.range(value)).await;
    suite.echoes([Point { x: 1.0, y: -1.0 }], |value| types.point(value)).await;
    suite.echoes([UserId(0), UserId(u64::MAX)], |value| types.user_id(value)).await;
    suite.echoes([Version(1, 2, "rc".to_owned())], |value| types.version(value)).await;
    suite.echoes([Nothing], |value| types.nothing(value)).await;
    #[allow(deprecated)]
    let colours = [Colour::Red, Colour::DarkGreen, Colour::Blue];
    suite.echoes(colours, |value| types.colour(value)).await;
    suite.echoes(figures(), |value| types.figure(value)).await;
    let leaf = |label: &str| Tree { label: label.to_owned(), children: Vec::new() };
    let deep = (0..40).fold(leaf("leaf"), |tree, depth| Tree {
        label: depth.to_string(),
        children: vec![tree, leaf("side")],
    });
    suite.echoes([leaf(""), deep], |value| types.tree(value)).await;
    let point = Point { x: 3.0, y: 4.0 };
    let pages = [
        PagePoint { items: Vec::new(), next: None },
        PagePoint { items: vec![point; 70], next: Some(2) },
    ];
    suite.echoes(pages, |value| types.page(value)).await;
    for figure in figures() {
        suite.echoes([record("r", figure)], |value| types.record(value)).await;
    }
    let shown = types.show_record(record("r", Figure::Circle(1.5))).await.unwrap();
    suite.is(shown.contains("display_name: \"r\"") && shown.contains("Circle(1.5)"), true);
    let shown = types.show_numbers(-1, 2, 0.5, -0.25, 'ß').await;
    suite.is(shown, Ok("-1 2 0.5 -0.25 ß".to_owned()));
    suite.is(types.sample().await.unwrap().record_id, UserId(u64::MAX));
}

async fn namesakes(suite: &mut Suite, types: &TypesClient) {
    let options = [
        Option2::Self2,
        Option2::Self_(1),
        Option2::DarkGreen2 { r#type: 1, type2: 2 },
        Option2::DarkGreen,
    ];
    for option in options {
        let value = Types2 {
            none2: 1,
            none: 2,
            self2: 3,
            self_: 4,
            foo_bar2: 5,
            foo_bar3: 6,
            foo_bar: 7,
            option,
        };
        suite.echoes([value], |value| types.namesakes(value)).await;
    }
}

async fn exchanges(suite: &mut Suite, exchange: &ExchangeClient) {
    suite.is(exchange.add(i64::MAX, 1).await, Ok(i64::MIN));
    for _ in 0..3 {
        exchange.touch().await.unwrap();
    }
    while exchange.touched().await.unwrap() < 3 {
        tokio::task::yield_now().await;
    }
    suite.is(exchange.touched().await, Ok(3));
    suite.is(exchange.refuse(None).await, Ok(42));
    let invalid = Refusal::Invalid { field: "f".to_owned(), why: "w".to_owned() };
    for refusal in [Refusal::NotToday, Refusal::TooMany(9), invalid.clone()] {
        let failed = exchange.refuse(Some(refusal.clone())).await;
        suite.is(failed, Err(CallError::App(refusal)));
    }
    suite.is(exchange.panic().await.unwrap_err().code(), Code::Internal);
    let metadata = exchange.metadata("who").metadata("who", "me").await;
    suite.is(metadata, Ok(Some("me".to_owned())));
    suite.is(exchange.metadata("who").await, Ok(None));
    suite.is(exchange.time_left().await, Ok(None));
    let left = exchange.time_left().timeout(Duration::from_secs(60)).await.unwrap();
    suite.is(left.is_some_and(|left| (1..=60_000).contains(&left)), true);
    let late = exchange.forever().timeout(Duration::from_millis(20)).await.unwrap_err();
    suite.is(late.code(), Code::DeadlineExceeded);
    let before = exchange.cancelled().await.unwrap();
    let call = tokio::spawn(exchange.forever());
    // Its request is on the way before the next one.
    tokio::task::yield_now().await;
    exchange.add(0, 0).await.unwrap();
    call.abort();
    let mut endless = exchange.endless().await.unwrap();
    suite.is(endless.next().await, Some(Ok(0)));
    drop(endless);
    while exchange.cancelled().await.unwrap() < before + 1 {
        tokio::task::yield_now().await;
    }
    suite.0 += 1;
    let many = join_all((0..1000).map(|n| exchange.add(n, n))).await;
    suite.is(many.into_iter().eq((0..1000).map(|n| Ok(2 * n))), true);
}

async fn streams(suite: &mut Suite, exchange: &ExchangeClient) {
    for until in [0, 1, 5000] {
        let count = all(exchange.count(until).await.unwrap()).await;
        suite.is(count, Ok((0..until).collect()));
    }
    let drawn = all(exchange.figures(figures()).await.unwrap()).await;
    suite.is(drawn, Ok(figures()));
    suite.is(exchange.fails_after(0).await.unwrap_err(), CallError::App(Refusal::NotToday));
    let mut failing = exchange.fails_after(2).await.unwrap();
    suite.is(failing.next().await, Some(Ok(0)));
    suite.is(failing.next().await, Some(Ok(1)));
    suite.is(failing.next().await, Some(Err(CallError::App(Refusal::TooMany(2)))));
    suite.is(failing.next().await, None);
    let blocks = all(exchange.blocks(5, 200_000).await.unwrap()).await.unwrap();
    suite.is(blocks.iter().map(Vec::len).sum(), 1_000_000);
    for until in [0, 1, 5000] {
        let sum = exchange.sum(stream::iter(0..until)).await;
        suite.is(sum, Ok((0..until).sum()));
    }
    let words = |words: &[&str]| {
        stream::iter(words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>())
    };
    suite.is(exchange.join("-", words(&["a", "b"])).await, Ok("a-b".to_owned()));
    let refused = exchange.join("-", words(&["a", ""])).await;
    let invalid = Refusal::Invalid { field: "words".to_owned(), why: "is empty".to_owned() };
    suite.is(refused, Err(CallError::App(invalid)));
    suite.is(exchange.first(stream::iter(5..)).await, Ok(Some(5)));
    suite.is(exchange.first(stream::iter([])).await, Ok(None));
    let blocks = stream::iter((0..4).map(|_| vec![1; 150_000]));
    suite.is(exchange.measure(blocks).await, Ok(600_000));
    let doubled = all(exchange.double(stream::iter(0..3000)).await.unwrap()).await;
    suite.is(doubled, Ok((0..3000).map(|n| 2 * n).collect()));
    let drawn = all(exchange.draw(stream::iter(figures())).await.unwrap()).await;
    suite.is(drawn, Ok(figures()));
}

async fn calls_back(suite: &mut Suite, exchange: &ExchangeClient) {
    suite.is(exchange.ask(6, 7).await, Ok(43));
    let about = exchange.ask_about(record("Ada", Figure::Empty)).await;
    suite.is(about, Ok("Ada#7".to_owned()));
    suite.is(exchange.ask_for_failure().await, Ok(Refusal::TooMany(7)));
    suite.is(exchange.ask_for_stream(100).await, Ok(4950));
    suite.is(exchange.ask_to_sum((0..100).collect::<Vec<_>>()).await, Ok(4950));
    suite.is(exchange.ask_and_cancel().await, Ok(true));
}

#[tokio::test]
async fn the_suite_passes_from_rust() {
    beside_server(async |address| {
        let mut suite = Suite::default();
        let types = TypesClient::connect(address.clone()).await.unwrap();
        numbers(&mut suite, &types).await;
        containers(&mut suite, &types).await;
        named(&mut suite, &types).await;
        namesakes(&mut suite, &types).await;
        // What is called back is the original's trait: its keys are those of the generated one.
        let answers = crate::services::AnswersServer::new(Answering);
        let channel = Endpoint::new().with(answers).connect(address.clone()).await.unwrap();
        let exchange = ExchangeClient::new(channel);
        exchanges(&mut suite, &exchange).await;
        streams(&mut suite, &exchange).await;
        calls_back(&mut suite, &exchange).await;
        let alone = ExchangeClient::connect(address).await.unwrap();
        suite.is(alone.ask(1, 1).await.is_err(), true);
        let nobody = ExchangeClient::connect("127.0.0.1:1").await;
        suite.is(nobody.is_err(), true);
        assert!(suite.0 >= 150, "{} cases", suite.0);
    })
    .await;
}
