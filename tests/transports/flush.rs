//! Streams that keep what they are given until they are flushed, that are slow to flush, and that read when they are
//! asked to write.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_util::StreamExt as _;
use rpc_core::Peer;
use tests::TourClient;
use tokio::io::{AsyncRead, AsyncWrite, BufStream, DuplexStream, ReadBuf, duplex};

use crate::duplex::server;

#[tokio::test]
async fn buffered_streams_are_toured() {
    let (near, far) = duplex(4096);
    let served = server().serve_io(BufStream::new(far), Peer::new("tourist")).unwrap();
    TourClient::over(BufStream::new(near)).unwrap().tour(300_000).await;
    served.wait().await;
}

/// Takes everything at once and passes it on when it is flushed, as far as there is room below.
struct Kept {
    io: DuplexStream,
    kept: Vec<u8>,
    /// Bytes that came while there was something to be written.
    read: Vec<u8>,
}

impl Kept {
    fn new(io: DuplexStream) -> Self {
        Self { io, kept: Vec::new(), read: Vec::new() }
    }

    /// Looks for bytes of the other side first, as some protocols have to: the waker is left for reading as well.
    fn read_ahead(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut bytes = [0; 64];
        let mut buffer = ReadBuf::new(&mut bytes);
        if Pin::new(&mut self.io).poll_read(cx, &mut buffer)?.is_ready() {
            self.read.extend_from_slice(buffer.filled());
        }
        Ok(())
    }
}

impl AsyncRead for Kept {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buffer);
        }
        let count = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..count]);
        self.read.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Kept {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.read_ahead(cx)?;
        if self.kept.len() > 4096 {
            ready!(self.as_mut().poll_flush(cx))?;
        }
        self.kept.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.kept.is_empty() {
            let count = ready!(Pin::new(&mut this.io).poll_write(cx, &this.kept))?;
            this.kept.drain(..count);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn streams_that_keep_what_they_take_are_toured() {
    for room in [7, 1000] {
        let (near, far) = duplex(room);
        let served = server().serve_io(Kept::new(far), Peer::new("tourist")).unwrap();
        TourClient::over(Kept::new(near)).unwrap().tour(100_000).await;
        served.wait().await;
    }
}

/// The last items leave although the server ends right behind them, and each flush takes several polls.
#[tokio::test]
async fn the_last_bytes_arrive_though_the_side_closes_at_once() {
    let (near, far) = duplex(16);
    let served = server().serve_io(Kept::new(far), Peer::new("tourist")).unwrap();
    let client = TourClient::over(near).unwrap();
    let items = client.count(5000).await.unwrap();
    let (items, ()) = tokio::join!(items.collect::<Vec<_>>(), served.shutdown());
    assert!(items.into_iter().map(Result::ok).eq((0..5000).map(Some)));
    client.channel().closed().await.unwrap();
}
