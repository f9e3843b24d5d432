//! A service whose calls take every way that bytes can go over a connection, and a client's tour through all of them.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use rpc_core::{Channel, Context, DialError, Endpoint, Peer, Reconnect, Streaming, service};

/// The side that is dialled.
#[service]
pub trait Tour {
    /// Gives bytes back.
    async fn echo(&self, payload: Bytes) -> Bytes;
    /// Counts to a number.
    fn count(&self, to: u32) -> impl Stream<Item = u32>;
    /// The sum of what is sent.
    async fn sum(&self, items: Streaming<u32>) -> u64;
    /// Asks the caller.
    async fn ask(&self, cx: &Context, number: u32) -> u32;
    /// Where the caller is, and what its transport vouches for.
    async fn who(&self, cx: &Context) -> String;
}

/// The side that dials.
#[service]
pub trait Guide {
    /// Doubles.
    async fn double(&self, number: u32) -> u32;
}

/// The implementation of both.
#[derive(Clone, Copy, Debug)]
pub struct Sights;

impl Tour for Sights {
    async fn echo(&self, payload: Bytes) -> Bytes {
        payload
    }

    fn count(&self, to: u32) -> impl Stream<Item = u32> {
        stream::iter(0..to)
    }

    async fn sum(&self, mut items: Streaming<u32>) -> u64 {
        let mut sum = 0;
        while let Some(Ok(item)) = items.next().await {
            sum += u64::from(item);
        }
        sum
    }

    async fn ask(&self, cx: &Context, number: u32) -> u32 {
        cx.peer::<GuideClient>().double(number).await.unwrap_or(0)
    }

    async fn who(&self, cx: &Context) -> String {
        let peer: Channel = cx.peer();
        format!("{} {:?}", peer.peer(), peer.peer().identity())
    }
}

impl Guide for Sights {
    async fn double(&self, number: u32) -> u32 {
        2 * number
    }
}

impl TourClient {
    /// A client over a byte stream, which serves the other direction.
    ///
    /// # Errors
    /// Never: the defaults go together.
    pub fn over(
        io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + 'static,
    ) -> Result<Self, DialError> {
        Ok(Self::new(tourist().over(io, Peer::new("server"))?))
    }

    /// Makes every kind of call, with messages of up to `largest` bytes, and closes the connection in good order.
    ///
    /// # Panics
    /// A call does not give what it should.
    pub async fn tour(self, largest: usize) {
        for length in [0, 1, 100, largest / 3, largest] {
            let payload: Bytes = (0..length).map(|at| (at % 251) as u8).collect();
            assert_eq!(self.echo(payload.clone()).await.as_ref(), Ok(&payload));
        }
        let items: Vec<_> = self.count(100).await.expect("it begins").collect().await;
        assert!(items.into_iter().map(Result::ok).eq((0..100).map(Some)));
        assert_eq!(self.sum(stream::iter(0..100)).await, Ok(4950));
        assert_eq!(self.ask(21).await, Ok(42));
        let calls = (0..20_u8).map(|n| self.echo(vec![n; 50].into()));
        let echoed = futures_util::future::join_all(calls).await;
        assert!(
            echoed.iter().enumerate().all(|(n, echoed)| *echoed == Ok(vec![n as u8; 50].into()))
        );
        self.channel().close().await.expect("it ends in good order");
    }
}

/// How clients of the tour connect: once, so that what ends a connection is seen.
pub fn tourist() -> Endpoint {
    Endpoint::new().reconnect(Reconnect::off()).with(GuideServer::new(Sights))
}
