//! What a page loads for one service: `cargo run -q -p examples --example module | gzip -9 | wc -c` tells how much that is, and
//! `-- stream` behind `module` how much it is for one with a stream.

use futures_util::Stream;
use rpc_core::{BrowserClient, schema::Document, service};

/// Computes.
#[service]
trait Calculator {
    /// Adds two integers.
    async fn add(&self, a: i64, b: i64) -> i64;
}

/// Tells the time.
#[service]
trait Clock {
    /// A number each second.
    fn ticks(&self, count: u64) -> impl Stream<Item = u64>;
}

fn main() {
    let streams = std::env::args().nth(1).as_deref() == Some("stream");
    let schema = if streams { ClockClient::schema() } else { CalculatorClient::schema() };
    let document = Document::new(vec![schema.clone()]);
    print!("{}", BrowserClient::of(&document).script());
}
