//! A link whose other side has to read: where nothing can be written for a time, it is given up, with all that is kept for
//! it. What is read is not looked at.
//!
//! A system takes bytes by the megabyte, and takes more when a third of them has gone: a side that reads slowly seems to
//! read nothing meanwhile. So it has a second more for each 16 KiB that were taken.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// A stream of bytes that fails when it has taken none for a time, though there were some.
#[derive(Debug)]
pub(super) struct Patient<S> {
    inner: S,
    patience: Duration,
    /// Runs while something waits to be written.
    timer: Option<Pin<Box<Sleep>>>,
    waits: Waits,
    /// Bytes that were taken since something last waited.
    taken: u64,
}

/// Bytes for which the other side has one more second.
const SLOWEST: u64 = 16 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    Nothing,
    Bytes,
}

impl<S> Patient<S> {
    pub(super) const fn new(inner: S, patience: Duration) -> Self {
        Self { inner, patience, timer: None, waits: Waits::Nothing, taken: 0 }
    }

    pub(super) const fn inner(&mut self) -> &mut S {
        &mut self.inner
    }

    fn count(&mut self, wrote: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = wrote {
            self.taken += *bytes as u64;
        }
    }

    /// Looks at the time of what cannot be written.
    fn watch<T>(
        &mut self,
        wrote: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if wrote.is_ready() {
            self.waits = Waits::Nothing;
            return wrote;
        }
        let patience = self.patience.saturating_add(Duration::from_secs(self.taken / SLOWEST));
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(patience)));
        if self.waits == Waits::Nothing {
            (self.waits, self.taken) = (Waits::Bytes, 0);
            // Of a time without end there is no instant.
            if let Some(end) = Instant::now().checked_add(patience) {
                timer.as_mut().reset(end);
            }
        }
        match timer.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                let patience = self.patience;
                let message = format!("the other side has read nothing for {patience:?}");
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.count(&wrote);
        this.watch(wrote, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let wrote = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.count(&wrote);
        this.watch(wrote, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(cx);
        this.watch(flushed, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.watch(shut, cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_given_up_and_who_reads_slowly_is_not() {
        let patience = Duration::from_secs(30);
        let (near, mut far) = duplex(1000);
        let mut patient = Patient::new(near, patience);
        let writes = tokio::spawn(async move {
            let wrote = patient.write_all(&[0; 5000]).await;
            (wrote, patient)
        });
        let mut some = [0; 500];
        for _ in 0..8 {
            sleep(patience - Duration::from_secs(1)).await;
            far.read_exact(&mut some).await.unwrap();
        }
        let (wrote, mut patient) = writes.await.unwrap();
        assert!(wrote.is_ok());
        let began = Instant::now();
        let error = patient.write_all(&[0; 5000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= patience && began.elapsed() < 2 * patience);
        // Of what was taken at once much may be under way.
        let (near, far) = duplex(100 * SLOWEST as usize);
        let mut patient = Patient::new(near, patience);
        let began = Instant::now();
        patient.write_all(&vec![0; 101 * SLOWEST as usize]).await.unwrap_err();
        assert!(began.elapsed() >= patience + Duration::from_secs(100));
        assert!(began.elapsed() < 2 * patience + Duration::from_secs(100));
        drop(far);
    }
}
