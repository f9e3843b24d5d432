//! What the machine allows: the same items by hand, length-prefixed and in batches, and a plain copy.

use std::future::Future;

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::transport::Listening;

/// Bytes of an item, and of its length before it.
pub(super) const ITEM: usize = 24;
const PREFIX: usize = 4;

/// Bytes of one write and one read.
const BATCH: usize = 64 << 10;

pub(super) async fn serve<F>(send: impl Fn(TcpStream) -> F + Send + 'static) -> Result<Listening>
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(send(stream));
        }
    });
    Ok(Listening::new(address, accepting))
}

/// Sends items for ever: each is written into the batch anew.
pub(super) async fn items(mut stream: TcpStream) -> std::io::Result<()> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut value = 0.0_f64;
    loop {
        batch.clear();
        while batch.len() + PREFIX + ITEM <= BATCH {
            batch.extend_from_slice(&(ITEM as u32).to_le_bytes());
            for _ in 0..3 {
                value += 1.0;
                batch.extend_from_slice(&value.to_le_bytes());
            }
        }
        stream.write_all(&batch).await?;
    }
}

/// Copies bytes for ever.
pub(super) async fn copy(mut stream: TcpStream) -> std::io::Result<()> {
    tokio::io::copy(&mut tokio::io::repeat(7), &mut stream).await.map(drop)
}

/// Reads items, giving each to `seen`, until that is enough.
pub(super) async fn read_items(address: &str, mut seen: impl FnMut(f64) -> bool) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let mut buffer = Vec::with_capacity(BATCH);
    loop {
        stream.read_buf(&mut buffer).await?;
        let mut rest = &buffer[..];
        while let Some((length, after)) = rest.split_first_chunk::<PREFIX>() {
            let Some((item, after)) = after.split_at_checked(u32::from_le_bytes(*length) as usize)
            else {
                break;
            };
            let sum = item.as_chunks::<8>().0.iter().map(|part| f64::from_le_bytes(*part)).sum();
            if !seen(sum) {
                return Ok(());
            }
            rest = after;
        }
        let left = rest.len();
        let used = buffer.len() - left;
        buffer.copy_within(used.., 0);
        buffer.truncate(left);
    }
}

/// Copies what comes, telling `seen` how many bytes, until that is enough.
pub(super) async fn read_copy(
    address: &str,
    seen: impl FnMut(usize) -> bool + Unpin,
) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    match tokio::io::copy(&mut stream, &mut Sink(seen)).await {
        Err(error) if error.kind() != std::io::ErrorKind::WriteZero => Err(error.into()),
        _ => Ok(()),
    }
}

struct Sink<F>(F);

impl<F: FnMut(usize) -> bool + Unpin> tokio::io::AsyncWrite for Sink<F> {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        // Zero ends the copy.
        std::task::Poll::Ready(Ok(if (self.0)(bytes.len()) { bytes.len() } else { 0 }))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
