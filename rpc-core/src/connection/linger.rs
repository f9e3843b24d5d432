//! The last bytes of a connection: what is still to be written is, the peer learns that nothing more
//! comes, and has a moment to read it. Closing a socket with unread input would discard the goaway.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWriteExt as _, ReadBuf},
    time::timeout,
};

use super::{live::Live, turn::Flushed};
use crate::{proto::connection::ConnectionError, transport::Link};

/// How long the peer may take to accept the last bytes, and then to close its side.
const LINGER: Duration = Duration::from_millis(500);

/// Bytes of a peer that does not stop which are read and thrown away.
const MAX_DISCARDED: usize = 256 << 10;

/// Writes what is left and closes the transport in good order, within [`LINGER`] for each step.
pub(super) async fn close(
    live: &Live,
    read: &mut (dyn AsyncRead + Send + Unpin),
    error: &ConnectionError,
) {
    if matches!(error, ConnectionError::Transport(_)) {
        return;
    }
    let last = async {
        poll_fn(|cx| poll_flush(live, cx)).await;
        poll_fn(|cx| live.poll_shutdown(cx)).await
    };
    if !matches!(timeout(LINGER, last).await, Ok(Ok(()))) {
        return;
    }
    let peer_may_write = !matches!(error, ConnectionError::Lost);
    if peer_may_write {
        // A peer that takes longer has had its chance to read why.
        let _ = timeout(LINGER, poll_fn(|cx| poll_discard(read, cx))).await;
    }
}

/// Says a last word to a peer of another protocol, and closes the transport as [`close`] does.
pub(crate) async fn answer(mut link: Link, answer: &[u8]) {
    let last = async {
        link.write_all(answer).await?;
        link.flush().await?;
        link.shutdown().await
    };
    if matches!(timeout(LINGER, last).await, Ok(Ok(()))) {
        let _ = timeout(LINGER, poll_fn(|cx| poll_discard(&mut link.read, cx))).await;
    }
}

fn poll_flush(live: &Live, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        match live.flush(cx) {
            Flushed::All | Flushed::Quiet | Flushed::Ended => return Poll::Ready(()),
            Flushed::More => {}
            Flushed::Blocked => return Poll::Pending,
        }
    }
}

fn poll_discard(read: &mut (dyn AsyncRead + Send + Unpin), cx: &mut Context<'_>) -> Poll<()> {
    let mut discarded = 0;
    let mut bytes = [0; 1024];
    loop {
        let mut buffer = ReadBuf::new(&mut bytes);
        match std::task::ready!(Pin::new(&mut *read).poll_read(cx, &mut buffer)) {
            Ok(()) if !buffer.filled().is_empty() && discarded < MAX_DISCARDED => {
                discarded += buffer.filled().len();
            }
            _ => return Poll::Ready(()),
        }
    }
}
